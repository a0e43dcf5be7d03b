"""Several workers over one real Redis: sums, crashes, loss and return."""

import asyncio
import os
import signal

import pytest

from pointsman.core.clock import ManualClock
from pointsman.core.errors import CallError, RateLimitedError
from pointsman.core.usage import Usage
from pointsman.policy.loss import SharedCountersAwayError
from policy_workers import RedisWorker, until
from redis_server import RedisServer

DAILY = "budgets: {daily: {scope: key, usd: '0.000001'}}"


def figures(server: RedisServer, kind: str = "money") -> dict[str, int]:
    """Return what the one counter of a kind holds in Redis."""
    (name,) = server.names(f"pointsman:{kind}:*")
    return server.figures(name)


async def workers_of(
    server: RedisServer, clock: ManualClock, policy: str, count: int, **options: object
) -> list[RedisWorker]:
    return [
        await RedisWorker(f"w{number}", server, policy, clock, **options).start()
        for number in range(count)
    ]


async def stop_all(workers: list[RedisWorker]) -> None:
    for worker in workers:
        await worker.stop()


async def test_three_workers_share_one_cap(redis: RedisServer, clock: ManualClock) -> None:
    """However calls are spread, what is spent is what fits, and nothing is left held."""
    workers = await workers_of(redis, clock, DAILY, 3)

    async def call(number: int) -> int:
        try:
            await workers[number % 3].spend(30, 17, key="k")
        except CallError:
            return 0
        return 17

    spent = sum(await asyncio.gather(*(call(number) for number in range(200))))
    await asyncio.gather(*(worker.settled() for worker in workers))
    found = figures(redis)
    assert 0 < spent <= 1000
    assert (found["s"], found["h"]) == (spent, 0)
    await stop_all(workers)


async def test_places_and_runs_are_shared(redis: RedisServer, clock: ManualClock) -> None:
    """A place taken at one worker is missing at the other; a run counts at all."""
    policy = "limits: {few: {concurrent: 1}}\nagent_runs: {max_iterations: 3, without_id: ignore}"
    one, two = await workers_of(redis, clock, policy, 2)
    first = await one.admit(key="k", run_id="r")
    with pytest.raises(RateLimitedError):
        await two.admit(key="k", run_id="r")
    await first.close()
    await one.settled()
    await (await two.admit(key="k", run_id="r")).close()
    await two.settled()
    await (await one.admit(key="k", run_id="r")).close()
    record = two.record(key="k", run_id="r")
    with pytest.raises(CallError, match="has made 3 of 3"):
        await two.admit(record)
    await stop_all([one, two])


async def test_a_guess_finds_its_run_at_any_worker(redis: RedisServer, clock: ManualClock) -> None:
    """Steps of one agent may reach different workers."""
    one, two = await workers_of(redis, clock, "agent_runs: {max_iterations: 8}", 2)
    first, second = one.record(key="k", message_count=1), two.record(key="k", message_count=3)
    await one.admit(first)
    await two.admit(second)
    assert first.run_id == second.run_id == second.facts.run_id
    assert second.iteration == 2
    await stop_all([one, two])


async def test_records_name_the_store_and_the_age(redis: RedisServer, clock: ManualClock) -> None:
    """A value read for this very request is 0 ms old."""
    (worker,) = await workers_of(
        redis, clock, f"limits: {{l: {{requests_per_day: 9}}}}\n{DAILY}", 1
    )
    record = await worker.spend(10, 10, key="k")
    assert [(check.store, check.age_ms) for check in record.limits] == [("redis", 0.0)] * 2
    await stop_all([worker])


async def test_a_killed_worker_keeps_its_money_held_and_frees_its_places(
    redis: RedisServer, clock: ManualClock
) -> None:
    """Its journal says what became of the money; nobody waits for a dead place."""
    policy = f"limits: {{few: {{concurrent: 1}}}}\n{DAILY}"
    dead, alive = await workers_of(redis, clock, policy, 2, lease_s=0.3)
    await dead.hold(await dead.admit(key="k"), 600)
    await dead.crash()
    await until(lambda: alive.store.stats.places_returned == 1)
    admission = await alive.admit(key="k")
    with pytest.raises(RateLimitedError):
        await alive.hold(admission, 500)
    assert figures(redis)["h"] == 600

    # It starts again: its journal charges the call that was under way at what was held.
    again = RedisWorker("w0", redis, DAILY, clock)
    for money in _moneys(again):
        money.restore(600)
    await again.start()
    found = figures(redis)
    assert (found["s"], found["h"]) == (600, 0)
    await stop_all([again, alive])


def _moneys(worker: RedisWorker):
    facts = worker.record(key="k").facts
    lines = worker.admissions._rules.budgets.lines(facts, worker.clock.unix_ns())
    return [line.counter for line in lines]


async def test_a_worker_that_was_only_slow_counts_on(
    redis: RedisServer, clock: ManualClock
) -> None:
    """Silent beyond its lease, it finds its session ended and says again what it has."""
    slow, other = await workers_of(redis, clock, DAILY, 2, lease_s=0.3)
    held = await slow.hold(await slow.admit(key="k"), 600)
    redis.command("HDEL", "pointsman:sessions", "w0")
    await until(lambda: slow.store.stats.sessions == 2)
    await slow.ledger.settle(held, 600)
    await slow.settled()
    found = figures(redis)
    assert (found["s"], found["h"]) == (600, 0)
    await stop_all([slow, other])


@pytest.mark.parametrize("budgets", ["closed", "local", "open"])
async def test_on_loss_decides_about_budgets(
    own_redis: RedisServer, clock: ManualClock, budgets: str
) -> None:
    """Each choice, in what happens and in the record; what was spent meanwhile is added."""
    (worker,) = await workers_of(own_redis, clock, DAILY, 1, budgets=budgets)
    await worker.spend(400, 400, key="k")
    own_redis.kill()
    await until(lambda: not worker.store.is_up)
    clock.advance_s(2)
    record = worker.record(key="k")
    admission = await worker.admit(record)
    if budgets == "closed":
        with pytest.raises(SharedCountersAwayError):
            await worker.hold(admission, 500)
    else:
        await worker.ledger.settle(await worker.hold(admission, 500), 500)
        more = await worker.admit(key="k")
        if budgets == "local":
            with pytest.raises(RateLimitedError.__mro__[1]):
                await worker.hold(more, 500)
        else:
            await worker.ledger.settle(await worker.hold(more, 500), 500)
    check = record.limits[0]
    assert (check.store, check.on_loss, check.before) == ("local", budgets, 400)
    assert check.age_ms is not None
    assert 2000 <= check.age_ms < 3000
    assert check.fail_open == (budgets == "open")
    assert getattr(worker.stats, budgets) >= 1

    own_redis.start()
    await until(lambda: worker.store.is_up)
    spent = {"closed": 400, "local": 900, "open": 1400}[budgets]
    assert figures(own_redis) == {"s": spent, "s:w0": spent}
    await stop_all([worker])


@pytest.mark.parametrize("limits", ["closed", "local", "open"])
async def test_on_loss_decides_about_limits(
    own_redis: RedisServer, clock: ManualClock, limits: str
) -> None:
    """A quota goes on from what was last read, or refuses, or lets pass."""
    policy = "limits: {l: {requests_per_day: 2}}"
    one, two = await workers_of(own_redis, clock, policy, 2, limits=limits)
    await (await two.admit(key="k")).close()
    await (await one.admit(key="k")).close()
    own_redis.kill()
    await until(lambda: not one.store.is_up)
    record = one.record(key="k")
    if limits == "open":
        await one.admit(record)
        assert record.limits[0].fail_open
    else:
        expected = SharedCountersAwayError if limits == "closed" else CallError
        with pytest.raises(expected):
            await one.admit(record)
    assert record.limits[0].on_loss == limits
    assert record.limits[0].before == 2
    own_redis.start()
    await until(lambda: one.store.is_up and two.store.is_up)
    await asyncio.gather(one.settled(), two.settled())
    assert figures(own_redis, "tally")["s"] == (3 if limits == "open" else 2)
    await stop_all([one, two])


async def test_a_request_does_not_hang_while_redis_hangs(
    own_redis: RedisServer, clock: ManualClock
) -> None:
    """SIGSTOP: the first request waits for `shared.timeout`, the next not at all."""
    (worker,) = await workers_of(own_redis, clock, DAILY, 1, budgets="local", timeout_s=0.1)
    os.kill(own_redis.pid, signal.SIGSTOP)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await worker.spend(10, 10, key="k")
    assert loop.time() - began < 1.0
    began = loop.time()
    await worker.spend(10, 10, key="k")
    assert loop.time() - began < 0.05
    os.kill(own_redis.pid, signal.SIGCONT)
    await until(lambda: worker.store.is_up)
    await worker.settled()
    assert figures(own_redis)["s"] == 20
    await stop_all([worker])


async def test_lost_data_is_told_again_by_all(own_redis: RedisServer, clock: ManualClock) -> None:
    """Redis starts empty: the workers' own parts make the sum again."""
    workers = await workers_of(own_redis, clock, DAILY, 3)
    for number, worker in enumerate(workers):
        await worker.spend(100, 100 + number, key="k")
    held = await workers[0].hold(await workers[0].admit(key="k"), 50)
    await asyncio.gather(*(worker.settled() for worker in workers))
    own_redis.kill()
    await until(lambda: not any(worker.store.is_up for worker in workers))
    own_redis.start()
    await until(lambda: all(worker.store.is_up for worker in workers))
    found = figures(own_redis)
    assert (found["s"], found["h"]) == (303, 50)
    await workers[0].ledger.settle(held, 40)
    await workers[0].settled()
    assert figures(own_redis)["s"] == 343
    await stop_all(workers)


async def test_older_data_is_brought_up_to_date(own_redis: RedisServer, clock: ManualClock) -> None:
    """A counter that Redis has dropped or holds an old value of is told again when met."""
    one, two = await workers_of(own_redis, clock, DAILY, 2)
    await one.spend(300, 300, key="k")
    await two.spend(300, 300, key="k")
    await asyncio.gather(one.settled(), two.settled())
    await one.spend(10, 0, key="k")  # reads what the other has spent
    (name,) = own_redis.names("pointsman:money:*")
    own_redis.command("DEL", name)
    with pytest.raises(CallError):
        await one.spend(500, 500, key="k")  # it knows of 600
    await two.spend(100, 100, key="k")
    await asyncio.gather(one.settled(), two.settled())
    assert figures(own_redis)["s"] == 700
    await stop_all([one, two])


async def test_the_day_turns_for_all(redis: RedisServer, clock: ManualClock) -> None:
    """Over midnight every worker begins the new day's counter; late settlements reach the old."""
    one, two = await workers_of(redis, clock, DAILY, 2)
    late = await one.hold(await one.admit(key="k"), 700)
    clock.advance_s(86_400)
    await two.spend(1000, 1000, key="k")
    await one.ledger.settle(late, 650)
    await asyncio.gather(one.settled(), two.settled())
    spent = [redis.figures(name)["s"] for name in redis.names("pointsman:money:*")]
    assert sorted(spent) == [650, 1000]
    await stop_all([one, two])


async def test_tokens_of_a_minute_are_corrected_for_all(
    redis: RedisServer, clock: ManualClock
) -> None:
    """What the estimate was too high by, others may use."""
    one, two = await workers_of(redis, clock, "limits: {l: {tokens_per_minute: 1000}}", 2)
    facts = {"key": "k", "estimated_input_tokens": 100, "max_output_tokens": 800}
    record = one.record(**facts)
    admission = await one.admit(record)
    with pytest.raises(RateLimitedError):
        await two.admit(**facts)
    record.usage = Usage(input_tokens=10, output_tokens=10)
    await admission.close()
    await one.settled()
    await two.admit(**facts)
    await stop_all([one, two])
