"""A target that fails for a while: left alone, tried by one, asked again; the records tell it."""

import asyncio
from pathlib import Path

import pytest

from watched_gateway import (
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
  a: {{provider: pa, model: m-a, max_concurrent: {room}, max_wait: 100ms}}
  b: {{provider: pb, model: m-b}}
  other: {{provider: pa, model: m-other}}
routes:
  chat: {{targets: [a, b], timeout: 4s}}
  alone: {{targets: [a], timeout: 4s}}
  private: {{targets: [a], timeout: 4s}}
resilience:
  retry: {{max_retries: 0}}
  min_attempt: 200ms
  breaker: {{failures: 3, open_for: 400ms, ramp: 600ms}}
"""


def config_for(providers, room: int = 100) -> str:
    ports = {name: upstream.server.port for name, upstream in providers.items()}
    return CONFIG.format(room=room, **ports)


@pytest.mark.parametrize("ask", [plain, streamed])
async def test_traffic_leaves_a_failing_primary_and_comes_back_to_it(tmp_path: Path, ask, table):
    """CP-09, GB-14, GB-15, FO-07: three calls reach it, one tries it, then it has all again."""
    async with upstreams("a", "b") as providers:
        a = providers["a"]
        a.play({"status": 503})
        # Long enough for twenty requests on a busy machine.
        config = config_for(providers).replace("open_for: 400ms", "open_for: 2s")
        async with watched_gateway(tmp_path, config) as gateway, client_of(gateway) as client:
            during = [await ask(client, "chat") for _ in range(20)]
            calls_in_outage = a.calls
            a.play()
            await until(
                lambda: (
                    "pa/m-a" not in gateway.protection.breakers.states()
                    or gateway.protection.breakers.states()["pa/m-a"] == "half_open"
                )
            )
            trial = await ask(client, "chat")
            await asyncio.sleep(0.7)
            after = [await ask(client, "chat") for _ in range(10)]
            records = gateway.records
            calls = (a.calls, providers["b"].calls)
            [episode] = gateway.protection.breakers.history.all()

    assert during == ["answer of m-b"] * 20
    assert calls_in_outage == 3, "an unhealthy primary gets no storm"
    assert trial == "answer of m-a"
    assert after == ["answer of m-a"] * 10

    opener, diverted, tried = records[2], records[3:20], records[20]
    assert opener.attempts[0].breaker_after == "open"
    for record in diverted:
        excluded = record.candidates[0].excluded_by
        assert (excluded.filter, excluded.code) == ("breaker", "open")
        assert (excluded.observed, excluded.limit) == (3, 3)
        assert 0 < excluded.left_s <= 2
        assert excluded.opened_by == opener.request_id
        assert record.reason == "provider_failover"
        assert record.candidates[0].state.breaker == "open"
    assert (tried.attempts[0].breaker_before, tried.attempts[0].breaker_after) == (
        "half_open",
        None,
    )
    assert episode.opened_by == opener.request_id
    assert episode.diverted == [record.request_id for record in diverted]
    assert episode.closed_by == tried.request_id
    assert calls == (11, 20), "its script began anew when it came back"
    if ask is plain:
        became = f"20 answers of m-b, then {len(after) + 1} of m-a"
        told = f"{story(tried)} (breaker half_open, then closed)"
        table.append(("503 for a while, then back", became, became, "14/20", told))


async def test_only_one_of_many_tries_a_target_that_may_be_back(tmp_path: Path):
    """GB-15: fifty at once, one reaches it; nobody waits for it."""
    async with upstreams("a", "b") as providers:
        a, b = providers["a"], providers["b"]
        a.play({"status": 503, "times": 3}, {"head_delay": "300ms"})
        async with (
            watched_gateway(tmp_path, config_for(providers)) as gateway,
            client_of(gateway) as client,
        ):
            for _ in range(3):
                await plain(client, "chat")
            await asyncio.sleep(0.45)
            b.play()
            seen = await asyncio.gather(*(plain(client, "chat") for _ in range(50)))

    assert a.calls == 4
    assert sorted(seen) == ["answer of m-a"] + ["answer of m-b"] * 49


async def test_when_nobody_is_left_the_client_hears_when_to_come_back(tmp_path: Path):
    """FO-18, design 6: 503 at once, no timeout paid, `Retry-After`, the reason in words."""
    async with upstreams("a", "b") as providers:
        providers["a"].play({"status": 500})
        async with (
            watched_gateway(tmp_path, config_for(providers)) as gateway,
            client_of(gateway, max_retries=0) as client,
        ):
            for _ in range(3):
                await plain(client, "alone")
            raw = client.chat.completions.with_raw_response
            with pytest.raises(Exception, match="breaker open") as caught:
                await raw.create(model="alone", messages=[{"role": "user", "content": "x"}])
            record = gateway.records[-1]

    assert caught.value.status_code == 503
    assert caught.value.response.headers["retry-after"] == "1"
    assert story(record) == "nobody: failure"


async def test_another_model_of_the_same_provider_goes_on_serving(tmp_path: Path):
    """MM-18, over the wire."""
    async with upstreams("a", "b") as providers:
        a = providers["a"]
        async with (
            watched_gateway(tmp_path, config_for(providers)) as gateway,
            client_of(gateway, max_retries=0) as client,
        ):
            a.play({"status": 500})
            for _ in range(4):
                await plain(client, "a")
            a.play()
            seen = [await plain(client, "other"), await plain(client, "a")]

    assert seen == ["answer of m-other", "503 no_target_available"]


async def test_a_flapping_provider_is_survived(tmp_path: Path, table):
    """Every second call fails: no client sees it, no call is without a record."""
    async with upstreams("a", "b") as providers:
        a, b = providers["a"], providers["b"]
        a.play({"status": 500}, {}, repeat=True)
        async with (
            watched_gateway(tmp_path, config_for(providers)) as gateway,
            client_of(gateway) as client,
        ):
            seen = [await ask(client, "chat") for _ in range(15) for ask in (plain, streamed)]
            recorded = sum(len(record.attempts) for record in gateway.records)

    assert all(each.startswith("answer of") for each in seen)
    assert recorded == a.calls + b.calls
    became = [" or ".join(sorted(set(each))) for each in (seen[::2], seen[1::2])]
    calls = f"{a.calls}/{b.calls}"
    table.append(("every second call fails, 30 requests", *became, calls, "all of them: success"))


async def test_a_full_target_sends_the_rest_on_after_a_bounded_wait(tmp_path: Path):
    """MM-09: two at once at `a`; who waits longer than its bound goes to `b`."""
    async with upstreams("a", "b") as providers:
        a, b = providers["a"], providers["b"]
        a.play({"head_delay": "400ms"})
        async with (
            watched_gateway(tmp_path, config_for(providers, room=2)) as gateway,
            client_of(gateway) as client,
        ):
            seen = await asyncio.gather(*(plain(client, "chat") for _ in range(6)))
            a.play()
            later = await plain(client, "chat")
            moved = [record for record in gateway.records if record.served_target == "b"]
            loads = [record.attempts[-1].in_flight for record in gateway.records]
            state = gateway.records[-1].candidates[0].state
            shown = gateway.metrics.render().decode()

    assert sorted(loads) == [1, 1, 1, 2, 2, 3, 4]
    assert state.latency_at_load_ms is None, "alone it has not been seen yet"
    assert 'pointsman_target_latency_seconds{in_flight="2-3",target="a"} 0.4' in shown
    assert sorted(seen) == ["answer of m-a"] * 2 + ["answer of m-b"] * 4
    assert later == "answer of m-a"
    assert b.calls == 4
    for record in moved:
        excluded = record.candidates[0].excluded_by
        assert (excluded.filter, excluded.observed, excluded.limit) == ("concurrency", 2, 2)
        assert record.reason == "provider_failover"


async def test_a_client_that_leaves_during_a_wait_before_a_retry_ends_it(tmp_path: Path):
    """AP-04: no call is made for nobody, and the record says who left."""
    async with upstreams("a", "b") as providers:
        a = providers["a"]
        a.play({"status": 429, "headers": {"retry-after": "5"}})
        text = config_for(providers).replace("max_retries: 0", "max_retries: 2")
        text = text.replace("private: {targets: [a], timeout: 4s}", "private: {targets: [a]}")
        async with (
            watched_gateway(tmp_path, text) as gateway,
            client_of(gateway, max_retries=0) as client,
        ):
            asking = asyncio.ensure_future(plain(client, "private"))
            await until(lambda: a.calls == 1)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await until(lambda: len(gateway.records) == 1)
            held = gateway.ledger.outstanding()

    assert story(gateway.records[0]) == "a first rate_limited: client_left"
    assert a.calls == 1
    assert held == 0


async def test_a_full_gateway_turns_requests_away_at_once(tmp_path: Path):
    """Load shedding: 503 with `Retry-After`, a record, no call upstream; who is in is served."""
    async with upstreams("a", "b") as providers:
        a = providers["a"]
        a.play({"head_delay": "400ms"})
        text = config_for(providers) + "  max_in_flight: 3\n"
        async with (
            watched_gateway(tmp_path, text) as gateway,
            client_of(gateway, max_retries=0) as client,
        ):
            seen = await asyncio.gather(*(plain(client, "chat") for _ in range(8)))
            later = await plain(client, "chat")
            shed = [record for record in gateway.records if record.status == 503]

    assert sorted(seen) == ["503 gateway_overloaded"] * 5 + ["answer of m-a"] * 3
    assert later == "answer of m-a"
    assert a.calls == 4
    assert [story(record) for record in shed] == ["nobody: failure"] * 5


async def test_silent_failover_shows_in_the_metrics(tmp_path: Path):
    """FO-08, FO-09, MM-24: every answer is 200, and the share that moved can be alerted on."""
    async with upstreams("a", "b") as providers:
        providers["a"].play({"status": 500})
        async with (
            watched_gateway(tmp_path, config_for(providers)) as gateway,
            client_of(gateway) as client,
        ):
            for _ in range(10):
                await plain(client, "chat")
            await plain(client, "b")
            shown = gateway.metrics.render().decode()

    assert 'pointsman_served_total{by="failover",route="chat",target="b"} 10.0' in shown
    assert 'pointsman_served_total{by="first",route="",target="b"} 1.0' in shown


async def test_a_client_that_leaves_while_it_sends_is_not_told_off_for_its_body(tmp_path: Path):
    """The record says who left; a cut body is nobody's mistake."""
    async with upstreams("a", "b") as providers:
        async with watched_gateway(tmp_path, config_for(providers)) as gateway:
            _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
                b'content-type: application/json\r\ncontent-length: 100\r\n\r\n{"messages": ['
            )
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.transport.abort()
            await until(lambda: len(gateway.records) == 1)
        record = gateway.records[0]

    assert (record.status, record.outcome) == (499, "client_left")
