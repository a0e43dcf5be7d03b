"""What one small exchange costs with our upstream client, beside aiohttp's, in the same run.

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
            self.seen = self.seen[end + 4 + len(BODY) :]
            self.transport.write(ANSWER)


def serve(listener):
    async def run():
        server = await asyncio.get_running_loop().create_server(FixedAnswers, sock=listener)
        await server.serve_forever()

    uvloop.run(run())


async def ours(url, requests, connections):
    clock = SystemClock()
    origin, _ = parse_base_url(url)
    client = HttpClient(origin, TransportSettings(max_connections=connections), clock)
    timeouts = Timeouts()

    async def one():
        request = HttpRequest(
            path="/v1/chat/completions",
            headers=HEADERS,
            body=BODY,
            timeouts=timeouts,
            deadline=Deadline.after(clock, 60.0),
            abort=AbortSignal(),
        )
        response = await client.send(request)
        body = await response.read(1 << 20)
        response.close()
        return len(body)

    result = await measure(one, requests, connections)
    await client.close()
    return result


async def theirs(url, requests, connections):
    connector = aiohttp.TCPConnector(limit=connections)
    timeout = aiohttp.ClientTimeout(total=60, connect=5, sock_read=30)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def one():
            target = url + "/v1/chat/completions"
            async with session.post(target, data=BODY, headers=HEADERS) as response:
                return len(await response.read())

        return await measure(one, requests, connections)


async def measure(one, requests, connections):
    async def worker(count):
        for _ in range(count):
            if await one() != len(ANSWER_BODY):
                raise RuntimeError("wrong answer")

    await asyncio.gather(*(worker(4) for _ in range(connections)))
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(worker(requests // connections) for _ in range(connections)))
    done = requests // connections * connections
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
    figures = {"pointsman": [], "aiohttp": []}
    try:
        for _ in range(options.rounds):
            for name, client in (("pointsman", ours), ("aiohttp", theirs)):
                figures[name].append(uvloop.run(client(url, options.requests, options.connections)))
    finally:
        server.terminate()
        server.join()
    print(f"python {sys.version.split()[0]}, {os.cpu_count()} cores, {options}")
    for name, rounds in figures.items():
        cpu = statistics.median(cpu for cpu, _ in rounds)
        rate = statistics.median(rate for _, rate in rounds)
        print(f"{name:10} {cpu:7.1f} us CPU per exchange  {rate:8.0f} exchanges/s")


if __name__ == "__main__":
    main()
