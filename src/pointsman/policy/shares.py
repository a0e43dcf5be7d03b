"""One worker's part of the counters that several workers write to.

Redis holds the sum; each worker knows what of it is its own, so that a Redis that has lost
something can be told again, and so that the sum of all workers' records is the counter. A `Share`
is that part, with what the others were last seen to have. The classes below are the counters of
`counters.py` with a share: what a rule reads (`spent`, `held`, `level` …) is everybody's.

A figure that changed here and that Redis was not told yet is `untold`. What a script counts for a
request comes with its reply and is told already.
"""

from collections.abc import Callable, Hashable
from hashlib import blake2b
from itertools import islice
from typing import cast

import msgspec

from pointsman.core.clock import Clock
from pointsman.core.money import NanoUsd
from pointsman.policy.agent_runs import Run
from pointsman.policy.counters import MINUTE_NS, C, Counter, CounterStore, Meter, Money, Tally

_encode = msgspec.json.Encoder().encode
OVERFULL = 4
RETURNING_NS = 3_000_000_000
"""Within this every worker has joined a server that is back."""
US_NS = 1000
"""Nanoseconds of the unit in which Redis keeps buckets: its numbers end at 2^53."""


class Share:
    """Own, untold and others' part of one counter of two figures: what is used, what is held.

    Args:
        store: Is told when there is something to tell.
        name: Of the counter in Redis.
        kind: `m` money; `t` a tally: what a dead worker held of it is given back.
        show: Called when what others have was read.
    """

    __slots__ = (
        "_before_session",
        "_show",
        "_store",
        "ends_unix_ns",
        "kind",
        "name",
        "others_held",
        "others_used",
        "own_held",
        "own_used",
        "read_ns",
        "untold_held",
        "untold_used",
    )

    def __init__(
        self, store: "SharedCounterStore", name: str, kind: str, show: Callable[[], None]
    ) -> None:
        self._store = store
        self._show = show
        self.name = name
        self.kind = kind
        self.ends_unix_ns: int | None = None
        """When its period ends; None for what has none."""
        self.own_used = self.own_held = 0
        self.untold_used = self.untold_held = 0
        self.others_used = self.others_held = 0
        self.read_ns: int | None = None
        """Monotonic time of the last reply; None before the first."""
        self._before_session = 0
        """What others held when it was last read before the present session."""

    @property
    def is_untold(self) -> bool:
        """Whether Redis does not know yet what this worker knows."""
        return bool(self.untold_used or self.untold_held)

    @property
    def must_be_kept(self) -> bool:
        """Whether forgetting it would lose something; an outage must not fill the memory."""
        return self.is_untold and not self._store.is_overfull

    def add(self, used: int, held: int) -> None:
        """Change the own part, and have Redis told."""
        self.own_used += used
        self.own_held += held
        self.untold_used += used
        self.untold_held += held
        self._store.touch(self)

    def told(self, used: int, held: int) -> None:
        """Change the own part by what a script has counted."""
        self.own_used += used
        self.own_held += held

    def read(self, used: int, held: int, own_used: int, own_held: int) -> None:
        """Take in what Redis has: all workers together, and of this one.

        What is used never shrinks within a period. So more than this worker knows of itself is from
        an earlier process of it, and less, of it or of all, is a loss of data, which is told again
        or at least not forgotten here.
        """
        missing = own_used - (self.own_used - self.untold_used)
        if missing > 0:
            self.own_used += missing
        elif missing < 0:
            self.untold_used -= missing
        self.untold_held += (self.own_held - self.untold_held) - own_held
        if self.is_untold:
            self._store.touch(self)
        if not self._is_of_session:
            self._before_session = self.others_held
        self.others_used = max(self.others_used, used - own_used)
        self.others_held = max(0, held - own_held)
        self.read_ns = self._store.clock.monotonic_ns()
        self._show()

    def least_held(self) -> int:
        """Return how much is held at least, whatever a server says that may have lost its data.

        For a moment after a loss the others may not have said again what they hold.
        """
        since_ns = self._store.clock.monotonic_ns() - self._store.session_ns
        if since_ns > RETURNING_NS:
            return 0
        others = self._before_session if self._is_of_session else self.others_held
        return self.own_held + others  # what is untold travels in front of the question

    @property
    def _is_of_session(self) -> bool:
        return self.read_ns is not None and self.read_ns >= self._store.session_ns

    def take_untold(self) -> tuple[int, int]:
        """Return what Redis is to be told now."""
        untold = self.untold_used, self.untold_held
        self.untold_used = self.untold_held = 0
        return untold


class SharedMoney(Money):
    """What a budget has spent and holds, on all workers."""

    __slots__ = ("share",)

    def __init__(self, store: "SharedCounterStore", name: str) -> None:
        super().__init__()
        self.share = Share(store, name, "m", self._mirror)

    @property
    def is_held(self) -> bool:
        """Whether a call under way will come back to it, or Redis is to be told of it."""
        return self.holds > 0 or self.share.must_be_kept

    def hold(self, amount: NanoUsd) -> None:
        """Hold money without having asked Redis."""
        super().hold(amount)
        self.share.add(0, amount)

    def settle(self, held: NanoUsd, actual: NanoUsd) -> None:
        """Replace a hold by what the attempt cost."""
        super().settle(held, actual)
        self.share.add(actual, -held)

    def restore(self, spent: NanoUsd) -> None:
        """Take in what an earlier process of this worker spent; the next session tells it."""
        super().restore(spent)
        self.share.told(spent, 0)

    def landed(self, amount: NanoUsd) -> None:
        """Hold what a script holds already."""
        self.holds += 1
        self.share.told(0, amount)

    def _mirror(self) -> None:
        """Show everybody's figures."""
        share = self.share
        self.spent = share.own_used + share.others_used
        self.held = share.own_held + share.others_held


class SharedTally(Tally):
    """What was used within a period, or is under way, on all workers."""

    __slots__ = ("share",)

    def __init__(self, store: "SharedCounterStore", name: str) -> None:
        super().__init__()
        self.share = Share(store, name, "t", self._mirror)

    @property
    def is_held(self) -> bool:
        """Whether a call under way will come back to it, or Redis is to be told of it."""
        return self.share.own_held > 0 or self.share.must_be_kept

    def hold(self, amount: int) -> None:
        """Hold without having asked Redis."""
        super().hold(amount)
        self.share.add(0, amount)

    def settle(self, held: int, used: int) -> None:
        """Replace what is held by what was used."""
        super().settle(held, used)
        self.share.add(used, -held)

    def restore(self, used: int) -> None:
        """Take in what an earlier process of this worker used; the next session tells it."""
        super().restore(used)
        self.share.told(used, 0)

    def _mirror(self) -> None:
        """Show everybody's figures."""
        share = self.share
        self.used = share.own_used + share.others_used
        self.held = share.own_held + share.others_held


class SharedMeter(Meter):
    """A bucket that all workers fill. Redis lets it drain; this is its level as last seen."""

    __slots__ = ("_store", "name", "read_ns", "untold")

    def __init__(self, store: "SharedCounterStore", name: str) -> None:
        super().__init__()
        self._store = store
        self.name = name
        self.untold = 0
        """Units that Redis is still to be told of."""
        self.read_ns: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether Redis is to be told of it."""
        return self.untold != 0 and not self._store.is_overfull

    def fill(self, units: int) -> None:
        """Add what is used without having asked Redis."""
        super().fill(units)
        self._tell(units)

    def correct(self, units: int) -> None:
        """Add what was used beyond the estimate; take out what was not."""
        super().correct(units)
        self._tell(units)

    def read(self, level_us: int) -> None:
        """Take in the level that Redis has, in units times the microseconds of a minute."""
        self.read_ns = self.at_ns = self._store.clock.monotonic_ns()
        self.level = max(0, level_us * US_NS + self.untold * MINUTE_NS)

    def take_untold(self) -> int:
        """Return what Redis is to be told now, in units: never more than has not drained."""
        units = min(self.untold, -(-self.level // MINUTE_NS))
        self.untold = 0
        return units

    def _tell(self, units: int) -> None:
        self.untold += units
        self._store.touch(self)


class SharedRun(Run):
    """How many requests an agent run has made, on all workers."""

    __slots__ = ("_store", "known", "known_id", "name", "read_ns", "untold", "window_ms")

    def __init__(self, store: "SharedCounterStore", name: str) -> None:
        super().__init__()
        self._store = store
        self.name = name
        self.known = 0
        self.known_id = ""
        """How many requests Redis was last seen to have, and of which run: a floor for a server
        that has lost its data."""
        self.untold = 0
        self.window_ms = 0
        """Silence after which Redis forgets it."""
        self.read_ns: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether Redis is to be told of it."""
        return self.untold != 0 and not self._store.is_overfull

    def take(self, monotonic_ns: int) -> None:
        """Count a request without having asked Redis."""
        super().take(monotonic_ns)
        self.untold += 1
        self._store.touch(self)

    def landed(self, run_id: str, calls: int) -> None:
        """Take in what a script has counted."""
        self.run_id = self.known_id = run_id
        self.calls = self.known = calls
        self.at_ns = self.read_ns = self._store.clock.monotonic_ns()

    def take_untold(self) -> tuple[int, int]:
        """Return what Redis is to be told now: requests, and how many it knew of before."""
        untold, self.untold = self.untold, 0
        known, self.known = self.known, self.known + untold
        return untold, known


Told = Share | SharedMeter | SharedRun
"""What Redis may have to be told of."""


class SharedCounterStore(CounterStore):
    """The counters of a worker that shares them.

    Args:
        prefix: Begin of their names in Redis.
        clock: Tells how old a figure is.
        max_counters: As of every store. While Redis is away, what it was not told of is kept up to
            `OVERFULL` times as many counters.
    """

    __slots__ = ("_untold", "_wake", "clock", "prefix", "session_ns")

    def __init__(self, prefix: str, clock: Clock, max_counters: int = 20_000) -> None:
        super().__init__(max_counters)
        self.prefix = prefix
        self.clock = clock
        self._untold: dict[int, Told] = {}
        self._wake: Callable[[], None] | None = None
        self.session_ns = 0
        """Monotonic time at which the present session began to be joined."""

    @property
    def is_overfull(self) -> bool:
        """Whether more is kept for Redis than an outage may cost."""
        return len(self._counters) > OVERFULL * self.max_counters

    def on_untold(self, wake: Callable[[], None]) -> None:
        """Have somebody told that there is something to tell."""
        self._wake = wake

    def touch(self, part: Told) -> None:
        """Note that Redis is to be told of a counter."""
        if len(self._untold) > OVERFULL * self.max_counters:
            self._untold.pop(next(iter(self._untold)))
        self._untold[id(part)] = part
        if self._wake is not None:
            self._wake()

    def untold(self) -> int:
        """Return of how many counters Redis is still to be told."""
        return len(self._untold)

    def take_untold(self, most: int) -> list[Told]:
        """Return some of the counters that Redis is to be told of, the longest waiting first."""
        numbers = list(islice(self._untold, most))
        return [self._untold.pop(number) for number in numbers]

    def told_all(self) -> list[Told]:
        """Return every counter that has something of this worker's; nothing is untold after it."""
        self._untold.clear()
        parts: list[Told] = []
        for counter in self._counters.values():
            if isinstance(counter, (SharedMoney, SharedTally)):
                share = counter.share
                if share.own_used or share.own_held:
                    parts.append(share)
            elif isinstance(counter, (SharedMeter, SharedRun)) and counter.untold:
                parts.append(counter)
        return parts

    def _made(self, key: Hashable, make: Callable[[], C]) -> C:
        for plain, letter, shared in _SHARED:
            if make is plain:
                # A name is a hash: names of users and tenants are nobody else's business.
                digest = blake2b(_encode(key), digest_size=16).hexdigest()
                made: Counter = shared(self, f"{self.prefix}:{letter}:{digest}")
                return cast(C, made)
        return make()


_SHARED: tuple[tuple[object, str, Callable[[SharedCounterStore, str], Counter]], ...] = (
    (Money, "money", SharedMoney),
    (Tally, "tally", SharedTally),
    (Meter, "rate", SharedMeter),
    (Run, "run", SharedRun),
)
