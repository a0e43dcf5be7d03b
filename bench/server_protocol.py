"""Compare our server protocol with uvicorn's own on a trivial application.

Interleaved rounds in one process on one core: the client is a plain protocol on the same loop, so
CPU per request includes a constant client part for both. Reports CPU time per request.

Run: python bench/server_protocol.py [rounds] [requests per round]
"""

import asyncio
import gc
import statistics
import sys
import time

import uvloop
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from pointsman.core.clock import SystemClock
from pointsman.core.ids import IdSource
from pointsman.server.limits import ServerLimits
from pointsman.server.protocol import ServerProtocol
from pointsman.server.shared_state import SharedState

CONNECTIONS = 16
BODY = b'{"model":"auto","messages":[{"role":"user","content":"Say hello to the signalman."}]}'
HEAD = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost:3100\r\n"
    b"Accept: application/json\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n"
    b"Content-Type: application/json\r\nUser-Agent: OpenAI/Python 1.99.0\r\n"
    b"X-Stainless-Lang: python\r\nX-Stainless-OS: Linux\r\nX-Stainless-Runtime: CPython\r\n"
    b"Authorization: Bearer sk-0123456789abcdef0123456789abcdef\r\nContent-Length: %d\r\n\r\n"
)
REQUEST = HEAD % len(BODY) + BODY
ANSWER = b'{"choices":[{"message":{"role":"assistant","content":"Hello, signalman."}}]}'
HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", b"%d" % len(ANSWER)),
    (b"x-pointsman-request-id", b"req_0123456789abcdef0123456789abcdef"),
    (b"x-pointsman-target", b"small"),
    (b"x-pointsman-reason", b"short_prompt_default"),
]


async def app(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


class Client(asyncio.Protocol):
    def __init__(self, count, done):
        self.left, self.done, self.seen = count, done, b""

    def connection_made(self, transport):
        self.transport = transport
        transport.write(REQUEST)

    def data_received(self, data):
        self.seen += data
        if not self.seen.endswith(ANSWER):
            return
        self.seen = b""
        self.left -= 1
        if self.left:
            self.transport.write(REQUEST)
        else:
            self.transport.close()
            self.done.set_result(None)


async def cpu_us_per_request(server, requests):
    loop = asyncio.get_running_loop()
    port = server.sockets[0].getsockname()[1]
    futures = [loop.create_future() for _ in range(CONNECTIONS)]
    gc.collect()
    began = time.process_time()
    for done in futures:
        await loop.create_connection(
            lambda done=done: Client(requests // CONNECTIONS, done), "127.0.0.1", port
        )
    await asyncio.gather(*futures)
    return (time.process_time() - began) * 1e6 / requests


async def main(rounds, requests):
    loop = asyncio.get_running_loop()
    options = {
        "ws": "none",
        "lifespan": "off",
        "interface": "asgi3",
        "log_config": None,
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
    }
    stock_config = Config(app, http=HttpToolsProtocol, **options)
    our_config = Config(app, http=ServerProtocol, **options)
    stock_config.load()
    our_config.load()
    clock = SystemClock()
    stock_state = ServerState()
    shared = SharedState(
        ServerLimits(), ids=IdSource(clock), clock=clock, header_prefix="pointsman"
    )
    date = [(b"date", b"Sat, 21 Nov 2026 01:00:00 GMT")]
    stock_state.default_headers = shared.default_headers = date
    servers = {
        "uvicorn": await loop.create_server(
            lambda: HttpToolsProtocol(stock_config, stock_state, {}, loop), "127.0.0.1", 0
        ),
        "ours": await loop.create_server(
            lambda: ServerProtocol(our_config, shared, {}, loop), "127.0.0.1", 0
        ),
    }
    figures = {name: [] for name in servers}
    for _ in range(rounds):
        for name, server in servers.items():
            figures[name].append(await cpu_us_per_request(server, requests))
    for name, values in figures.items():
        print(f"{name:8} median {statistics.median(values):6.1f} us  best {min(values):6.1f} us")
    ratio = statistics.median(
        ours / stock for ours, stock in zip(figures["ours"], figures["uvicorn"], strict=True)
    )
    print(f"ours / uvicorn, median of rounds: {ratio:.3f}")
    for server in servers.values():
        server.close()


if __name__ == "__main__":
    chosen = [int(value) for value in sys.argv[1:]]
    uvloop.run(main(*(chosen + [9, 8000][len(chosen) :])))
