"""What is spent and held."""

import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from pointsman.core.clock import ManualClock
from pointsman.core.identity import ANONYMOUS, Principal
from pointsman.core.ledger import Ledger
from pointsman.core.records import LimitCheck
from pointsman.policy.ledger import Account, MemoryLedger, scopes_of

DAY_S = 86_400
CI = Principal(key_name="ci", tenant="acme")


def ledger_and_clock(**options) -> tuple[MemoryLedger, ManualClock]:
    clock = ManualClock()
    return MemoryLedger(clock, **options), clock


async def test_a_hold_shows_the_counters_before_and_after_on_key_and_tenant():
    """CP-21: the priced reservation carries what it was decided on."""
    ledger: Ledger
    ledger, _ = ledger_and_clock()

    first, _ = await ledger.reserve(CI, "acme", 100)
    await ledger.settle(first, 30)
    second, checks = await ledger.reserve(CI, "acme", 100)

    assert checks == [
        LimitCheck("key:ci", "spend_nano_usd_day", 30, 100, 130),
        LimitCheck("tenant:acme", "spend_nano_usd_day", 30, 100, 130),
    ]
    assert first.settled_nano_usd == 30
    assert second.settled_nano_usd is None
    assert first.id != second.id


async def test_a_release_gives_the_whole_hold_back():
    """A reservation whose attempt never reached the provider costs nothing."""
    ledger, _ = ledger_and_clock()
    reservation, _ = await ledger.reserve(CI, None, 100)

    await ledger.release(reservation)

    assert reservation.settled_nano_usd == 0
    assert ledger.account_of("key:ci") == Account(ledger._today())
    assert ledger.outstanding() == 0


async def test_an_anonymous_call_without_tenant_is_held_without_an_account():
    """There is nobody to count for; the reservation is still exactly once."""
    ledger, _ = ledger_and_clock()

    reservation, checks = await ledger.reserve(ANONYMOUS, None, 5)

    assert checks == []
    assert ledger.outstanding() == 1
    await ledger.settle(reservation, 5)
    with pytest.raises(ValueError, match="not held"):
        await ledger.release(reservation)


@pytest.mark.parametrize("first", ["settle", "release"])
async def test_a_second_settlement_is_a_bug_and_changes_nothing(first):
    """Invariant 7: every reservation is settled or released exactly once."""
    ledger, _ = ledger_and_clock()
    reservation, _ = await ledger.reserve(CI, None, 100)
    await (ledger.settle(reservation, 7) if first == "settle" else ledger.release(reservation))
    before = ledger.account_of("key:ci")

    with pytest.raises(ValueError, match="not held"):
        await ledger.settle(reservation, 9)
    with pytest.raises(ValueError, match="not held"):
        await ledger.release(reservation)

    assert ledger.account_of("key:ci") == before


async def test_negative_amounts_are_refused_and_the_hold_stays():
    """Money is never negative."""
    ledger, _ = ledger_and_clock()
    reservation, _ = await ledger.reserve(CI, None, 100)

    with pytest.raises(ValueError, match="negative"):
        await ledger.settle(reservation, -1)
    with pytest.raises(ValueError, match="negative"):
        await ledger.reserve(CI, None, -1)

    assert ledger.outstanding() == 1
    await ledger.release(reservation)


async def test_a_call_over_midnight_counts_for_the_day_it_started_on():
    """The spend of a day is the sum of the records that started on it."""
    ledger, clock = ledger_and_clock()
    late, _ = await ledger.reserve(CI, None, 100)
    clock.advance_s(DAY_S)
    today, checks = await ledger.reserve(CI, None, 10)

    await ledger.settle(late, 80)
    await ledger.settle(today, 5)

    account = ledger.account_of("key:ci")
    assert checks[0].before == 0
    assert account is not None
    assert (account.spent_today, account.held_today) == (5, 0)
    assert (account.spent, account.held) == (85, 0)


async def test_a_clock_set_back_over_midnight_loses_no_spend():
    """An old day does not begin again."""
    ledger, clock = ledger_and_clock()
    reservation, _ = await ledger.reserve(CI, None, 100)
    clock.step_wall_s(-DAY_S)

    await ledger.settle(reservation, 60)

    account = ledger.account_of("key:ci")
    assert account is not None
    assert (account.spent_today, account.held_today) == (60, 0)


async def test_todays_spend_is_restored_from_records():
    """Invariant 11 survives a restart: records of before count, today's for today."""
    ledger, _ = ledger_and_clock()

    ledger.restore({"key:ci": 50, "tenant:acme": 50, "key:damaged": -3})

    account = ledger.account_of("key:ci")
    assert account is not None
    assert (account.spent_today, account.spent) == (50, 50)
    assert ledger.account_of("key:damaged") is None


async def test_the_number_of_accounts_is_bounded_and_holds_are_never_dropped():
    """Tenant names may come from callers; what was dropped is counted."""
    ledger, _ = ledger_and_clock(max_scopes=3)
    held, _ = await ledger.reserve(ANONYMOUS, "busy", 100)

    for number in range(10):
        reservation, _ = await ledger.reserve(ANONYMOUS, f"tenant-{number}", 1)
        await ledger.settle(reservation, 1)
    await ledger.settle(held, 60)

    account = ledger.account_of("tenant:busy")
    assert account is not None
    assert (account.spent, account.held) == (60, 0)
    assert len(ledger._accounts) == 3
    assert ledger.evicted == 8


async def test_holds_of_every_account_make_room_beyond_the_bound():
    """A bound on memory must not lose money: the calls in flight are bounded elsewhere."""
    ledger, _ = ledger_and_clock(max_scopes=1)

    made = [(await ledger.reserve(ANONYMOUS, f"t{n}", 1))[0] for n in range(3)]

    assert ledger.evicted == 0
    for reservation in made:
        await ledger.settle(reservation, 1)
    assert all(ledger.account_of(f"tenant:t{n}").held == 0 for n in range(3))


async def test_concurrent_calls_lose_no_money():
    """Implementations are safe to call concurrently."""
    ledger, _ = ledger_and_clock()

    async def call(amount: int) -> None:
        reservation, _ = await ledger.reserve(CI, "acme", 1000)
        await asyncio.sleep(0)
        await ledger.settle(reservation, amount)

    async with asyncio.TaskGroup() as group:
        for amount in range(100):
            group.create_task(call(amount))

    account = ledger.account_of("tenant:acme")
    assert account is not None
    assert (account.spent, account.held) == (sum(range(100)), 0)


def at_once(awaitable):
    """Run a coroutine that never waits."""
    try:
        awaitable.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the ledger in memory must not wait")


class LedgerMachine(RuleBasedStateMachine):
    """Any order of calls, over days, against plain sums."""

    held = Bundle("held")
    settled = Bundle("settled")

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.ledger = MemoryLedger(self.clock)
        self.expected: dict[str, list[int]] = {}
        self.open: dict[str, tuple[tuple[str, ...], int]] = {}

    @rule(
        target=held,
        key=st.sampled_from([None, "a", "b"]),
        tenant=st.sampled_from([None, "x", "y"]),
        bound=st.integers(0, 10**12),
    )
    def reserve(self, key, tenant, bound):
        principal = Principal(key_name=key)
        reservation, checks = at_once(self.ledger.reserve(principal, tenant, bound))
        scopes = scopes_of(key, tenant)
        assert [check.scope for check in checks] == list(scopes)
        assert all(check.after == check.before + bound for check in checks)
        self.open[reservation.id] = (scopes, bound)
        return reservation

    @rule(target=settled, reservation=consumes(held), actual=st.integers(0, 10**12))
    def settle(self, reservation, actual):
        at_once(self.ledger.settle(reservation, actual))
        scopes, _ = self.open.pop(reservation.id)
        for scope in scopes:
            self.expected.setdefault(scope, []).append(actual)
        return reservation

    @rule(target=settled, reservation=consumes(held))
    def release(self, reservation):
        at_once(self.ledger.release(reservation))
        self.open.pop(reservation.id)
        return reservation

    @rule(reservation=settled, actual=st.integers(0, 10**12))
    def settle_again(self, reservation, actual):
        with pytest.raises(ValueError, match="not held"):
            at_once(self.ledger.settle(reservation, actual))

    @rule(seconds=st.integers(-100_000, 200_000))
    def step(self, seconds):
        self.clock.step_wall_s(seconds)

    @invariant()
    def counters_are_the_sums(self):
        assert self.ledger.outstanding() == len(self.open)
        for scope in ("key:a", "key:b", "tenant:x", "tenant:y"):
            account = self.ledger.account_of(scope)
            if account is None:
                continue
            assert account.spent == sum(self.expected.get(scope, []))
            assert account.held == sum(b for scopes, b in self.open.values() if scope in scopes)
            assert 0 <= account.held_today <= account.held
            assert 0 <= account.spent_today <= account.spent


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
