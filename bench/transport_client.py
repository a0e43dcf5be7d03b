"""What a small exchange and a chunk of a stream cost with our upstream client and with aiohttp's.

    python bench/transport_client.py [--requests 20000] [--rounds 5] [--connections 32]

The server is a separate process that answers fixed bytes. CPU is that of the client's process alone
(user and system), so the server does not blur it. Rounds are interleaved; the median is printed.
"""

import argparse
import asyncio
import multiprocessing
import os
import socket
import statistics
import sys
import time

import aiohttp
import uvloop

from pointsman.core.abort import AbortSignal
from pointsman.core.clock import SystemClock
from pointsman.core.deadline import Deadline
from pointsman.core.target import Timeouts
from pointsman.transport.client import HttpClient
from pointsman.transport.exchange import HttpRequest
from pointsman.transport.settings import TransportSettings, parse_base_url

BODY = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"%s"}]}' % (b"hello " * 40)
ANSWER_BODY = b'{"id":"chatcmpl-1","choices":[{"message":{"content":"%s"}}]}' % (b"word " * 60)
EVENT = b'data: {"choices":[{"delta":{"content":"word"}}]}\n\n'
CHUNK = b"%x\r\n%s\r\n" % (len(EVENT), EVENT)
CHUNKS = 200
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-request-id: req_1\r\n"
    b"Date: Sat, 21 Nov 2026 00:00:00 GMT\r\nContent-Length: %d\r\n\r\n%s"
) % (len(ANSWER_BODY), ANSWER_BODY)
HEADERS = {
    "Authorization": "Bearer sk-0000000000000000",
    "Content-Type": "application/json",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}


class FixedAnswers(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.seen = b""

    def data_received(self, data):
        self.seen += data
        while True:
            end = self.seen.find(b"\r\n\r\n")
            if end < 0 or len(self.seen) < end + 4 + len(BODY):
                return
            is_stream = self.seen.startswith(b"POST /stream")
            self.seen = self.seen[end + 4 + len(BODY) :]
            if is_stream:
                self.transport.write(STREAM_HEAD)
                self.send_chunk(CHUNKS)
            else:
                self.transport.write(ANSWER)

    def send_chunk(self, left):
        """One segment each, a millisecond apart, as a model's tokens come."""
        if left == 0:
            self.transport.write(b"0\r\n\r\n")
        else:
            self.transport.write(CHUNK)
            asyncio.get_running_loop().call_later(0.001, self.send_chunk, left - 1)


def serve(listener):
    async def run():
        server = await asyncio.get_running_loop().create_server(FixedAnswers, sock=listener)
        await server.serve_forever()

    uvloop.run(run())


async def ours(url, path, requests, connections):
    clock = SystemClock()
    origin, _ = parse_base_url(url)
    client = HttpClient(origin, TransportSettings(max_connections=connections), clock)
    timeouts = Timeouts()

    async def one():
        request = HttpRequest(
            path=path,
            headers=HEADERS,
            body=BODY,
            timeouts=timeouts,
            deadline=Deadline.after(clock, 60.0),
            abort=AbortSignal(),
        )
        response = await client.send(request)
        if path == "/stream":
            size = 0
            while piece := await response.read_some():
                size += len(piece)
        else:
            size = len(await response.read(1 << 20))
        response.close()
        return size

    result = await measure(one, path, requests, connections)
    await client.close()
    return result


async def theirs(url, path, requests, connections):
    connector = aiohttp.TCPConnector(limit=connections)
    timeout = aiohttp.ClientTimeout(total=60, connect=5, sock_read=30)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def one():
            async with session.post(url + path, data=BODY, headers=HEADERS) as response:
                if path != "/stream":
                    return len(await response.read())
                size = 0
                async for piece in response.content.iter_any():
                    size += len(piece)
                return size

        return await measure(one, path, requests, connections)


async def measure(one, path, requests, connections):
    """Return microseconds of CPU, and wall-clock rate, per exchange or per chunk of a stream."""
    expected = CHUNKS * len(EVENT) if path == "/stream" else len(ANSWER_BODY)

    async def worker(count):
        for _ in range(count):
            if await one() != expected:
                raise RuntimeError("wrong answer")

    await asyncio.gather(*(worker(1) for _ in range(connections)))
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(worker(requests // connections) for _ in range(connections)))
    done = requests // connections * connections * (CHUNKS if path == "/stream" else 1)
    return (time.process_time() - cpu) / done * 1e6, done / (time.perf_counter() - wall)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = multiprocessing.get_context("fork").Process(target=serve, args=(listener,))
    server.start()
    listener.close()
    scenarios = {
        "exchange": ("/v1/chat/completions", options.requests),
        "chunk": ("/stream", options.connections * 4),
    }
    clients = {"pointsman": ours, "aiohttp": theirs}
    figures = {(what, name): [] for what in scenarios for name in clients}
    try:
        for _ in range(options.rounds):
            for (what, name), rounds in figures.items():
                path, requests = scenarios[what]
                run = clients[name](url, path, requests, options.connections)
                rounds.append(uvloop.run(run))
    finally:
        server.terminate()
        server.join()
    print(f"python {sys.version.split()[0]}, {os.cpu_count()} cores, {options}")
    for (what, name), rounds in figures.items():
        cpu = statistics.median(cpu for cpu, _ in rounds)
        rate = statistics.median(rate for _, rate in rounds)
        print(f"{name:10} {cpu:7.1f} us CPU per {what:9} {rate:8.0f}/s")


if __name__ == "__main__":
    main()
