"""Background probes: they notice, they bring a target back, they cost and are recorded."""

import asyncio
from pathlib import Path

from watched_gateway import client_of, plain, until, upstreams, watched_gateway

CONFIG = """
providers:
  pa: {{kind: openai, base_url: "http://127.0.0.1:{a}/v1", api_key: key-of-a}}
  pb: {{kind: openai, base_url: "http://127.0.0.1:{b}/v1", api_key: key-of-b}}
targets:
  a: {{provider: pa, model: m-a, probe: {probe}}}
  b: {{provider: pb, model: m-b}}
routes: {{chat: {{targets: [a, b]}}}}
resilience:
  retry: {{max_retries: 0}}
  breaker: {{failures: 3, open_for: 300ms, ramp: 100ms}}
"""


def config_for(providers, probe: str) -> str:
    ports = {name: upstream.server.port for name, upstream in providers.items()}
    return CONFIG.format(probe=probe, **ports)


async def test_probes_open_the_breaker_before_any_client_pays_and_close_it_again(tmp_path: Path):
    """MM-08, FO-10, FO-11, CP-09: no request is the guinea pig."""
    async with upstreams("a", "b") as providers:
        a = providers["a"]
        a.play({"status": 503})
        async with (
            watched_gateway(tmp_path, config_for(providers, "{every: 50ms}")) as gateway,
            client_of(gateway) as client,
        ):
            states = gateway.protection.breakers.states
            await until(lambda: states().get("pa/m-a") == "open", 10)
            during = await plain(client, "chat")
            a.play()
            await until(lambda: "pa/m-a" not in states(), 10)
            await asyncio.sleep(0.15)
            after = await plain(client, "chat")
            records = list(gateway.records)
            held = gateway.protection.holders.slots.taken("a")

    asked = [record for record in records if record.operation != "probe"]
    probes = [record for record in records if record.operation == "probe"]
    assert (during, after) == ("answer of m-b", "answer of m-a")
    assert [len(record.attempts) for record in asked] == [1, 1]
    assert [probe.attempts[0].failure_class for probe in probes[:3]] == ["server_error"] * 3
    assert probes[2].attempts[0].breaker_after == "open"
    closing = next(probe for probe in probes if probe.attempts[0].breaker_before == "half_open")
    assert closing.outcome == "success"
    assert closing.cost is not None
    assert all(probe.reason == "health_probe" for probe in probes)
    assert held == 0


async def test_a_realistic_probe_has_the_length_of_real_prompts_and_checks_the_answer(
    tmp_path: Path,
):
    """MM-08: an answer without text or end is a failure, although it came with 200."""
    async with upstreams("a", "b") as providers:
        a = providers["a"]
        a.play({"text": ""})
        probe = "{every: 1h, realistic_every: 50ms, realistic_characters: 8000}"
        async with watched_gateway(tmp_path, config_for(providers, probe)) as gateway:
            await until(lambda: len(gateway.records) >= 1, 10)
            attempt = gateway.records[0].attempts[0]

    assert attempt.failure_class == "protocol"


async def test_a_probe_that_hangs_delays_no_request_and_ends_with_the_gateway(tmp_path: Path):
    """Never on the request path; nothing is left behind."""
    async with upstreams("a", "b") as providers:
        a = providers["a"]
        probe = "{every: 50ms, timeout: 20s}"
        async with (
            watched_gateway(tmp_path, config_for(providers, probe)) as gateway,
            client_of(gateway) as client,
        ):
            a.play({"head_delay": "20s"})
            await until(lambda: a.calls == 1, 10)
            a.play()
            seen = await plain(client, "chat")
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    assert seen == "answer of m-a"
    assert tasks == []


async def test_without_configuration_nobody_is_probed(tmp_path: Path):
    """Probes cost money: off by default."""
    async with upstreams("a", "b") as providers:
        config = config_for(providers, "null")
        async with watched_gateway(tmp_path, config):
            await asyncio.sleep(0.6)

    assert providers["a"].calls == providers["b"].calls == 0
