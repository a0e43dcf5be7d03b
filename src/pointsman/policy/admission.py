"""Whether a request may pass, and what it holds while it is under way.

`Admissions.admit` asks every rule that needs no price: agent runs, budgets already spent, rates,
requests under way, quotas. All are looked at before any counts, and the record gets what each saw.
The `Admission` it returns then holds money for each attempt and is closed exactly once, whatever
happens, which corrects the tokens and gives places back.

The counters here are those of one worker, and nothing waits: within one step of the event loop
everything is atomic. `shared_admission.py` does the same by counters that several workers share,
which is why the methods are `async`.
"""

from collections.abc import Sequence

from msgspec import Struct

from pointsman.core.clock import Clock
from pointsman.core.errors import CallError
from pointsman.core.facts import Facts
from pointsman.core.money import NanoUsd
from pointsman.core.records import CallRecord, LimitCheck
from pointsman.policy.agent_runs import RunLook
from pointsman.policy.budgets import BudgetLine
from pointsman.policy.compile_rules import Rules
from pointsman.policy.gates import Ask, Look, QuotaGate
from pointsman.policy.limit_headers import limit_headers
from pointsman.policy.refusals import budget_refusal, limit_refusal

MAX_CHECKS = 64
"""Checks kept in one record; a refusal is always kept."""


class BudgetMove(Struct, frozen=True):
    """A budget that sends a request to a cheaper target."""

    target: str
    check: LimitCheck
    is_dry_run: bool


class Admission:
    """What one admitted request has counted and may hold."""

    __slots__ = ("_clock", "_is_open", "_looks", "_record", "budgets", "headers", "may_move")

    def __init__(
        self,
        record: CallRecord,
        clock: Clock,
        looks: Sequence[Look],
        budgets: Sequence[BudgetLine],
        *,
        may_move: bool,
    ) -> None:
        self._record = record
        self._clock = clock
        self._looks = looks
        self._is_open = True
        self.budgets = budgets
        self.headers = limit_headers(looks) if looks else {}
        """`x-ratelimit-*` of the tightest limits; empty when none applies."""
        self.may_move = may_move and any(line.budget.route_to is not None for line in budgets)
        """Whether a budget may send the request to a cheaper target."""

    def hold(self, upper_bound: NanoUsd | None) -> Sequence[BudgetLine]:
        """Hold a price on every budget of the request, or on none.

        Args:
            upper_bound: The most that one attempt may cost; None is unknown.

        Returns:
            The budgets that hold it: each is to be settled once.

        Raises:
            BudgetExceededError: A budget has no room for it, and will have none before it resets.
            RateLimitedError: Only requests under way are in the way.
        """
        refusal: CallError | None = None
        for line in self.budgets:
            check = line.look(upper_bound)
            note_check(self._record, check)
            if check.refused and not check.dry_run and refusal is None:
                refusal = budget_refusal(line, check, upper_bound, self._clock.unix_ns())
        if refusal is not None:
            refusal.headers = self.headers
            raise refusal
        for line in self.budgets:
            line.hold(upper_bound or 0)
        return self.budgets

    def move(self, upper_bound: NanoUsd | None, target: str) -> BudgetMove | None:
        """Return the first budget that sends the request from `target` to a cheaper one."""
        for line in self.budgets:
            to = line.budget.route_to
            if to is not None and to != target and line.would_move(upper_bound):
                return BudgetMove(to, line.look(upper_bound), line.budget.dry_run)
        return None

    async def close(self) -> None:
        """Correct what was counted by what the request has really used. Idempotent."""
        if not self._is_open:
            return
        self._is_open = False
        if not self._looks:
            return
        usage = self._record.usage
        tokens = 0
        if usage is not None:
            tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0)
        now_ns = self._clock.monotonic_ns()
        for look in self._looks:
            look.close(tokens, now_ns)


class PastCall(Struct, kw_only=True):
    """A request of an earlier process, as the journal tells it."""

    facts: Facts
    started_unix_ns: int
    cost_nano_usd: int
    tokens: int
    iteration: int | None
    was_admitted: bool
    """Whether it got past the limits; one that was refused by them was counted by none."""


class Admissions:
    """Admits requests by the rules of one configuration version.

    Args:
        rules: The rules, over counters that outlive them.
        clock: For rates (monotonic) and what is left until a reset.
    """

    __slots__ = ("_clock", "_is_empty", "_rules")

    def __init__(self, rules: Rules, clock: Clock) -> None:
        self._rules = rules
        self._clock = clock
        self._is_empty = rules.is_empty

    async def admit(self, record: CallRecord) -> Admission | None:
        """Let a request pass, or say why not.

        Args:
            record: Has its facts; gets the checks, and the run with its iteration.

        Returns:
            What the request holds, to be closed; None when no rule is configured.

        Raises:
            RateLimitedError: A limit is met; `retry_after_s` says when there is room.
            BudgetExceededError: A quota, budget or run is spent.
            InvalidRequestError: The request names no agent run where it must.
        """
        facts = record.facts
        if self._is_empty or facts is None:
            return None
        now_ns = self._clock.monotonic_ns()
        run = self._rules.runs.look(record, now_ns) if self._rules.runs is not None else None
        budgets = self._rules.budgets.lines(facts, record.started_unix_ns)
        looks = self._look(Ask(facts, record.started_unix_ns, now_ns))
        for check in (look.check for look in looks):
            note_check(record, check)
        refusal = self._refusal(record, run, budgets, looks)
        if refusal is not None:
            refusal.headers = limit_headers(looks)
            raise refusal
        for look in looks:
            look.take()
        if run is not None:
            run.take()
        may_move = self._rules.may_move(facts)
        return Admission(record, self._clock, looks, budgets, may_move=may_move)

    def add_past(self, call: PastCall, now_unix_ns: int) -> None:
        """Count a request of an earlier process; to be called before serving."""
        facts, started = call.facts, call.started_unix_ns
        if call.cost_nano_usd > 0:
            self._rules.budgets.add_past(facts, started, now_unix_ns, call.cost_nano_usd)
        if not call.was_admitted:
            return
        for gate in self._rules.gates.of(facts):
            if isinstance(gate, QuotaGate) and (gate.matches is None or gate.matches(facts)):
                gate.add_past(facts, started, now_unix_ns, call.tokens)
        if self._rules.runs is not None and call.iteration is not None:
            age_ns = max(0, now_unix_ns - started)
            now_ns = self._clock.monotonic_ns()
            self._rules.runs.add_past(facts, call.iteration, age_ns, now_ns)

    def past_since_unix_ns(self) -> int | None:
        """Return how far back a restart must read to know the counters of running periods.

        None when no rule counts over a calendar period or by runs.
        """
        kinds = self._rules.periods()
        now_ns = self._clock.unix_ns()
        starts = [self._rules.calendars.earliest(kind, now_ns) for kind in kinds]
        return min(starts, default=None)

    def _look(self, ask: Ask) -> list[Look]:
        looks = []
        for gate in self._rules.gates.of(ask.facts):
            if gate.matches is None or gate.matches(ask.facts):
                owner = gate.scope.owner(ask.facts)
                if owner is not None:
                    looks.append(gate.look(ask, owner))
        return looks

    def _refusal(
        self,
        record: CallRecord,
        run: RunLook | None,
        budgets: Sequence[BudgetLine],
        looks: Sequence[Look],
    ) -> CallError | None:
        """Return what the first rule that refuses says: first those that waiting does not help."""
        if run is not None and self._rules.runs is not None:
            record.iteration = run.check.before + 1
            note_check(record, run.check)
            if run.check.refused:
                return self._rules.runs.refusal(run)
        for line in budgets:
            if line.is_spent:
                check = self._spent_check(line)
                note_check(record, check)
                if not check.dry_run:
                    return budget_refusal(line, check, 0, self._clock.unix_ns())
        refused = [look for look in looks if look.is_refused]
        if not refused:
            return None
        return limit_refusal(max(refused, key=_wait), self._rules.calendars.of(record.tenant))

    def _spent_check(self, line: BudgetLine) -> LimitCheck:
        """Return the check of a budget that has nothing left."""
        return line.look(0)


def note_check(record: CallRecord, check: LimitCheck) -> None:
    """Put a check into the record, which holds a bounded number of them."""
    if len(record.limits) < MAX_CHECKS or check.refused:
        record.limits.append(check)


def _wait(look: Look) -> float:
    """Order refusals: the one that lasts longest is told."""
    return float("inf") if look.wait_ns is None else look.wait_ns
