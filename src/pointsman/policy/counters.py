"""The counters of one worker: what each scope has used, within a bound of memory.

Owns the counters and the order in which they are forgotten. Knows no rule: a key names the rule,
whose counter it is and, for calendar periods, when the period began. Counters outlive a reload of
the configuration, so that a raised cap keeps what was spent.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Protocol, TypeVar

from pointsman.core.money import NanoUsd

MINUTE_NS = 60_000_000_000
_EVICTION_SEARCH = 64


class Counter(Protocol):
    """Something that is counted for one scope."""

    @property
    def is_held(self) -> bool:
        """Whether a call under way will come back to it."""
        ...


C = TypeVar("C", bound=Counter)


class Meter:
    """How full a bucket is that empties evenly. Integers only: nothing drifts."""

    __slots__ = ("at_ns", "level")

    def __init__(self) -> None:
        self.level = 0
        """What was used and has not drained yet, in units times the nanoseconds of a minute."""
        self.at_ns = 0
        """Monotonic time up to which it has drained."""

    @property
    def is_held(self) -> bool:
        """Whether a call under way will come back to it: it may find another, emptier one."""
        return False

    def fill(self, units: int) -> None:
        """Add what is used from now on."""
        self.level += units * MINUTE_NS

    def correct(self, units: int) -> None:
        """Add what was used beyond the estimate; take out what was not."""
        self.level = max(0, self.level + units * MINUTE_NS)


class Tally:
    """What was used within a calendar period, and what calls under way may still use."""

    __slots__ = ("held", "used")

    def __init__(self) -> None:
        self.used = 0
        self.held = 0

    def hold(self, amount: int) -> None:
        """Keep a place, or an estimate, for a call under way."""
        self.held += amount

    def settle(self, held: int, used: int) -> None:
        """Replace what is held for a call by what it has used."""
        self.held -= held
        self.used += used

    def restore(self, used: int) -> None:
        """Take in what a call of an earlier process has used."""
        self.used += used

    @property
    def is_held(self) -> bool:
        """Whether a call under way will come back to it."""
        return self.held > 0


class Money:
    """What a budget has spent within its period, in nano-USD."""

    __slots__ = ("held", "holds", "spent", "was_warned")

    def __init__(self) -> None:
        self.spent: NanoUsd = 0
        self.held: NanoUsd = 0
        self.holds = 0
        """Calls under way that will come back to it; a hold may be of nothing."""
        self.was_warned = False

    def hold(self, amount: NanoUsd) -> None:
        """Hold money for one attempt."""
        self.held += amount
        self.holds += 1

    def settle(self, held: NanoUsd, actual: NanoUsd) -> None:
        """Replace a hold by what the attempt cost."""
        self.held -= held
        self.holds -= 1
        self.spent += actual

    def restore(self, spent: NanoUsd) -> None:
        """Take in what a call of an earlier process cost."""
        self.spent += spent

    @property
    def is_held(self) -> bool:
        """Whether a call under way will come back to it."""
        return self.holds > 0


class CounterStore:
    """All counters of a worker.

    Args:
        max_counters: Bound; may be changed by a reload. Beyond it the longest unused that no call
            holds goes first, counted in `evicted`.
    """

    __slots__ = ("_counters", "evicted", "max_counters", "warnings")

    def __init__(self, max_counters: int = 20_000) -> None:
        self.max_counters = max_counters
        self._counters: OrderedDict[Hashable, Counter] = OrderedDict()
        self.evicted = 0
        """Counters forgotten to stay within the bound; what they had counted begins again."""
        self.warnings = 0
        """How often a budget passed its warning."""

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._counters)

    def get(self, key: Hashable, kind: type[C], make: Callable[[], C]) -> C:
        """Return a counter, made now if there is none of this kind under the key."""
        counter = self._counters.get(key)
        if isinstance(counter, kind):
            self._counters.move_to_end(key)
            return counter
        if len(self._counters) >= self.max_counters:
            self._make_room()
        made = self._counters[key] = self._made(key, make)
        return made

    def _made(self, key: Hashable, make: Callable[[], C]) -> C:  # noqa: ARG002 - shared counters have names
        """Return a counter that was not there."""
        return make()

    def _make_room(self) -> None:
        """Forget the longest unused that is not held; grow when all that were seen are."""
        for position, (key, counter) in enumerate(self._counters.items()):
            if not counter.is_held:
                del self._counters[key]
                self.evicted += 1
                return
            if position >= _EVICTION_SEARCH:
                return
