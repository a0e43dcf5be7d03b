"""Workers of both kinds for the tests of this folder, over a real Redis where they share."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from pointsman.core.clock import ManualClock
from policy_workers import MemoryWorker, RedisWorker, Worker
from redis_server import RedisServer

Make = Callable[..., Awaitable[Worker]]


@pytest.fixture(scope="session")
def running_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests that do not stop it."""
    server = RedisServer(tmp_path_factory.mktemp("r"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis(running_redis: RedisServer) -> RedisServer:
    """The running server, empty."""
    running_redis.command("FLUSHALL")
    return running_redis


@pytest.fixture
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server that a test may stop."""
    server = RedisServer(tmp_path_factory.mktemp("r"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def clock() -> ManualClock:
    """Moves by hand."""
    return ManualClock()


@pytest.fixture(params=["memory", "redis"])
async def make(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Make]:
    """Makes a worker with the given rules."""
    made: list[Worker] = []

    async def make_one(policy: str) -> Worker:
        if request.param == "memory":
            worker: Worker = MemoryWorker(policy, clock)
        else:
            server = request.getfixturevalue("redis")
            worker = await RedisWorker(f"w{len(made)}", server, policy, clock).start()
        made.append(worker)
        return worker

    yield make_one
    for worker in made:
        await worker.stop()
