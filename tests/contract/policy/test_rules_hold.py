"""What every way of counting does alike: by memory, and by Redis."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from pointsman.core.clock import ManualClock
from pointsman.core.errors import BudgetExceededError, CallError, RateLimitedError
from pointsman.core.usage import Usage
from policy_workers import Worker

Make = Callable[[str], Awaitable[Worker]]

DAILY = "budgets: {daily: {scope: key, usd: '0.000001'}}"
"""A cap of a thousand nano-USD."""


async def test_a_budget_takes_what_fits(make: Make) -> None:
    """Spent and held together never pass the cap."""
    worker = await make(DAILY)
    first = await worker.admit(key="k")
    held = await worker.hold(first, 600)
    with pytest.raises(RateLimitedError, match="held by requests under way"):
        await worker.hold(await worker.admit(key="k"), 600)
    await worker.ledger.settle(held, 100)
    await worker.hold(await worker.admit(key="k"), 900)
    with pytest.raises(RateLimitedError):
        await worker.hold(await worker.admit(key="k"), 1)
    await worker.hold(await worker.admit(key="other"), 1000)


async def test_a_spent_budget_refuses_before_any_price(make: Make) -> None:
    """At 100 % the request is not even planned."""
    worker = await make(DAILY)
    await worker.spend(1000, 1000, key="k")
    with pytest.raises(BudgetExceededError) as refused:
        await worker.admit(key="k")
    assert refused.value.should_retry is False
    assert "is spent" in refused.value.message


async def test_a_new_day_begins_a_new_counter(make: Make, clock: ManualClock) -> None:
    """Over midnight: a hold is settled on the day on which its request started."""
    worker = await make(DAILY)
    before = await worker.admit(key="k")
    held = await worker.hold(before, 900)
    clock.advance_s(86_400)
    fresh = await worker.hold(await worker.admit(key="k"), 1000)
    await worker.ledger.settle(held, 900)
    await worker.ledger.settle(fresh, 0)
    record = worker.record(key="k")
    await worker.hold(await worker.admit(record), 5)
    assert record.limits[0].before == 0


async def test_release_gives_everything_back(make: Make) -> None:
    """An attempt that failed has cost nothing."""
    worker = await make(DAILY)
    held = await worker.hold(await worker.admit(key="k"), 1000)
    await worker.ledger.release(held)
    with pytest.raises(ValueError, match="is not held"):
        await worker.ledger.release(held)
    await worker.hold(await worker.admit(key="k"), 1000)


async def test_a_dry_run_records_and_lets_pass(make: Make) -> None:
    """What would be refused is in the record."""
    worker = await make("budgets: {daily: {scope: key, usd: '0.000001', dry_run: true}}")
    record = worker.record(key="k")
    await worker.hold(await worker.admit(record), 5000)
    assert record.limits[0].refused
    assert record.limits[0].dry_run


async def test_a_price_that_is_unknown_can_be_refused(make: Make) -> None:
    """`unpriced: refuse` takes no request without a price."""
    worker = await make("budgets: {daily: {scope: key, usd: '1', unpriced: refuse}}")
    with pytest.raises(BudgetExceededError, match="price is not known"):
        await worker.hold(await worker.admit(key="k"), None)


async def test_a_rate_refuses_until_it_has_drained(make: Make) -> None:
    """Retry-After says when."""
    worker = await make("limits: {per-key: {requests_per_minute: 3}}")
    for _ in range(3):
        await (await worker.admit(key="k")).close()
    with pytest.raises(RateLimitedError) as refused:
        await worker.admit(key="k")
    assert 0 < (refused.value.retry_after_s or 0) <= 20.0
    assert refused.value.headers["x-ratelimit-remaining-requests"] == "0"
    await worker.admit(key="other")


async def test_tokens_are_corrected_by_what_was_used(make: Make) -> None:
    """The estimate is replaced when the answer is there."""
    worker = await make("limits: {per-key: {tokens_per_day: 1000}}")
    record = worker.record(key="k", estimated_input_tokens=100, max_output_tokens=800)
    admission = await worker.admit(record)
    with pytest.raises(RateLimitedError):
        await worker.admit(key="k", estimated_input_tokens=100, max_output_tokens=800)
    record.usage = Usage(input_tokens=50, output_tokens=50)
    await admission.close()
    await worker.admit(key="k", estimated_input_tokens=100, max_output_tokens=800)


async def test_places_come_back_when_a_request_ends(make: Make) -> None:
    """Requests under way at once."""
    worker = await make("limits: {per-key: {concurrent: 2}}")
    first = await worker.admit(key="k")
    await worker.admit(key="k")
    with pytest.raises(RateLimitedError):
        await worker.admit(key="k")
    await first.close()
    await worker.admit(key="k")


async def test_a_request_that_one_limit_refuses_is_counted_by_none(make: Make) -> None:
    """All are asked before any counts."""
    worker = await make(
        "limits: {many: {requests_per_day: 10}, few: {scope: gateway, concurrent: 1}}"
    )
    first = await worker.admit(key="k")
    for _ in range(3):
        with pytest.raises(RateLimitedError):
            await worker.admit(key="k")
    await first.close()
    record = worker.record(key="k")
    await worker.admit(record)
    assert {check.kind: check.before for check in record.limits} == {
        "requests_day": 1,
        "concurrent_calls": 0,
    }


async def test_call_nine_of_a_run_is_refused(make: Make) -> None:
    """Named runs: the ninth request is refused before any provider call."""
    worker = await make("agent_runs: {max_iterations: 8}")
    for number in range(1, 9):
        record = worker.record(key="k", run_id="run_a")
        await worker.admit(record)
        assert record.iteration == number
    record = worker.record(key="k", run_id="run_a")
    with pytest.raises(BudgetExceededError, match="run_a has made 8 of 8"):
        await worker.admit(record)
    await worker.admit(key="k", run_id="run_b")


async def test_a_growing_conversation_is_one_run(make: Make) -> None:
    """Guessed runs, and a shorter conversation begins another."""
    worker = await make("agent_runs: {max_iterations: 2}")
    records = [worker.record(key="k", message_count=count) for count in (1, 3)]
    for record in records:
        await worker.admit(record)
    assert records[0].run_id == records[1].run_id
    with pytest.raises(CallError):
        await worker.admit(worker.record(key="k", message_count=5))
    another = worker.record(key="k", message_count=1)
    await worker.admit(another)
    assert another.run_id != records[0].run_id
    assert another.iteration == 1


async def test_a_hundred_at_once_never_pass_the_cap(make: Make) -> None:
    """Concurrent reservations on one budget."""
    worker = await make(DAILY)

    async def call() -> int:
        try:
            await worker.spend(30, 30, key="k")
        except CallError:
            return 0
        return 30

    spent = sum(await asyncio.gather(*(call() for _ in range(100))))
    assert spent == 990
    assert worker.memory.outstanding() == 0
