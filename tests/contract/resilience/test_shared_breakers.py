"""Breakers that several workers share through a real Redis."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from pointsman.config.resilience import BreakerConfig
from pointsman.config.section import Duration
from pointsman.core.clock import SystemClock
from pointsman.core.failures import FailureClass
from pointsman.core.target import Target
from pointsman.resilience import breaker_sharing
from pointsman.resilience.breaker_sharing import BreakerSharing
from pointsman.resilience.breakers import MemoryBreakers
from pointsman.shared.settings import SharedSettings
from pointsman.shared.store import SharedStore
from redis_server import RedisServer

TARGET = Target(name="t", provider="p", model="org/m")
OTHER = Target(name="u", provider="p", model="other")
NAME = "p/org/m"
FAULT = FailureClass.SERVER_ERROR


def settings_with(open_for_s: float) -> BreakerConfig:
    return BreakerConfig(failures=2, open_for=Duration(open_for_s), ramp=Duration(0.01))


class Worker:
    """The breakers of one worker, and its way to Redis."""

    def __init__(self, server: RedisServer, name: str, config: BreakerConfig) -> None:
        self.clock = SystemClock()
        settings = SharedSettings(url=server.url, beat_s=0.05, first_pause_s=0.05)
        self.store = SharedStore(settings, self.clock, name)
        self.board = MemoryBreakers(self.clock, config)
        self.sharing = BreakerSharing(self.board, self.store, self.clock)

    def call(self, request_id: str, failure: FailureClass | None, target: Target = TARGET) -> bool:
        """Make a call; False when the breaker forbids it."""
        self.board.look(target)
        permit = self.board.begin(target, request_id)
        if permit is None:
            return False
        self.board.end(target, permit, request_id, failure)
        return True

    @property
    def state(self) -> str:
        return self.board.look(TARGET)[0]


@pytest.fixture
async def make(redis: RedisServer) -> AsyncIterator:
    """Make workers that are connected, and stopped at the end."""
    async with contextlib.AsyncExitStack() as stack:

        async def worker(name: str, open_for_s: float = 30.0) -> Worker:
            made = Worker(redis, name, settings_with(open_for_s))
            made.store.start()
            stack.push_async_callback(made.sharing.close)
            stack.push_async_callback(made.store.stop)
            assert await made.store.first_try()
            return made

        yield worker


async def until(condition, limit_s: float = 5.0) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not condition():
        assert loop.time() - began < limit_s, "it did not happen"
        await asyncio.sleep(0.005)


async def test_what_one_finds_failing_is_left_alone_by_all_within_a_second(make):
    """With who opened it and which values; another model goes on."""
    one, two = await make("one"), await make("two")
    for request in ("r1", "r2"):
        one.call(request, FAULT)

    await until(lambda: two.state == "open", 1.0)
    _, detail = two.board.look(TARGET)
    assert (detail.opened_by, detail.observed, detail.limit) == ("r2", 2, 2)
    assert 28 < detail.left_s <= 30
    assert not two.call("r3", None)
    assert two.call("r4", None, OTHER)
    [episode] = two.board.history.all()
    assert (episode.opened_by, episode.opened_at) == ("r2", "one")


async def test_who_comes_later_learns_what_is_open(make):
    """A new gateway pays no timeout for what the others know."""
    one = await make("one")
    one.call("r1", FAULT)
    one.call("r2", FAULT)
    await until(lambda: not one.sharing._telling)

    late = await make("late")

    await until(lambda: late.state == "open", 1.0)


async def test_the_first_opening_counts_when_two_open_it_at_once(make):
    """One answer to who opened it, everywhere."""
    one, two = await make("one"), await make("two")
    for request in ("1", "2"):
        one.call(f"one-{request}", FAULT)
        two.call(f"two-{request}", FAULT)

    def openers() -> set[str]:
        return {worker.board.look(TARGET)[1].opened_by for worker in (one, two)}

    await until(lambda: len(openers()) == 1, 2.0)
    assert openers() <= {"one-2", "two-2"}
    assert {worker.board.history.all()[0].opened_by for worker in (one, two)} == openers()


async def test_exactly_one_call_of_all_workers_tries_and_its_success_closes_it_for_all(make):
    """GB-15 over many gateways: a lease, held by one."""
    workers = [await make(f"w{number}", 0.2) for number in range(4)]
    workers[0].call("r1", FAULT)
    workers[0].call("r2", FAULT)
    await until(lambda: all(worker.state != "closed" for worker in workers))
    await until(lambda: all(worker.state == "half_open" for worker in workers))

    permits = []

    def somebody_tries() -> bool:
        for worker in workers:
            worker.board.look(TARGET)
            permit = worker.board.begin(TARGET, f"trial-{worker.store.worker}")
            if permit is not None:
                permits.append((worker, permit))
        return bool(permits)

    await until(somebody_tries)
    loop = asyncio.get_running_loop()
    ends = loop.time() + 0.5
    while loop.time() < ends:  # it takes its time; the right is renewed meanwhile
        somebody_tries()
        await asyncio.sleep(0.02)
    assert len(permits) == 1
    [(winner, permit)] = permits
    others = [worker for worker in workers if worker is not winner]
    assert {worker.board.exclusion(TARGET).code for worker in others} == {"being_tried"}

    winner.board.end(TARGET, permit, "trial", None)

    await until(lambda: all(worker.state == "closed" for worker in workers), 1.0)
    assert {worker.board.history.all()[0].closed_by for worker in workers} == {"trial"}
    assert all(worker.call("after", None) for worker in workers)


async def test_a_trial_that_fails_keeps_everybody_away_again(make):
    """Who opened it first stays the answer."""
    one, two = await make("one", 0.2), await make("two", 0.2)
    one.call("r1", FAULT)
    one.call("r2", FAULT)
    await until(lambda: two.state == "open")
    await until(lambda: two.call("trial", FAULT))

    assert two.state == "open"
    await until(lambda: one.state == "open")
    assert one.board.look(TARGET)[1].opened_by == "r2"
    assert two.board.history.all()[0].tried == ["trial"]
    await until(lambda: one.call("again", None) or two.call("again", None))
    await until(lambda: one.state == two.state == "closed", 1.0)


async def test_the_right_of_a_worker_that_died_goes_to_another(make, monkeypatch):
    """A lease ends by itself."""
    monkeypatch.setattr(breaker_sharing, "RIGHT_S", 0.4)
    one, two = await make("one", 0.1), await make("two", 0.1)
    one.call("r1", FAULT)
    one.call("r2", FAULT)
    await until(lambda: two.state == "half_open")
    await until(lambda: one.board.begin(TARGET, "trial-of-one") is not None)
    for task in one.store._tasks:
        task.cancel()  # as if killed: it renews nothing and tells nothing

    await until(lambda: two.call("trial-of-two", None), 3.0)


async def test_a_right_that_is_not_used_goes_to_who_needs_it(make):
    """A gateway without traffic for a target does not keep it from coming back."""
    one, two = await make("one", 0.1), await make("two", 0.1)
    one.call("r1", FAULT)
    one.call("r2", FAULT)
    await until(lambda: one.board.lets_pass(TARGET), 3.0)

    await until(lambda: two.call("trial", None), 3.0)
    assert one.sharing._idle_since_ns == {}


async def test_without_redis_each_goes_on_by_itself_and_says_so(make, redis: RedisServer):
    """`shared.on_loss.breakers: local`; what was found meanwhile is told when it is back."""
    one, two = await make("one", 0.3), await make("two", 0.3)
    assert (one.board.store, two.board.store) == ("redis", "redis")
    one.call("r1", FAULT)
    one.call("r2", FAULT)
    await until(lambda: two.state == "open")
    redis.kill()
    await until(lambda: one.board.store == two.board.store == "lost")

    await until(lambda: one.call("trial-1", None))
    assert one.state == "closed"
    await until(lambda: two.call("trial-2", FAULT))
    assert two.state == "open"

    redis.start()
    await until(lambda: one.board.store == two.board.store == "redis")
    await until(lambda: one.state != "closed" or two.state != "open")


async def test_a_closing_that_redis_missed_is_told_when_it_is_back(make, redis: RedisServer):
    """The old word of Redis does not open it again."""
    one = await make("one", 0.3)
    one.call("r1", FAULT)
    one.call("r2", FAULT)
    await until(lambda: not one.sharing._telling)
    known = redis.command("HGETALL", "pointsman:breakers")
    assert '"state":"open"' in known
    redis.kill()
    await until(lambda: one.board.store == "lost")
    await until(lambda: one.call("trial", None))
    redis.start()
    await until(lambda: one.board.store == "redis")

    await until(lambda: '"state":"closed"' in redis.command("HGETALL", "pointsman:breakers"), 2.0)
    await asyncio.sleep(0.3)
    assert one.state == "closed"


async def test_a_request_never_waits_for_redis(make, redis: RedisServer):
    """All that a call asks is this worker's memory, also while Redis hangs."""
    one = await make("one")
    redis.command("CLIENT", "PAUSE", "2000")
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(100):
        one.call(f"r{number}", FAULT if number % 2 else None)

    assert loop.time() - began < 0.1
