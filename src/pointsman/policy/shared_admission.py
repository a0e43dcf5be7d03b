"""Admits requests, and holds money, by counters that several workers share.

The rules, their order and what a caller is told are those of `admission.py`; what is here replaces
a look into this worker's memory by one at Redis. While Redis is away the same rules go on with this
worker's own part on top of what it last read, or refuse, or pass, as `shared.on_loss` says.
"""

from collections.abc import Sequence

from pointsman.core.clock import Clock
from pointsman.core.errors import CallError
from pointsman.core.facts import Facts
from pointsman.core.identity import Principal
from pointsman.core.ledger import Admission as AnyAdmission
from pointsman.core.money import NanoUsd
from pointsman.core.records import CallRecord, LimitCheck, Reservation
from pointsman.policy.admission import Admission, Admissions, BudgetMove, note_check
from pointsman.policy.agent_runs import RunLook
from pointsman.policy.budgets import BudgetLine
from pointsman.policy.compile_rules import Rules
from pointsman.policy.counters import MINUTE_NS
from pointsman.policy.counting import Admitted, Counting, RunAsk, Seen
from pointsman.policy.gates import SLOT_WAIT_NS, Ask, ConcurrencyGate, Look, RateGate
from pointsman.policy.ledger import MemoryLedger
from pointsman.policy.limit_headers import limit_headers
from pointsman.policy.loss import OnLoss, away_refusal
from pointsman.policy.refusals import budget_refusal
from pointsman.policy.shares import US_NS, SharedMeter, SharedMoney, SharedRun, SharedTally
from pointsman.shared.errors import SharedLostError

REDIS = "redis"


class SharedAdmission(Admission):
    """What one admitted request has counted, and holds in budgets that several workers share."""

    __slots__ = ("_counting", "_on_loss")

    def __init__(
        self,
        record: CallRecord,
        looks: Sequence[Look],
        budgets: Sequence[BudgetLine],
        *,
        may_move: bool,
        counting: Counting,
        on_loss: OnLoss,
    ) -> None:
        super().__init__(record, on_loss.clock, looks, budgets, may_move=may_move)
        self._counting = counting
        self._on_loss = on_loss

    async def hold_shared(self, upper_bound: NanoUsd | None) -> Sequence[BudgetLine]:
        """Hold a price on every budget of the request, or on none; as `hold`, with one round trip.

        Raises:
            BudgetExceededError: A budget has no room for it, and will have none before it resets.
            RateLimitedError: Only requests under way are in the way.
            SharedCountersAwayError: Redis is away and budgets are closed without it.
        """
        lines = self.budgets
        if not lines:
            return ()
        try:
            seen = await self._counting.reserve(lines, upper_bound)
        except SharedLostError:
            return self._hold_alone(upper_bound)
        refusal: CallError | None = None
        for line, one in zip(lines, seen, strict=True):
            check = _told_check(line, one, upper_bound)
            note_check(self._record, check)
            if check.refused and not check.dry_run and refusal is None:
                refusal = budget_refusal(line, check, upper_bound, self._clock.unix_ns())
        if refusal is not None:
            refusal.headers = self.headers
            raise refusal
        return lines

    def move(self, upper_bound: NanoUsd | None, target: str) -> BudgetMove | None:
        """Return the first budget that sends the request elsewhere, by what was last read of it."""
        found = super().move(upper_bound, target)
        if found is not None:
            moving = (line for line in self.budgets if line.budget.rule == found.check.rule)
            mark_read(found.check, next(moving).counter, self._counting, self._on_loss)
        return found

    def _hold_alone(self, upper_bound: NanoUsd | None) -> Sequence[BudgetLine]:
        """Hold without Redis, as configured."""
        choice = self._on_loss.budgets
        self._on_loss.count(choice)
        refusal: CallError | None = None
        checks: list[LimitCheck] = []
        for line in self.budgets:
            check = line.look(upper_bound)
            self._on_loss.mark(check, choice, _read_ns(line.counter))
            checks.append(check)
            note_check(self._record, check)
            if check.refused and not check.dry_run and refusal is None and choice == "local":
                refusal = budget_refusal(line, check, upper_bound, self._clock.unix_ns())
        if choice == "closed":
            refusal = away_refusal("budgets", checks)
        if refusal is not None:
            refusal.headers = self.headers
            raise refusal
        for line in self.budgets:
            line.hold(upper_bound or 0)
        return self.budgets


class SharedAdmissions(Admissions):
    """Admits requests by rules whose counters several workers share.

    Args:
        rules: The rules, over a `SharedCounterStore`.
        clock: As of `Admissions`.
        counting: The way to Redis.
        on_loss: What decides while it is away.
    """

    __slots__ = ("_counting", "_on_loss")

    def __init__(self, rules: Rules, clock: Clock, counting: Counting, on_loss: OnLoss) -> None:
        super().__init__(rules, clock)
        self._counting = counting
        self._on_loss = on_loss

    async def admit(self, record: CallRecord) -> Admission | None:
        """Let a request pass, or say why not; as `Admissions.admit`, with at most one round trip.

        Raises:
            RateLimitedError: A limit is met; `retry_after_s` says when there is room.
            BudgetExceededError: A quota, budget or run is spent.
            InvalidRequestError: The request names no agent run where it must.
            SharedCountersAwayError: Redis is away and what counts this request is closed without.
        """
        facts = record.facts
        if self._is_empty or facts is None:
            return None
        now_ns = self._clock.monotonic_ns()
        run = self._rules.runs.look(record, now_ns) if self._rules.runs is not None else None
        budgets = self._rules.budgets.lines(facts, record.started_unix_ns)
        ask = Ask(facts, record.started_unix_ns, now_ns)
        looks = self._look(ask)
        is_over = any(line.is_spent and not line.budget.dry_run for line in budgets)
        admitted: Admitted | None = None
        if is_over:
            for look in looks:
                mark_read(look.check, look.counter, self._counting, self._on_loss)
        elif looks or run is not None:
            admitted = await self._count(record, ask, looks, run)
            if record.run_id != facts.run_id:
                facts.run_id = record.run_id
                budgets = self._rules.budgets.lines(facts, record.started_unix_ns)
        try:
            self._pass_or_raise(record, run, budgets, looks)
        except CallError:
            if admitted is not None and admitted.passes:
                # A budget was spent in the moment between.
                self._counting.give_back(looks, [seen.refused for seen in admitted.seen])
            raise
        if admitted is None:
            self._take(looks, run)
        return SharedAdmission(
            record,
            looks,
            budgets,
            may_move=self._rules.may_move(facts),
            counting=self._counting,
            on_loss=self._on_loss,
        )

    def _pass_or_raise(
        self,
        record: CallRecord,
        run: RunLook | None,
        budgets: Sequence[BudgetLine],
        looks: Sequence[Look],
    ) -> None:
        for look in looks:
            note_check(record, look.check)
        refusal = self._closed(record, run, looks) or self._refusal(record, run, budgets, looks)
        if refusal is not None:
            refusal.headers = limit_headers(looks)
            raise refusal

    def _closed(
        self, record: CallRecord, run: RunLook | None, looks: Sequence[Look]
    ) -> CallError | None:
        """Return what is said when Redis is away and limits are closed without it."""
        checks = [look.check for look in looks]
        if run is not None:
            checks.append(run.check)
        if not any(check.on_loss == "closed" for check in checks):
            return None
        if run is not None:
            note_check(record, run.check)
        return away_refusal("limits", checks)

    def _spent_check(self, line: BudgetLine) -> LimitCheck:
        check = line.look(0)
        mark_read(check, line.counter, self._counting, self._on_loss)
        return check

    def _take(self, looks: Sequence[Look], run: RunLook | None) -> None:
        """Count without Redis; it is told when it is back."""
        for look in looks:
            look.take()
        if run is not None:
            run.take()

    async def _count(
        self, record: CallRecord, ask: Ask, looks: Sequence[Look], run: RunLook | None
    ) -> Admitted | None:
        """Have Redis count the request, and put what it saw into the checks.

        Returns:
            None when Redis is away: nothing is counted then.
        """
        try:
            admitted = await self._counting.admit(looks, self._run_ask(record, ask.facts, run))
        except SharedLostError:
            self._mark_lost(looks, run)
            return None
        for look, seen in zip(looks, admitted.seen, strict=True):
            _revise(look, seen, ask)
        if run is not None:
            _revise_run(record, run, admitted)
        return admitted

    def _mark_lost(self, looks: Sequence[Look], run: RunLook | None) -> None:
        on_loss = self._on_loss
        choice = on_loss.limits
        on_loss.count(choice)
        for look in looks:
            on_loss.mark(look.check, choice, _read_ns(look.counter))
        if run is not None:
            on_loss.mark(run.check, choice, _read_ns(run.run))

    def _run_ask(self, record: CallRecord, facts: Facts, run: RunLook | None) -> RunAsk | None:
        if run is None or self._rules.runs is None or not isinstance(run.run, SharedRun):
            return None
        window_ns = self._rules.runs.window_ns(is_guess=run.is_guess)
        run.run.window_ms = max(1, window_ns // 1_000_000)
        return RunAsk(
            run.run,
            is_guess=run.is_guess,
            messages=facts.message_count,
            run_id=f"run_{record.trace_id}" if run.is_guess else run.run.run_id,
            limit=run.check.limit or 0,
        )


class SharedLedger:
    """The ledger of a worker whose budgets are shared; implements `core.ledger.Ledger`.

    Args:
        memory: Counts keys and tenants of this worker, and knows every hold.
    """

    __slots__ = ("memory",)

    def __init__(self, memory: MemoryLedger) -> None:
        self.memory = memory

    async def reserve(
        self,
        principal: Principal,
        tenant: str | None,
        upper_bound: NanoUsd | None,
        admission: AnyAdmission | None = None,
    ) -> tuple[Reservation, list[LimitCheck]]:
        """Hold `upper_bound` for one attempt. As `MemoryLedger.reserve`, which see.

        Raises:
            ValueError: `upper_bound` is negative.
            BudgetExceededError: It does not fit under a cap; nothing is held then.
            RateLimitedError: The same, but only for what requests under way hold.
            SharedCountersAwayError: Redis is away and budgets are closed without it.
        """
        if upper_bound is not None and upper_bound < 0:
            raise ValueError(f"a hold must not be negative, got {upper_bound}")
        if not isinstance(admission, SharedAdmission):
            return await self.memory.reserve(principal, tenant, upper_bound, admission)
        budgets = await admission.hold_shared(upper_bound)
        return self.memory.hold(principal, tenant, upper_bound or 0, budgets)

    async def settle(self, reservation: Reservation, actual: NanoUsd) -> None:
        """Replace the hold by the real cost; Redis is told without anybody waiting for it.

        Raises:
            ValueError: The reservation is not held, or `actual` is negative.
        """
        await self.memory.settle(reservation, actual)

    async def release(self, reservation: Reservation) -> None:
        """Give the whole hold back. Raises as `settle` does."""
        await self.memory.settle(reservation, 0)


def _told_check(line: BudgetLine, seen: Seen, upper_bound: NanoUsd | None) -> LimitCheck:
    """Return the check of a budget as Redis made it."""
    check = line.look(upper_bound)
    amount = 0 if seen.refused else upper_bound or 0
    check.before, check.reserved, check.after = seen.before, amount, seen.before + amount
    check.refused = seen.refused
    check.store, check.age_ms = REDIS, 0.0
    return check


def _revise(look: Look, seen: Seen, ask: Ask) -> None:
    """Put what Redis saw into the look that this worker had."""
    check, gate, amount = look.check, look.gate, look.amount
    before = seen.before
    if isinstance(gate, RateGate):
        missing = before * US_NS + (amount - gate.limit) * MINUTE_NS
        look.wait_ns = -(-missing // gate.limit) if amount <= gate.limit else None
        before = -(-before * US_NS // MINUTE_NS)
    elif not isinstance(gate, ConcurrencyGate):
        look.wait_ns = (look.resets_unix_ns or ask.started_unix_ns) - ask.started_unix_ns
        if before - seen.held + amount <= gate.limit:
            look.wait_ns = SLOT_WAIT_NS
    check.before = before
    check.refused = seen.refused
    check.reserved = 0 if seen.refused else amount
    check.after = before + check.reserved
    check.store, check.age_ms = REDIS, 0.0


def _revise_run(record: CallRecord, run: RunLook, admitted: Admitted) -> None:
    """Put into the record which run it is, and how many requests it had made."""
    check, limit = run.check, run.check.limit or 0
    record.run_id = admitted.run_id
    check.scope = f"run:{admitted.run_id}"
    check.before = admitted.calls
    check.refused = admitted.calls >= limit
    check.reserved = 0 if check.refused else 1
    check.after = admitted.calls + check.reserved
    check.store, check.age_ms = REDIS, 0.0


def mark_read(check: LimitCheck, counter: object, counting: Counting, on_loss: OnLoss) -> None:
    """Write into a check how old its figures are: Redis was not asked for this request."""
    check.store = REDIS if counting.store.is_up else "local"
    check.age_ms = on_loss.age_ms(_read_ns(counter))


def _read_ns(counter: object) -> int | None:
    if isinstance(counter, (SharedMoney, SharedTally)):
        return counter.share.read_ns
    return counter.read_ns if isinstance(counter, (SharedMeter, SharedRun)) else None
