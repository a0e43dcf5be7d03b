"""A gateway that is killed with calls under way charges what they held, and knows it afterwards."""

import asyncio
import signal
from pathlib import Path

import msgspec

from pointsman.core.clock import SystemClock
from pointsman.providers.mock.player import ScriptPlayer
from pointsman.providers.mock.script import parse_script
from pointsman.providers.mock.server import MockServer

from running_gateway import post, running_gateway

CONFIG = """
providers:
  live: {{kind: openai, base_url: "http://127.0.0.1:{port}/v1", api_key: any-key-at-all}}
targets: {{slow: {{provider: live, model: gpt-4o}}}}
prices: {{models: {{gpt-4o: {{input_usd_per_mtok: 0, output_usd_per_mtok: "10"}}}}}}
policy:
  budgets: {{team: {{scope: team, usd: 0.0019}}, task: {{scope: run, period: total, usd: 0.5}}}}
  agent_runs: {{max_iterations: 3}}
"""
SILENT = {"rules": [{"repeat": True, "steps": [{"head_delay": "30s"}]}]}
BODY = msgspec.json.encode(
    {
        "model": "slow",
        "max_tokens": 100,
        "metadata": {"team": "search", "run_id": "r1"},
        "messages": [{"role": "user", "content": "Hello"}],
    }
)
# 100 tokens at 10 USD per million are held: 0.001 USD.


async def test_what_a_killed_call_held_is_spent_after_the_restart(tmp_path: Path):
    """AC-14, invariants 7 and 8: a crash gives nobody money back, and no run its iteration."""
    player = ScriptPlayer(parse_script(SILENT))
    upstream = MockServer(player, SystemClock())
    await upstream.start()
    config = CONFIG.format(port=upstream.port)
    first = running_gateway(tmp_path, config=config)
    gateway = await asyncio.to_thread(first.__enter__)
    try:
        call = asyncio.create_task(asyncio.to_thread(_ask_in_vain, gateway.url))
        deadline = asyncio.get_running_loop().time() + 10
        while player.counters.requests < 1:
            assert asyncio.get_running_loop().time() < deadline, "the upstream was never called"
            await asyncio.sleep(0.01)
        await asyncio.to_thread(gateway.stop, signal.SIGKILL)
        await call
    finally:
        await asyncio.to_thread(first.__exit__, None, None, None)

    second = running_gateway(tmp_path, config=config)
    gateway = await asyncio.to_thread(second.__enter__)
    try:
        status, headers, body = await asyncio.to_thread(
            post, f"{gateway.url}/v1/chat/completions", BODY
        )
    finally:
        await asyncio.to_thread(second.__exit__, None, None, None)
        await upstream.close()

    error = msgspec.json.decode(body)["error"]
    assert status == 429
    assert error["metadata"]["reason"] == "spend_limit_exceeded"
    assert error["metadata"]["scope"] == "team:search"
    assert "0.001 of 0.0019 USD are spent" in error["message"]
    assert headers["x-should-retry"] == "false"
    assert player.counters.requests == 1


def _ask_in_vain(url: str) -> None:
    try:
        post(f"{url}/v1/chat/completions", BODY)
    except OSError:
        return
