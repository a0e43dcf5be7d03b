"""Two gateways that share their breakers through Redis, and what becomes of them without it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from redis_server import RedisServer
from watched_gateway import (
    WatchedGateway,
    client_of,
    plain,
    story,
    streamed,
    until,
    upstreams,
    watched_gateway,
)

CONFIG = """
providers:
  pa: {{kind: openai, base_url: "http://127.0.0.1:{a}/v1", api_key: key-of-a}}
  pb: {{kind: openai, base_url: "http://127.0.0.1:{b}/v1", api_key: key-of-b}}
targets:
  a: {{provider: pa, model: m-a}}
  b: {{provider: pb, model: m-b}}
routes: {{chat: {{targets: [a, b], timeout: 4s}}}}
resilience:
  retry: {{max_retries: 0}}
  min_attempt: 200ms
  breaker: {{failures: 3, open_for: {open_for}, ramp: 1ms}}
shared: {{url: "{redis}"}}
"""


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory):
    server = RedisServer(tmp_path_factory.mktemp("r"))
    server.start()
    yield server
    server.kill()


@contextlib.asynccontextmanager
async def two_gateways(
    folder: Path, providers, redis: RedisServer, open_for: str
) -> AsyncIterator[tuple[WatchedGateway, WatchedGateway]]:
    ports = {name: each.server.port for name, each in providers.items()}
    text = CONFIG.format(redis=redis.url, open_for=open_for, **ports)
    async with (
        watched_gateway(folder / "one", text) as one,
        watched_gateway(folder / "two", text) as two,
    ):
        yield one, two


def state_of(gateway: WatchedGateway) -> str:
    return gateway.protection.breakers.states().get("pa/m-a", "closed")


async def test_what_one_gateway_finds_failing_the_other_leaves_alone(tmp_path: Path, redis, table):
    """Who opened it is told by both; it comes back by one call of all."""
    async with upstreams("a", "b") as providers:
        a, b = providers["a"], providers["b"]
        a.play({"status": 503})
        async with (
            two_gateways(tmp_path, providers, redis, "2s") as (one, two),
            client_of(one) as first,
            client_of(two) as second,
        ):
            for _ in range(3):
                await plain(first, "chat")
            await until(lambda: state_of(two) == "open", 1.5)
            during = [await plain(second, "chat"), await streamed(second, "chat")]
            calls_in_outage = a.calls
            opener, diverted = one.records[2], two.records[0]
            async with httpx.AsyncClient() as asking:
                told = await asking.get(
                    f"http://127.0.0.1:{two.port}/v1/breakers?request={diverted.request_id}"
                )
            a.play({"head_delay": "1500ms"})
            b.play()
            await until(lambda: "open" not in (state_of(one), state_of(two)))

            async def ask_until_one_tries(client) -> None:
                while a.calls == 0:
                    await plain(client, "chat")
                    await asyncio.sleep(0.02)

            asking = [
                asyncio.ensure_future(ask_until_one_tries(client)) for client in (first, second)
            ]
            await until(lambda: a.calls == 1)
            others = await asyncio.gather(
                *(plain(client, "chat") for client in (first, second) for _ in range(20))
            )
            tries = a.calls
            await asyncio.gather(*asking)
            await until(lambda: state_of(one) == state_of(two) == "closed", 2)
            after = [await plain(first, "chat"), await plain(second, "chat")]

    assert during == ["answer of m-b"] * 2
    assert calls_in_outage == 3
    excluded = diverted.candidates[0].excluded_by
    assert (excluded.code, excluded.opened_by) == ("open", opener.request_id)
    assert {each.state.breaker_store for each in diverted.candidates} == {"redis"}
    [part] = told.json()["episodes"]
    assert (part["part"], part["episode"]["opened_by"]) == ("diverted", opener.request_id)
    assert part["episode"]["opened_at"] == one.sharing.store.worker
    assert tries == 1, "one call of both gateways tries it"
    assert others == ["answer of m-b"] * 40
    assert after == ["answer of m-a"] * 2
    table.append(("503, found by another gateway", *during, "0/1", story(diverted)))


async def test_without_redis_requests_go_on_and_their_records_say_so(tmp_path: Path, redis, table):
    """`shared.on_loss`: each gateway with its own breakers, at once and without an error."""
    async with upstreams("a", "b") as providers:
        a, b = providers["a"], providers["b"]
        async with (
            two_gateways(tmp_path, providers, redis, "30s") as (one, two),
            client_of(one, max_retries=0) as first,
            client_of(two, max_retries=0) as second,
        ):
            before = await plain(first, "chat")
            redis.kill()
            seen = [await plain(first, "chat"), await streamed(first, "chat")]
            calls = (a.calls - 1, b.calls)
            await until(lambda: one.protection.breakers.store == "lost")
            await until(lambda: two.protection.breakers.store == "lost")
            a.play({"status": 503})
            during = [await ask(first, "chat") for ask in (plain, streamed, plain, plain)]
            calls_of_one = a.calls
            others = await plain(second, "chat")
            calls_of_both = a.calls
            redis.start()
            await until(lambda: state_of(two) == "open")
            back = await plain(second, "chat")
            records = one.records

    assert [before, *seen] == ["answer of m-a"] * 3
    assert calls == (2, 0)
    assert during == ["answer of m-b"] * 4
    assert (calls_of_one, calls_of_both) == (3, 4), "two does not know what one found"
    assert (others, back) == ("answer of m-b", "answer of m-b")
    stores = [record.candidates[0].state.breaker_store for record in records]
    assert stores[0] == "redis"
    assert stores[-4:] == ["lost"] * 4
    table.append(("Redis leaves", *seen, "1/0", story(records[1])))
