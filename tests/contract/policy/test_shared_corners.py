"""What happens between the lines of a shared decision: cancelled askers, guesses, moves."""

import asyncio
import contextlib
import os
import signal

import pytest

from pointsman.core.clock import ManualClock
from pointsman.core.errors import BudgetExceededError, CallError
from policy_workers import RedisWorker, until
from redis_server import RedisServer

DAILY = "budgets: {daily: {scope: key, usd: '0.000001'}}"


async def worker_of(server: RedisServer, clock: ManualClock, policy: str, **options: object):
    return await RedisWorker("w0", server, policy, clock, **options).start()


def only(server: RedisServer, kind: str) -> dict[str, int]:
    (name,) = server.names(f"pointsman:{kind}:*")
    return server.figures(name)


@pytest.mark.parametrize("stage", ["admit", "hold"])
async def test_a_request_that_is_cancelled_while_redis_counts_it_holds_nothing(
    own_redis: RedisServer, clock: ManualClock, stage: str
) -> None:
    """Its task is gone when the reply comes; what the script has taken goes back."""
    policy = f"limits: {{few: {{concurrent: 5, requests_per_day: 9}}}}\n{DAILY}"
    worker = await worker_of(own_redis, clock, policy, timeout_s=5.0)
    admission = await worker.admit(key="k")
    os.kill(own_redis.pid, signal.SIGSTOP)
    try:
        asking = worker.admit(key="k") if stage == "admit" else worker.hold(admission, 600)
        task = asyncio.ensure_future(asking)
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)
    await worker.hold(admission, 1)  # travels behind it
    await worker.settled()
    held = [own_redis.figures(name) for name in own_redis.names("pointsman:tally:*")]
    assert sorted(each.get("h", 0) for each in held) == [0, 1]
    assert sorted(each.get("s", 0) for each in held) == [0, 1]
    assert only(own_redis, "money")["h"] == 1
    await worker.stop()


async def test_a_budget_of_a_guessed_run_belongs_to_the_run_that_redis_knows(
    redis: RedisServer, clock: ManualClock
) -> None:
    """The other worker's first step spends what the second step may not."""
    policy = "agent_runs: {}\nbudgets: {task: {scope: run, period: total, usd: '0.000001'}}"
    one = await worker_of(redis, clock, policy)
    two = await RedisWorker("w1", redis, policy, clock).start()
    await one.spend(1000, 1000, key="k", message_count=1)
    await one.settled()
    second = two.record(key="k", message_count=3)
    admission = await two.admit(second)
    with pytest.raises(BudgetExceededError):
        await two.hold(admission, 1)
    await one.stop()
    await two.stop()


@pytest.mark.parametrize("limits", ["local", "closed", "open"])
async def test_a_run_without_redis_is_counted_as_configured_and_told_later(
    own_redis: RedisServer, clock: ManualClock, limits: str
) -> None:
    """Agent caps are limits; what a worker let pass alone counts when Redis is back."""
    policy = "agent_runs: {max_iterations: 3}"
    worker = await worker_of(own_redis, clock, policy, limits=limits)
    await worker.admit(key="k", run_id="r")
    own_redis.kill()
    await until(lambda: not worker.store.is_up)
    passed = 1
    for _ in range(4):
        record = worker.record(key="k", run_id="r")
        try:
            await worker.admit(record)
            passed += 1
        except CallError:
            pass
        assert record.limits[0].on_loss == limits
    assert passed == {"local": 3, "closed": 1, "open": 5}[limits]
    own_redis.start()
    await until(lambda: worker.store.is_up)
    await worker.settled()
    record = worker.record(key="k", run_id="r")
    with contextlib.suppress(CallError):
        await worker.admit(record)
    assert record.limits[0].refused == (passed >= 3)
    assert record.limits[0].before == passed
    await worker.stop()


async def test_a_spent_budget_is_told_with_the_age_of_what_is_known(
    redis: RedisServer, clock: ManualClock
) -> None:
    """Refused before anybody is asked: spent money does not come back."""
    worker = await worker_of(redis, clock, DAILY)
    await worker.spend(1000, 1000, key="k")
    clock.advance_s(3)
    record = worker.record(key="k")
    with pytest.raises(BudgetExceededError):
        await worker.admit(record)
    assert record.limits[0].store == "redis"
    assert 3000 <= (record.limits[0].age_ms or 0) < 4000
    await worker.stop()


async def test_a_move_to_a_cheaper_target_tells_how_old_its_figures_are(
    redis: RedisServer, clock: ManualClock
) -> None:
    """The quota rule reads what was last seen; the reservation asks."""
    policy = (
        "tenants: {acme: {budget_routes: true}}\n"
        "budgets: {daily: {scope: tenant, usd: '0.000001', route_to: small, route_percent: 50}}"
    )
    worker = await worker_of(redis, clock, policy)
    await worker.spend(600, 600, key="k", tenant="acme")
    clock.advance_s(1)
    admission = await worker.admit(key="k", tenant="acme")
    move = admission.move(100, "large")
    assert move is not None
    assert (move.target, move.check.store) == ("small", "redis")
    assert move.check.age_ms == pytest.approx(1000, abs=500)
    await worker.stop()


async def test_a_budget_that_is_spent_meanwhile_gives_back_what_limits_have_counted(
    redis: RedisServer, clock: ManualClock
) -> None:
    """A refused request is counted by no rule, also when two answers cross."""
    policy = f"limits: {{few: {{concurrent: 5, requests_per_day: 9}}}}\n{DAILY}"
    worker = await worker_of(redis, clock, policy)
    first = await worker.admit(key="k")
    held = await worker.hold(first, 1000)
    crossing = asyncio.ensure_future(worker.admit(key="k"))
    await asyncio.sleep(0)
    await worker.ledger.settle(held, 1000)
    with pytest.raises(BudgetExceededError):
        await crossing
    await first.close()
    await worker.settled()
    figures = [redis.figures(name) for name in redis.names("pointsman:tally:*")]
    assert [each.get("h", 0) for each in figures] == [0, 0]
    assert sorted(each.get("s", 0) for each in figures) == [0, 1]
    await worker.stop()
