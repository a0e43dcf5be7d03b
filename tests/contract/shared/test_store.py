"""One worker's way to Redis: sessions, order, loss, return."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from pointsman.core.clock import SystemClock
from pointsman.shared.connection import Statement
from pointsman.shared.errors import SharedLostError
from pointsman.shared.script import script_of
from pointsman.shared.session import Session
from pointsman.shared.settings import SharedSettings
from pointsman.shared.store import SharedStore
from redis_server import RedisServer

APPEND = script_of("redis.call('RPUSH', KEYS[1], ARGV[1]) return redis.call('LLEN', KEYS[1])")
READ = script_of("return redis.call('LRANGE', KEYS[1], 0, -1)")
PLACE = script_of(
    "redis.call('HINCRBY', KEYS[1], 'h', 1) redis.call('HINCRBY', KEYS[1], 'h:' .. ARGV[1], 1) "
    "redis.call('SADD', KEYS[2], KEYS[1]) return 1"
)


def settings(server: RedisServer, **changes: object) -> SharedSettings:
    given: dict[str, object] = {"url": server.url, "beat_s": 0.05, "first_pause_s": 0.01}
    return SharedSettings(**{**given, **changes})


@asynccontextmanager
async def store_of(
    server: RedisServer, worker: str = "w", **changes: object
) -> AsyncIterator[SharedStore]:
    store = SharedStore(settings(server, **changes), SystemClock(), worker)
    store.start()
    await store.first_try()
    try:
        yield store
    finally:
        await store.stop()


async def until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)


async def test_scripts_run_in_the_order_in_which_they_were_asked_for(redis: RedisServer) -> None:
    """Three hundred at once arrive as they were asked for."""
    async with store_of(redis) as store:
        await asyncio.gather(*(store.run(APPEND, ["l"], [number]) for number in range(300)))
        found = await store.run(READ, ["l"], [])
        assert found == [str(number).encode() for number in range(300)]
        assert store.stats.batches < 100


async def test_nobody_waits_for_a_server_that_is_away() -> None:
    """A gateway starts without Redis, and asking fails at once."""
    store = SharedStore(SharedSettings(url="redis://127.0.0.1:1"), SystemClock(), "w")
    store.start()
    assert not await store.first_try()
    with pytest.raises(SharedLostError):
        await store.run(APPEND, ["l"], [1])
    assert store.lost_since_unix_ns is not None
    await store.stop()


async def test_a_server_that_hangs_is_lost_within_the_timeout(redis: RedisServer) -> None:
    """SIGSTOP: connections stay open and nothing comes back."""
    async with store_of(redis, timeout_s=0.1) as store:
        os.kill(redis.pid, signal.SIGSTOP)
        try:
            began = asyncio.get_running_loop().time()
            with pytest.raises(SharedLostError):
                await store.run(APPEND, ["l"], [1])
            assert asyncio.get_running_loop().time() - began < 1.0
            assert not store.is_up
        finally:
            os.kill(redis.pid, signal.SIGCONT)
        await until(lambda: store.is_up)
        assert store.stats.losses == 1
        assert store.lost_since_unix_ns is None


async def test_a_server_that_starts_anew_is_joined_again(redis: RedisServer) -> None:
    """Joiners tell how things stand before anybody else is let in; scripts are loaded again."""
    joined: list[int] = []
    told: list[bool] = []

    async def join(session: Session) -> None:
        joined.append(session.number)
        await session.execute([Statement(APPEND, ["l"], ["joined"])])

    store = SharedStore(settings(redis), SystemClock(), "w")
    store.add_joiner(join)
    store.add_listener(told.append)
    store.start()
    await store.first_try()
    redis.kill()
    await until(lambda: not store.is_up)
    redis.start()
    await until(lambda: store.is_up)
    assert await store.run(APPEND, ["l"], ["after"]) == 2
    await store.stop()
    assert len(joined) == 2
    assert told == [True, False, True, False]


async def test_flushed_data_begins_a_new_session(redis: RedisServer) -> None:
    """Data may vanish while the connection stays: the session is gone with it."""
    async with store_of(redis) as store:
        redis.command("FLUSHALL")
        await until(lambda: store.stats.sessions == 2)
        assert store.is_up


async def test_places_of_a_dead_worker_return_after_its_lease(redis: RedisServer) -> None:
    """What a killed worker held is given back; what others hold stays."""
    dead = SharedStore(settings(redis, lease_s=0.3), SystemClock(), "dead")
    dead.start()
    await dead.first_try()
    async with store_of(redis, "alive", lease_s=0.3) as alive:
        await dead.run(PLACE, ["c", "pointsman:places:dead"], ["dead"])
        await alive.run(PLACE, ["c", "pointsman:places:alive"], ["alive"])
        for task in dead._tasks:
            task.cancel()
        await asyncio.gather(*dead._tasks, return_exceptions=True)
        await until(lambda: alive.stats.places_returned == 1)
        assert "$1\r\n1\r\n" in redis.command("HGET", "c", "h")


async def test_a_worker_that_leaves_in_order_is_not_missed(redis: RedisServer) -> None:
    """Its lease goes with it."""
    async with store_of(redis, "alive", lease_s=0.2) as alive:
        async with store_of(redis, "leaving", lease_s=0.2):
            pass
        await asyncio.sleep(0.4)
        assert alive.stats.places_returned == 0


async def test_a_reply_that_nobody_takes_is_undone(redis: RedisServer) -> None:
    """A request that is cancelled while Redis counts it must not stay counted."""
    async with store_of(redis, timeout_s=5.0, beat_s=60.0) as store:
        landed: list[object] = []
        undone: list[object] = []
        os.kill(redis.pid, signal.SIGSTOP)
        try:
            asking = asyncio.ensure_future(
                store.run(APPEND, ["l"], [1], land=landed.append, undo=undone.append)
            )
            await asyncio.sleep(0.05)  # it is on its way
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            assert landed == []
        finally:
            os.kill(redis.pid, signal.SIGCONT)
        await store.run(APPEND, ["l"], [2])
        assert landed == [1]
        assert undone == [1]


async def test_watchers_look_twice_a_second(redis: RedisServer) -> None:
    """Others' changes are read apart from requests; a look that fails ends nothing."""
    looks: list[object] = []

    async with store_of(redis) as store:

        async def look() -> None:
            looks.append(await store.run(READ, ["l"], []))
            raise SharedLostError("as when it is lost in between")

        store.add_watcher(look)
        await until(lambda: len(looks) >= 2)
