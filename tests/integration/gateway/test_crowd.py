"""A crowd in which every other client leaves: afterwards nothing is held, counted or kept."""

import asyncio
import contextlib
import gc
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from pointsman.app.gateway import Gateway
from pointsman.config.data_folder import DataFolder
from pointsman.config.loader import load_text
from pointsman.core.clock import SystemClock
from pointsman.gateway.call import Call
from pointsman.journal.reader import JournalReader
from pointsman.providers.mock.player import Counters, ScriptPlayer
from pointsman.providers.mock.script import parse_script
from pointsman.providers.mock.server import MockServer
from pointsman.server.listener import bind_socket

CLIENTS = 60
SCRIPT = {
    "rules": [
        {
            "match": {"model": "slow"},
            "repeat": True,
            "steps": [{"chunk_count": 20, "chunk_delay": "5ms"}],
        },
        {"match": {"model": "late"}, "repeat": True, "steps": [{"head_delay": "50ms"}]},
    ]
}
CONFIG = """
providers: {{live: {{kind: openai, base_url: "http://127.0.0.1:{port}/v1", default: true}}}}
targets:
  slow: {{provider: live, model: slow}}
  late: {{provider: live, model: late}}
"""


@contextlib.asynccontextmanager
async def gateway_at_work(folder: Path) -> AsyncIterator[tuple[Gateway, Counters]]:
    """A gateway in this process, and the counters of the provider behind it."""
    player = ScriptPlayer(parse_script(SCRIPT))
    upstream = MockServer(player, SystemClock())
    await upstream.start()
    loaded = load_text(CONFIG.format(port=upstream.port), file="crowd.yaml", environment={})
    data = DataFolder.open(folder)
    gateway = Gateway(loaded, data)
    await gateway.start(bind_socket("127.0.0.1", 0))
    try:
        yield gateway, player.counters
    finally:
        await gateway.stop(1.0)
        gc.unfreeze()
        data.close()
        await upstream.close()


async def visit(port: int, rng: random.Random, *, padding: int = 0) -> None:
    """Ask once; leave at a random moment, or read to the end."""
    body = msgspec.json.encode(
        {
            "model": rng.choice(["slow", "late"]),
            "stream": rng.random() < 0.7,
            "messages": [{"role": "user", "content": "hello" + "x" * padding}],
        }
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    )
    writer.write(body)
    patience_s = rng.random() * 0.15 if rng.random() < 0.5 else 20.0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience_s):
            await reader.read()
            writer.close()
    writer.transport.abort()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def rest(gateway: Gateway, count: int) -> list[str]:
    """Wait until all requests are recorded; return their outcomes."""
    reader = JournalReader(gateway._folder.journal)
    async with asyncio.timeout(10):
        while len(records := reader.newest(10 * count)) < count or gateway.ledger.outstanding():
            await asyncio.sleep(0.01)
    assert len({record.request_id for record in records}) == len(records)
    return [record.outcome for record in records]


async def test_a_crowd_of_which_half_leaves_is_recorded_once_each(tmp_path: Path):
    """Invariants 7 and 8: one record per request; no hold, no count and no task is left."""
    rng = random.Random(4)
    before = asyncio.all_tasks()
    async with gateway_at_work(tmp_path / "data") as (gateway, upstream):
        await asyncio.gather(*(visit(gateway.port, rng) for _ in range(CLIENTS)))
        outcomes = Counter(await rest(gateway, upstream.requests))
        text = gateway.metrics.render().decode().splitlines()

    assert set(outcomes) == {"success", "client_left"}
    assert "pointsman_requests_in_flight 0.0" in text
    assert "pointsman_reservations 0.0" in text
    assert asyncio.all_tasks() == before


async def test_requests_that_failed_leave_nothing_in_memory(tmp_path: Path):
    """The collector counts objects, not bytes: bodies must be freed without waiting for it."""
    rng = random.Random(5)
    gc.collect()
    gc.disable()
    try:
        async with gateway_at_work(tmp_path / "data") as (gateway, upstream):
            await asyncio.gather(
                *(visit(gateway.port, rng, padding=50_000) for _ in range(CLIENTS))
            )
            outcomes = await rest(gateway, upstream.requests)
            kept = [each for each in gc.get_objects() if isinstance(each, Call)]
    finally:
        gc.enable()

    assert "client_left" in outcomes
    assert kept == []
