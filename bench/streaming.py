"""Streams through the gateway: CPU per chunk, added time to the first token, all of them whole.

    .venv/bin/python -m bench.streaming [--streams 256] [--chunks 100] [--interval-ms 20]

The upstream sends each stream a chunk per interval, as a model does; the same clients read the same
streams straight from it and through the gateway, in turn. CPU is the gateway process's own.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import socket
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil
import uvloop

from bench.servers import KEY, LOAD_CORE, pointsman

_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
    b"Connection: close\r\n\r\n"
)
_END = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
_BODY = msgspec.json.encode(
    {
        "model": "auto",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "user", "content": "Count slowly."}],
    }
)


def _event(delta: dict[str, str], finish_reason: str | None) -> bytes:
    payload = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    }
    event = b"data: " + msgspec.json.encode(payload) + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(event), event)


_CHUNK = _event({"content": " token"}, None)
_LAST = _event({}, "stop")


class SlowModel(asyncio.Protocol):
    """Answers one request with a chunk per interval."""

    def __init__(self, chunks: int, interval_s: float) -> None:
        self._left = chunks
        self._interval_s = interval_s
        self._seen = b""

    def connection_made(self, transport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._seen += data
        if b"\r\n\r\n" in self._seen and self._seen.endswith(b"}"):
            self._transport.write(_HEAD)
            self._send()

    def _send(self) -> None:
        if self._left:
            self._left -= 1
            self._transport.write(_CHUNK)
            asyncio.get_running_loop().call_later(self._interval_s, self._send)
        else:
            self._transport.write(_LAST + _END)
            self._transport.close()


def _serve(listener: socket.socket, chunks: int, interval_s: float) -> None:
    os.sched_setaffinity(0, {LOAD_CORE})

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SlowModel(chunks, interval_s), sock=listener, backlog=1024
        )
        await server.serve_forever()

    uvloop.run(run())


@dataclass
class Round:
    """What one burst of streams came to."""

    first_token_ms: list[float]
    longest_gap_ms: float
    whole: int
    cpu_us_per_chunk: float


async def _read(port: int, chunks: int) -> tuple[float, float, bool]:
    """Return ms to the first token, the longest gap in ms, and whether every chunk came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Length: {len(_BODY)}\r\n\r\n"
    )
    began = before = time.perf_counter()
    writer.write(head.encode() + _BODY)
    first = longest = 0.0
    text = b""
    while piece := await reader.read(65536):
        now = time.perf_counter()
        if not first and b"data: " in piece:
            first = now - began
        elif first:
            longest = max(longest, now - before)
        before = now
        text += piece
    writer.close()
    is_whole = text.count(b'"content":" token"') == chunks and b"data: [DONE]" in text
    return first * 1e3, longest * 1e3, is_whole


async def _burst(port: int, pid: int | None, options) -> Round:
    streams, chunks = options.streams, options.chunks
    pause_s = options.ramp_s / streams

    async def later(index: int) -> tuple[float, float, bool]:
        await asyncio.sleep(index * pause_s)
        return await _read(port, chunks)

    before_s = _cpu_s(pid)
    results = await asyncio.gather(*(later(index) for index in range(streams)))
    spent_s = _cpu_s(pid) - before_s
    return Round(
        [first for first, _, _ in results],
        max(gap for _, gap, _ in results),
        sum(is_whole for _, _, is_whole in results),
        spent_s * 1e6 / (streams * chunks),
    )


def _cpu_s(pid: int | None) -> float:
    if pid is None:
        return 0.0
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.streaming", description=__doc__)
    parser.add_argument("--streams", type=int, default=256)
    parser.add_argument("--chunks", type=int, default=100)
    parser.add_argument("--interval-ms", type=float, default=20.0)
    parser.add_argument("--ramp-s", type=float, default=1.5, help="streams begin within this time")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"python {sys.version.split()[0]}, {os.cpu_count()} cores, {options}")
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    port = listener.getsockname()[1]
    model = multiprocessing.get_context("fork").Process(
        target=_serve, args=(listener, options.chunks, options.interval_ms / 1e3)
    )
    model.start()
    listener.close()
    os.sched_setaffinity(0, {LOAD_CORE})
    try:
        with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
            gateway, pid = stack.enter_context(pointsman(Path(name), port))
            for subject, burst in _measure(port, gateway, pid, options).items():
                _print(subject, burst, options)
    finally:
        model.terminate()
        model.join()


def _measure(port: int, gateway: int, pid: int, options) -> dict[str, list[Round]]:
    subjects: dict[str, tuple[int, int | None]] = {
        "direct": (port, None),
        "pointsman": (gateway, pid),
    }
    rounds: dict[str, list[Round]] = {name: [] for name in subjects}
    for index in range(options.rounds + 1):
        for name, (target, of) in subjects.items():
            result = uvloop.run(_burst(target, of, options))
            if index:  # the first round warms up
                rounds[name].append(result)
    return rounds


def _print(subject: str, rounds: list[Round], options) -> None:
    first = sorted(ms for each in rounds for ms in each.first_token_ms)
    cpu = statistics.median(each.cpu_us_per_chunk for each in rounds)
    whole = sum(each.whole for each in rounds)
    print(
        f"{subject:10} first token p50 {statistics.median(first):7.2f} ms "
        f"p99 {first[len(first) * 99 // 100]:7.2f} ms, longest gap "
        f"{max(each.longest_gap_ms for each in rounds):7.1f} ms, "
        f"{whole}/{options.streams * options.rounds} whole, {cpu:5.1f} us CPU per chunk"
    )


if __name__ == "__main__":
    main()
