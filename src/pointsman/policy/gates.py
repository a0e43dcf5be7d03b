"""Limits without a price: rates, calls under way, quotas of a calendar period.

A gate looks at a request without changing anything, so that all gates are asked before any counts:
a request that one gate refuses is counted by none. Rates are token buckets on the monotonic clock,
in integers: a bucket of one minute's worth that empties evenly, so at most twice the figure passes
within any one minute, and the figure itself over time. Nothing here waits, so looking and taking
within one step of the event loop is atomic.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from pointsman.core.facts import Facts
from pointsman.core.records import LimitCheck
from pointsman.policy.calendar import Calendars
from pointsman.policy.counters import MINUTE_NS, CounterStore, Meter, Tally
from pointsman.policy.scopes import Owner, Scope

ASSUMED_OUTPUT_TOKENS = 1024
"""Counted in advance for a request that sets no bound on its answer; corrected after it."""
SLOT_WAIT_NS = 1_000_000_000
"""Told to a request that only calls under way keep out."""
Matches: TypeAlias = Callable[[Facts], bool]


class Ask(Struct):
    """One request, as gates see it."""

    facts: Facts
    started_unix_ns: int
    """Decides the calendar period, so that a period's counters are the sum of its records."""
    monotonic_ns: int

    def tokens(self, limit: int) -> int:
        """Return how many tokens to count in advance under a limit."""
        facts = self.facts
        if facts.max_output_tokens is not None:
            return facts.estimated_input_tokens + facts.max_output_tokens * facts.choice_count
        assumed = facts.estimated_input_tokens + ASSUMED_OUTPUT_TOKENS * facts.choice_count
        # A guess alone must not keep a request out for ever.
        return max(facts.estimated_input_tokens, min(assumed, limit))


class Look(Struct):
    """What a gate saw."""

    gate: "Gate"
    counter: Meter | Tally
    check: LimitCheck
    amount: int
    """How much the request counts, or would have."""
    wait_ns: int | None = None
    """When refused: until there may be room; None when there never is."""
    resets_unix_ns: int | None = None

    @property
    def is_refused(self) -> bool:
        """Whether the request must not pass."""
        return self.check.refused and not self.check.dry_run

    def take(self) -> None:
        """Count the request. A dry run counts what it would have let pass."""
        if not self.check.refused:
            self.gate.take(self)

    def close(self, tokens: int, monotonic_ns: int) -> None:
        """Correct what was counted by what the call has really used."""
        if not self.check.refused:
            self.gate.close(self, tokens, monotonic_ns)


class Gate(ABC):
    """One number of one limit.

    Args:
        rule: Where it is configured: `policy.limits.per-key`.
        kind: `requests_minute`, `tokens_day` …
        limit: The number.
        scope: Who shares a counter.
        matches: Which requests it is about; None is all.
        dry_run: Record only.
    """

    __slots__ = (
        "_store",
        "counts_tokens",
        "dry_run",
        "key",
        "kind",
        "limit",
        "matches",
        "rule",
        "scope",
    )

    def __init__(
        self, store: CounterStore, *, rule: str, kind: str, limit: int, scope: Scope
    ) -> None:
        self._store = store
        self.rule = rule
        self.kind = kind
        self.limit = limit
        self.scope = scope
        self.matches: Matches | None = None
        self.dry_run = False
        self.counts_tokens = kind.startswith("tokens")
        self.key = f"{rule} {kind}"

    @abstractmethod
    def look(self, ask: Ask, owner: Owner) -> Look:
        """Compare, without counting."""

    @abstractmethod
    def take(self, look: Look) -> None:
        """Count one request that all gates let pass."""

    @abstractmethod
    def close(self, look: Look, tokens: int, monotonic_ns: int) -> None:
        """Correct the count after the call."""

    def amount(self, ask: Ask) -> int:
        """Return how much the request counts."""
        return ask.tokens(self.limit) if self.counts_tokens else 1

    def check(self, owner: Owner, before: int, amount: int, *, refused: bool) -> LimitCheck:
        """Return the entry for the record."""
        # hot path: bench/policy.py; by position, which takes half the time of names.
        return LimitCheck(
            owner.text,
            self.kind,
            before,
            0 if refused else amount,
            before if refused else before + amount,
            self.limit,
            self.rule,
            "memory",
            refused,
            self.dry_run,
        )


class RateGate(Gate):
    """Requests or tokens per minute."""

    __slots__ = ()

    def look(self, ask: Ask, owner: Owner) -> Look:
        """Compare, without counting."""
        now_ns = ask.monotonic_ns
        meter = self._store.get((self.key, owner.identity), Meter, Meter)
        self._drain(meter, now_ns)
        amount = self.amount(ask)
        missing = meter.level + (amount - self.limit) * MINUTE_NS
        before = -(-meter.level // MINUTE_NS)
        check = self.check(owner, before, amount, refused=missing > 0)
        wait_ns = -(-missing // self.limit) if amount <= self.limit else None
        return Look(self, meter, check, amount, wait_ns)

    def take(self, look: Look) -> None:
        """Fill the bucket."""
        if isinstance(look.counter, Meter):
            look.counter.fill(look.amount)

    def close(self, look: Look, tokens: int, monotonic_ns: int) -> None:
        """Fill in what was used beyond the estimate, or take out what was not."""
        meter = look.counter
        if self.counts_tokens and isinstance(meter, Meter):
            self._drain(meter, monotonic_ns)
            meter.correct(tokens - look.amount)

    def remaining(self, meter: Meter) -> int:
        """Return how much fits now."""
        return max(0, (self.limit * MINUTE_NS - meter.level) // MINUTE_NS)

    def empties_in_ns(self, meter: Meter) -> int:
        """Return how long until the bucket is as good as unused."""
        return meter.level // self.limit

    def _drain(self, meter: Meter, now_ns: int) -> None:
        gone_ns = now_ns - meter.at_ns
        if gone_ns > 0:
            meter.level = max(0, meter.level - gone_ns * self.limit)
            meter.at_ns = now_ns


class ConcurrencyGate(Gate):
    """Requests under way at once."""

    __slots__ = ()

    def look(self, ask: Ask, owner: Owner) -> Look:  # noqa: ARG002 - every gate has this form
        """Compare, without counting."""
        tally = self._store.get((self.key, owner.identity), Tally, Tally)
        check = self.check(owner, tally.held, 1, refused=tally.held >= self.limit)
        return Look(self, tally, check, 1, SLOT_WAIT_NS)

    def take(self, look: Look) -> None:
        """Take a place."""
        if isinstance(look.counter, Tally):
            look.counter.hold(1)

    def close(self, look: Look, tokens: int, monotonic_ns: int) -> None:  # noqa: ARG002 - every gate has this form
        """Give the place back."""
        if isinstance(look.counter, Tally):
            look.counter.settle(1, 0)


class QuotaGate(Gate):
    """Requests or tokens per calendar day or month."""

    __slots__ = ("_calendars", "period")

    def __init__(
        self,
        store: CounterStore,
        calendars: Calendars,
        *,
        rule: str,
        kind: str,
        limit: int,
        scope: Scope,
    ) -> None:
        super().__init__(store, rule=rule, kind=kind, limit=limit, scope=scope)
        self._calendars = calendars
        self.period = kind.rpartition("_")[2]

    def look(self, ask: Ask, owner: Owner) -> Look:
        """Compare, without counting."""
        tally, ends_ns = self._tally(ask.facts, ask.started_unix_ns, owner)
        amount = self.amount(ask)
        before = tally.used + tally.held
        check = self.check(owner, before, amount, refused=before + amount > self.limit)
        check.resets_unix_ns = ends_ns
        wait_ns = (ends_ns or ask.started_unix_ns) - ask.started_unix_ns
        if tally.used + amount <= self.limit:
            wait_ns = SLOT_WAIT_NS  # only calls under way are in the way
        return Look(self, tally, check, amount, wait_ns, ends_ns)

    def take(self, look: Look) -> None:
        """Hold the estimate; what counts requests is used at once."""
        tally = look.counter
        if isinstance(tally, Tally):
            if self.counts_tokens:
                tally.hold(look.amount)
            else:
                tally.settle(0, 1)

    def close(self, look: Look, tokens: int, monotonic_ns: int) -> None:  # noqa: ARG002 - every gate has this form
        """Replace the estimate by what was used."""
        tally = look.counter
        if self.counts_tokens and isinstance(tally, Tally):
            tally.settle(look.amount, tokens)

    def add_past(self, facts: Facts, started_unix_ns: int, now_unix_ns: int, tokens: int) -> None:
        """Count a call of an earlier process, if its period is still running."""
        owner = self.scope.owner(facts)
        if owner is None or not self._is_running(facts, started_unix_ns, now_unix_ns):
            return
        tally, _ = self._tally(facts, started_unix_ns, owner)
        tally.restore(tokens if self.counts_tokens else 1)

    def _is_running(self, facts: Facts, started_unix_ns: int, now_unix_ns: int) -> bool:
        calendar = self._calendars.of(facts.tenant if self.scope.is_of_tenant else None)
        return calendar.period(self.period, now_unix_ns).holds(started_unix_ns)

    def _tally(self, facts: Facts, unix_ns: int, owner: Owner) -> tuple[Tally, int | None]:
        calendar = self._calendars.of(facts.tenant if self.scope.is_of_tenant else None)
        period = calendar.period(self.period, unix_ns)
        key = (self.key, owner.identity, period.start_unix_ns)
        return self._store.get(key, Tally, Tally), period.end_unix_ns
