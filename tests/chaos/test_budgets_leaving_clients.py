"""Clients that leave in any moment: what they used is paid, what they held comes back."""

import asyncio
import random
import re
from pathlib import Path

import msgspec

from pointsman.core.clock import SystemClock
from pointsman.journal.reader import JournalReader
from pointsman.providers.mock.player import ScriptPlayer
from pointsman.providers.mock.script import parse_script
from pointsman.providers.mock.server import MockServer

from running_gateway import RunningGateway, get, running_gateway

CONFIG = """
providers:
  live: {{kind: openai, base_url: "http://127.0.0.1:{port}/v1", api_key: any-key-at-all}}
targets: {{slow: {{provider: live, model: gpt-4o}}}}
prices: {{models: {{gpt-4o: {{input_usd_per_mtok: "2.5", output_usd_per_mtok: "10"}}}}}}
policy:
  limits: {{few: {{scope: gateway, concurrent: 40, tokens_per_day: 100000000}}}}
  budgets: {{daily: {{scope: gateway, usd: 5}}}}
"""
SCRIPT = {"rules": [{"repeat": True, "steps": [{"chunk_count": 40, "chunk_delay": "5ms"}]}]}
CALLS = 120


def request(*, stream: bool) -> bytes:
    body = msgspec.json.encode(
        {
            "model": "slow",
            "stream": stream,
            "max_tokens": 100,
            "messages": [{"role": "user", "content": "Hello"}],
        }
    )
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    ) + body


async def visit(port: int, rest_s: float, *, stream: bool) -> None:
    """Ask, stay for a while, and leave without a word."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request(stream=stream))
    await asyncio.sleep(rest_s)
    writer.transport.abort()


def figure(gateway: RunningGateway, name: str) -> float:
    _, _, text = get(f"{gateway.url}/metrics")
    found = re.search(rf"^{name} (\S+)$", text.decode(), re.MULTILINE)
    assert found is not None, name
    return float(found[1])


async def test_clients_that_leave_in_any_moment_leak_no_hold_and_are_charged(tmp_path: Path):
    """AP-21, invariants 7 and 11: holds go back to none, spend is the sum of the records."""
    chance = random.Random(7)
    upstream = MockServer(ScriptPlayer(parse_script(SCRIPT)), SystemClock())
    await upstream.start()
    context = running_gateway(tmp_path, config=CONFIG.format(port=upstream.port))
    gateway = await asyncio.to_thread(context.__enter__)
    try:
        for _ in range(CALLS // 20):
            await asyncio.gather(
                *(
                    visit(gateway.port, chance.uniform(0, 0.15), stream=chance.random() < 0.7)
                    for _ in range(20)
                )
            )
        deadline = asyncio.get_running_loop().time() + 10
        while await asyncio.to_thread(figure, gateway, "pointsman_requests_in_flight"):
            assert asyncio.get_running_loop().time() < deadline, "requests never ended"
        held = await asyncio.to_thread(figure, gateway, "pointsman_reservations")
        # All forty places are free again: forty calls at once are let in.
        await asyncio.gather(*(visit(gateway.port, 0.05, stream=True) for _ in range(40)))
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)
        await upstream.close()

    records = JournalReader(gateway.data_dir / "journal").newest(1000)
    left = [one for one in records if one.stream is not None]
    assert held == 0
    assert not any(check.refused for one in records for check in one.limits)
    assert all(one.usage is not None and one.usage.estimated for one in left if one.stream.chunks)
    for one in records:
        for attempt in one.attempts:
            settled = attempt.reservation.settled_nano_usd
            assert settled == (attempt.cost.total_nano_usd if attempt.cost else 0)
    assert sum(one.cost.total_nano_usd for one in records if one.cost) > 0
