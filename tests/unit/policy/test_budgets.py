"""Budgets in money: held before, settled once, warned of, refused at the cap."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
)

from pointsman.core.clock import ManualClock
from pointsman.core.errors import BudgetExceededError, CallError, RateLimitedError
from pointsman.policy.admission import PastCall
from pointsman.policy.counters import Money
from policy_rules import Desk

USD = 1_000_000_000
DAILY = "budgets: {daily: {usd: 1}}"
FIRST_OF_MARCH_NS = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) * USD


async def test_a_spent_budget_is_refused_with_cap_amount_and_reset():
    """AC-07, AP-20, AG-15: a clear 429 that an SDK does not retry."""
    desk = Desk(DAILY)
    await desk.spend(USD, key="ci")

    with pytest.raises(BudgetExceededError) as refused:
        await desk.admit(key="ci")

    error = refused.value
    assert error.message == (
        "the daily budget daily of key:ci is spent: 1 of 1 USD are spent. "
        "It resets at 2026-09-22T00:00:00+00:00"
    )
    assert error.metadata["reason"] == "spend_limit_exceeded"
    assert error.wire_code == "insufficient_quota"
    assert error.should_retry is False
    desk.clock.advance_s(error.retry_after_s)
    await desk.admit(key="ci")


async def test_holds_of_calls_under_way_count_and_waiting_for_them_helps():
    """AC-08: concurrent calls cannot pass the cap together, and are not told that it is spent."""
    desk = Desk(DAILY)
    first, second = await desk.admit(key="ci"), await desk.admit(key="ci")
    reservation = await desk.hold(first, 600_000_000)

    with pytest.raises(RateLimitedError) as refused:
        await desk.hold(second, 600_000_000)
    await desk.ledger.settle(reservation, 100)
    await desk.hold(second, 600_000_000)

    assert refused.value.metadata["reason"] == "budget_held_by_requests_under_way"
    assert refused.value.retry_after_s == 1.0


async def test_a_call_that_does_not_fit_into_what_is_left_is_refused_before_it_is_made():
    """AG-16: the check comes before the money is spent."""
    desk = Desk(DAILY)
    await desk.spend(900_000_000, key="ci")
    record = desk.record(key="ci")
    admission = await desk.admit(record)

    with pytest.raises(BudgetExceededError, match=r"may cost up to 0\.2 USD"):
        await desk.hold(admission, 200_000_000)

    assert desk.ledger.outstanding() == 0
    check = record.limits[-1]
    assert (check.before, check.reserved, check.limit, check.refused) == (
        900_000_000,
        0,
        USD,
        True,
    )


async def test_a_dearer_failover_holds_more_and_is_refused_when_it_does_not_fit():
    """Invariant 7: the hold of the failed attempt is given back before the next is made."""
    desk = Desk("budgets: {task: {scope: run, period: total, usd: 1}}")
    admission = await desk.admit(run_id="r")
    cheap = await desk.hold(admission, 400_000_000)
    await desk.ledger.release(cheap)
    dear = await desk.hold(admission, 900_000_000)
    await desk.ledger.settle(dear, 900_000_000)

    with pytest.raises(BudgetExceededError, match="It does not reset"):
        await desk.hold(await desk.admit(run_id="r"), 400_000_000)
    await desk.hold(await desk.admit(run_id="another"), 400_000_000)


async def test_a_run_budget_does_not_concern_requests_without_a_run():
    """AG-17: a task is named, or it is none."""
    desk = Desk("budgets: {task: {scope: run, period: total, usd: 1}}")

    await desk.spend(5 * USD, key="ci")
    await desk.spend(5 * USD, key="ci")


async def test_from_ninety_percent_on_records_warn_and_the_crossing_is_counted_once():
    """AG-15: warning above 90 %."""
    desk = Desk(DAILY)
    before = await desk.spend(890_000_000, key="ci")
    crossing = await desk.spend(20_000_000, key="ci")
    after = await desk.spend(1, key="ci")

    assert [before.limits[0].warning, crossing.limits[0].warning] == [False, False]
    assert after.limits[0].warning
    assert desk.store.warnings == 1


async def test_the_budget_without_an_amount_is_fifty_dollars_a_day():
    """AG-15."""
    desk = Desk("budgets: {daily: {scope: key}}")
    await desk.spend(49 * USD, key="ci")
    await desk.spend(USD, key="ci")

    with pytest.raises(BudgetExceededError, match="50 of 50 USD"):
        await desk.admit(key="ci")


async def test_an_unknown_price_holds_nothing_unless_the_budget_refuses_it():
    """Unknown is not zero: a hard cap can say that it takes no such call."""
    desk = Desk("budgets: {soft: {usd: 1}}")
    await desk.hold(await desk.admit(key="ci"), None)
    desk.configure("budgets: {hard: {usd: 1, unpriced: refuse}}")

    with pytest.raises(BudgetExceededError, match="price is not known"):
        await desk.hold(await desk.admit(key="ci"), None)


async def test_all_budgets_must_have_room_and_none_is_held_when_one_has_not():
    """A refusal leaves no hold on the budgets that had room."""
    desk = Desk("budgets: {all: {scope: gateway, usd: 10}, one: {usd: 1}}")
    admission = await desk.admit(key="ci")

    with pytest.raises(CallError):
        await desk.hold(admission, 2 * USD)

    await desk.hold(await desk.admit(key="other"), USD)
    assert sum(held_of(desk)) == 2 * USD


async def test_a_dry_run_budget_records_and_lets_pass():
    """A cap can be tried on live traffic before it hurts."""
    desk = Desk("budgets: {daily: {usd: 1, dry_run: true}}")
    await desk.spend(2 * USD, key="ci")
    record = await desk.spend(USD, key="ci")

    assert record.limits[-1].refused
    assert record.limits[-1].dry_run


async def test_a_call_that_began_before_midnight_is_spent_on_its_day():
    """A day's counter is the sum of the records that started on it, also after a restart."""
    desk = Desk(DAILY, ManualClock(FIRST_OF_MARCH_NS - USD))
    admission = await desk.admit(key="ci")
    reservation = await desk.hold(admission, USD)
    desk.clock.advance_s(2)
    await desk.admit(key="ci")
    await desk.ledger.settle(reservation, USD)

    await desk.hold(await desk.admit(key="ci"), USD)
    desk.clock.step_wall_s(-2)
    with pytest.raises(BudgetExceededError):
        await desk.admit(key="ci")


@pytest.mark.parametrize(
    ("zone", "hours"), [("Europe/Berlin", 23), ("UTC", 24), ("America/New_York", 24)]
)
async def test_the_day_of_summer_time_is_as_long_as_it_is(zone: str, hours: int):
    """29 March 2026 has 23 hours in Berlin."""
    noon = datetime.fromisoformat("2026-03-29T12:00:00+00:00")
    desk = Desk(f"time_zone: {zone}\n{DAILY}", ManualClock(int(noon.timestamp()) * USD))
    period = desk.admissions._rules.calendars.default.period("day", desk.clock.unix_ns())

    assert (period.end_unix_ns - period.start_unix_ns) // 3_600_000_000_000 == hours


async def test_only_tenants_that_allow_it_are_moved_and_only_to_another_target():
    """§19.4: a passthrough is never changed silently; a tenant opts in."""
    desk = Desk(
        "tenants: {acme: {budget_routes: true}}\n"
        "budgets: {daily: {scope: gateway, usd: 1, route_to: small, route_percent: 50}}"
    )
    acme, other = await desk.admit(tenant="acme"), await desk.admit(tenant="other")

    assert acme.move(400_000_000, "large") is None
    move = acme.move(500_000_000, "large")
    assert move is not None
    assert (move.target, move.check.rule) == ("small", "policy.budgets.daily")
    assert acme.move(500_000_000, "small") is None
    assert (other.may_move, acme.may_move) == (False, True)


async def test_a_restart_counts_what_the_journal_tells_for_running_periods_only():
    """MM-12 and invariant 11: spend in records equals spend in budgets, also after a restart."""
    desk = Desk(
        "budgets: {daily: {usd: 1}, monthly: {scope: tenant, period: month, usd: 3}}\n"
        "limits: {q: {requests_per_day: 2}}"
    )
    now = desk.clock.unix_ns()
    for days, cost in ((0, 1), (1, 2)):
        past = PastCall(
            facts=desk.record(key="ci", tenant="acme").facts,
            started_unix_ns=now - days * 86_400 * USD,
            cost_nano_usd=cost * USD // 2,
            tokens=10,
            iteration=None,
            was_admitted=True,
        )
        desk.admissions.add_past(past, now)

    spent = {key[0].rpartition(".")[2]: one.spent for key, one in counters(desk).items()}
    assert spent == {"daily": USD // 2, "monthly": 3 * USD // 2}
    await desk.admit(key="ci", tenant="acme")
    with pytest.raises(BudgetExceededError, match="quota q"):
        await desk.admit(key="ci", tenant="acme")


def counters(desk: Desk) -> dict[tuple, Money]:
    return {
        key: counter for key, counter in desk.store._counters.items() if isinstance(counter, Money)
    }


def held_of(desk: Desk) -> list[int]:
    return [counter.held for counter in counters(desk).values()]


class BudgetUnderAnyInterleaving(RuleBasedStateMachine):
    """Any order of admit, hold, settle, release, cancel and midnight keeps the books."""

    calls = Bundle("calls")
    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk("budgets: {daily: {usd: '0.000001'}, all: {scope: gateway, usd: 1}}")
        self.cap = 1000
        self.settled = 0
        self.over = 0
        self.open: dict[str, int] = {}

    @rule(target=calls)
    def admit(self):
        try:
            return asyncio.run(self.desk.admit(key="ci"))
        except CallError:
            return multiple()

    @rule(target=holds, call=calls, amount=st.integers(0, 700))
    def hold(self, call, amount):
        try:
            reservation = asyncio.run(self.desk.hold(call, amount))
        except CallError:
            return multiple()
        self.open[reservation.id] = amount
        return reservation

    @rule(held=consumes(holds), share=st.floats(0, 1.5))
    def settle(self, held, share):
        actual = int(self.open.pop(held.id) * share)
        self.over += max(0, actual - held.held_nano_usd)
        self.settled += actual
        asyncio.run(self.desk.ledger.settle(held, actual))

    @rule(held=consumes(holds))
    def release(self, held):
        del self.open[held.id]
        asyncio.run(self.desk.ledger.release(held))

    @rule(call=calls)
    def close(self, call):
        asyncio.run(call.close())

    @rule(seconds=st.sampled_from([1, 3600, 40_000]))
    def wait(self, seconds):
        self.desk.clock.advance_s(seconds)

    @invariant()
    def nothing_is_negative_and_no_day_passes_its_cap_but_by_what_calls_cost_beyond_their_bound(
        self,
    ):
        for key, money in counters(self.desk).items():
            assert money.held >= 0
            assert money.spent >= 0
            assert money.holds >= 0
            if key[0].endswith("daily"):
                assert money.spent + money.held <= self.cap + self.over

    @invariant()
    def what_is_held_and_spent_is_what_the_calls_hold_and_cost(self):
        daily = [one for key, one in counters(self.desk).items() if key[0].endswith("daily")]
        assert sum(one.held for one in daily) == sum(self.open.values())
        assert sum(one.spent for one in daily) == self.settled
        assert sum(one.holds for one in daily) == len(self.open)
        assert self.desk.ledger.outstanding() == len(self.open)


TestBudgetUnderAnyInterleaving = BudgetUnderAnyInterleaving.TestCase
TestBudgetUnderAnyInterleaving.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None
)
