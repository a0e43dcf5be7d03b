"""A client that leaves stops the upstream: counted at the upstream, told in the record."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from pointsman.core.clock import SystemClock
from pointsman.providers.mock.player import Counters, ScriptPlayer
from pointsman.providers.mock.script import parse_script
from pointsman.providers.mock.server import MockServer

from running_gateway import RunningGateway, run_command, running_gateway

CONFIG = """
providers:
  live: {{kind: openai, base_url: "http://127.0.0.1:{port}/v1", api_key: any-key-at-all}}
targets: {{slow: {{provider: live, model: slow}}}}
"""
STREAM = {"rules": [{"repeat": True, "steps": [{"chunk_count": 1000, "chunk_delay": "10ms"}]}]}
SILENT = {"rules": [{"repeat": True, "steps": [{"head_delay": "20s"}]}]}


@contextlib.asynccontextmanager
async def scripted(folder: Path, script: object) -> AsyncIterator[tuple[Counters, RunningGateway]]:
    """A scripted upstream in this process and a gateway in front of it."""
    player = ScriptPlayer(parse_script(script))
    upstream = MockServer(player, SystemClock())
    await upstream.start()
    try:
        context = running_gateway(folder, config=CONFIG.format(port=upstream.port))
        gateway = await asyncio.to_thread(context.__enter__)
        try:
            yield player.counters, gateway
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)
    finally:
        await upstream.close()


def request(*, stream: bool, padding: int = 0) -> bytes:
    body = msgspec.json.encode(
        {
            "model": "slow",
            "stream": stream,
            "messages": [{"role": "user", "content": "Hello" + "x" * padding}],
        }
    )
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    ) + body


async def until(condition, limit_s: float = 5.0) -> float:
    """Poll; return the seconds it took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not condition():
        assert loop.time() - began < limit_s, "it did not happen"
        await asyncio.sleep(0.002)
    return loop.time() - began


async def test_leaving_in_mid_stream_stops_the_upstream_within_100_ms(tmp_path: Path):
    """AP-04: no chunk is made for nobody; the record says who left and what was delivered."""
    async with scripted(tmp_path, STREAM) as (upstream, gateway):
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(request(stream=True))
        received = b""
        while received.count(b"data: ") < 5:
            received += await reader.read(65536)
        writer.transport.abort()
        took_s = await until(lambda: upstream.aborted == 1)
        sent = upstream.chunks
        request_id = received.split(b"x-pointsman-request-id: ")[1].split(b"\r\n")[0].decode()
        record = await record_of(gateway, request_id)

    assert took_s < 0.1
    assert sent < 40
    assert record["outcome"] == "client_left"
    assert record["stream"]["terminal"] == "client_left"
    assert record["stream"]["chunks"] >= 4
    assert record["usage"]["estimated"] is True
    assert record["attempts"][0]["failure_class"] == "client_left"


async def test_leaving_before_the_answer_after_a_large_body_is_noticed(tmp_path: Path):
    """A body over 64 KiB must not hide the departure; the upstream is aborted, not waited for."""
    async with scripted(tmp_path, SILENT) as (upstream, gateway):
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(request(stream=False, padding=300_000))
        await writer.drain()
        await until(lambda: upstream.requests == 1)
        writer.transport.abort()
        took_s = await until(lambda: upstream.aborted == 1)

    assert took_s < 0.1


async def record_of(gateway: RunningGateway, request_id: str) -> dict:
    """Return the record once the journal has it."""
    for _ in range(100):
        why = await asyncio.to_thread(
            run_command, "why", request_id, "--json", "--data-dir", gateway.data_dir
        )
        if why.returncode == 0:
            return msgspec.json.decode(why.stdout)
    raise AssertionError(why.stderr)


async def test_a_gateway_that_stops_finishes_its_streams(tmp_path: Path):
    """SIGTERM: what is under way goes on, new connections are refused."""
    short = {"rules": [{"repeat": True, "steps": [{"chunk_count": 30, "chunk_delay": "20ms"}]}]}
    async with scripted(tmp_path, short) as (_, gateway):
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(request(stream=True))
        received = await reader.readuntil(b"data: ")
        gateway.process.terminate()
        received += await reader.read()
        writer.close()
        await writer.wait_closed()
        code = await asyncio.to_thread(gateway.process.wait, 10)

    assert b"data: [DONE]" in received
    assert code == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", gateway.port)) != 0
