"""Budgets in money: hold the upper bound of a call, spend what it cost, warn, move, refuse.

A budget's counter belongs to the calendar period in which the request started, so that what a
period has spent is the sum of the records that started in it, also after midnight and after a
restart. Holds keep concurrent calls from passing the cap together: spent plus held never passes
it; only a call that costs more than its bound can.
"""

import logging
from collections.abc import Sequence

from msgspec import Struct

from pointsman.core.conditions import Pin
from pointsman.core.facts import Facts
from pointsman.core.money import NanoUsd, usd_text
from pointsman.core.records import LimitCheck
from pointsman.policy.calendar import Calendar, Calendars
from pointsman.policy.counters import CounterStore, Money
from pointsman.policy.gates import Matches
from pointsman.policy.rule_index import RuleIndex
from pointsman.policy.scopes import Owner, Scope

_log = logging.getLogger("pointsman.policy")


class Budget(Struct, frozen=True, kw_only=True):
    """One budget as configured, compiled."""

    rule: str
    """Where it is configured: `policy.budgets.daily`."""
    scope: Scope
    matches: Matches | None
    cap: NanoUsd
    warn_percent: int
    period: str
    route_to: str | None
    route_percent: int
    refuses_unpriced: bool
    dry_run: bool
    kind: str
    """What a record calls it: `spend_nano_usd_day`."""
    pins: tuple[Pin[Facts], ...] = ()
    """Values that `matches` needs: other requests never come to it."""


class BudgetLine:
    """A budget as one call meets it: whose, of which period."""

    __slots__ = ("_store", "budget", "calendar", "counter", "ends_unix_ns", "owner")

    def __init__(
        self,
        budget: Budget,
        owner: Owner,
        store: CounterStore,
        calendar: Calendar,
        started_unix_ns: int,
    ) -> None:
        period = calendar.period(budget.period, started_unix_ns)
        key = (budget.rule, owner.identity, budget.period, period.start_unix_ns)
        self._store = store
        self.budget = budget
        self.owner = owner
        self.calendar = calendar
        self.counter = store.get(key, Money, Money)
        self.ends_unix_ns = period.end_unix_ns

    @property
    def is_spent(self) -> bool:
        """Whether the cap is reached already."""
        return self.counter.spent >= self.budget.cap

    def look(self, upper_bound: NanoUsd | None) -> LimitCheck:
        """Compare, without holding anything.

        Args:
            upper_bound: What the call may cost; None is unknown.
        """
        budget, counter = self.budget, self.counter
        amount = upper_bound or 0
        before = counter.spent + counter.held
        refused = before + amount > budget.cap or self.is_spent
        if upper_bound is None and budget.refuses_unpriced:
            refused = True
        # hot path: bench/policy.py; by position, which takes half the time of names.
        return LimitCheck(
            self.owner.text,
            budget.kind,
            before,
            0 if refused else amount,
            before if refused else before + amount,
            budget.cap,
            budget.rule,
            "memory",
            refused,
            budget.dry_run,
            counter.spent * 100 >= budget.warn_percent * budget.cap,
            self.ends_unix_ns,
        )

    def would_move(self, upper_bound: NanoUsd | None) -> bool:
        """Tell whether the call is to go to the budget's cheaper target."""
        budget, counter = self.budget, self.counter
        after = counter.spent + counter.held + (upper_bound or 0)
        return budget.route_to is not None and after * 100 >= budget.route_percent * budget.cap

    def hold(self, amount: NanoUsd) -> None:
        """Hold money for one attempt."""
        self.counter.hold(amount)

    def settle(self, held: NanoUsd, actual: NanoUsd) -> None:
        """Replace a hold by what the attempt cost."""
        self.counter.settle(held, actual)
        self._warn_once()

    def _warn_once(self) -> None:
        budget, counter = self.budget, self.counter
        if counter.was_warned or counter.spent * 100 < budget.warn_percent * budget.cap:
            return
        counter.was_warned = True
        self._store.warnings += 1
        _log.warning(
            "%s of %s: %s of %s USD are spent",
            budget.rule,
            self.owner.text,
            usd_text(counter.spent),
            usd_text(budget.cap),
        )


class Budgets:
    """All budgets of one configuration version."""

    __slots__ = ("_budgets", "_calendars", "_store")

    def __init__(
        self, budgets: Sequence[Budget], store: CounterStore, calendars: Calendars
    ) -> None:
        self._budgets = RuleIndex((budget, budget.pins) for budget in budgets)
        self._store = store
        self._calendars = calendars

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._budgets.all)

    def periods(self) -> set[str]:
        """Return the periods that budgets are for."""
        return {budget.period for budget in self._budgets.all}

    def lines(self, facts: Facts, started_unix_ns: int) -> list[BudgetLine]:
        """Return the budgets that a call must fit into."""
        lines = []
        for budget in self._budgets.of(facts):
            if budget.matches is not None and not budget.matches(facts):
                continue
            owner = budget.scope.owner(facts)
            if owner is not None:
                calendar = self._calendar(budget, facts)
                lines.append(BudgetLine(budget, owner, self._store, calendar, started_unix_ns))
        return lines

    def add_past(self, facts: Facts, started_unix_ns: int, now_unix_ns: int, cost: NanoUsd) -> None:
        """Count a call of an earlier process in the budgets whose period is still running."""
        for budget in self._budgets.of(facts):
            period = self._calendar(budget, facts).period(budget.period, now_unix_ns)
            if not period.holds(started_unix_ns):
                continue
            if budget.matches is not None and not budget.matches(facts):
                continue
            owner = budget.scope.owner(facts)
            if owner is not None:
                key = (budget.rule, owner.identity, budget.period, period.start_unix_ns)
                self._store.get(key, Money, Money).restore(cost)

    def _calendar(self, budget: Budget, facts: Facts) -> Calendar:
        return self._calendars.of(facts.tenant if budget.scope.is_of_tenant else None)
