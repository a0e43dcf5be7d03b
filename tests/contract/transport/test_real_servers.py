"""Against servers that people run: aiohttp's and uvicorn's, plain and streaming."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from aiohttp import web

from pointsman.core.abort import AbortSignal
from transport_requests import ask, until, whole


class Upstream:
    """What both servers do: echo, stream, and count the chunks of an endless stream."""

    def __init__(self) -> None:
        self.chunks = 0
        self.has_seen_end = False

    async def aiohttp_echo(self, request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async def aiohttp_compressed(self, request: web.Request) -> web.Response:
        response = web.Response(body=await request.read())
        response.enable_compression(web.ContentCoding.gzip)
        return response

    async def aiohttp_stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            while self.chunks < 2000:
                self.chunks += 1
                await response.write(b"data: x\n\n")
                await asyncio.sleep(0.005)
        finally:
            self.has_seen_end = True
        return response

    async def asgi(self, scope, receive, send) -> None:
        if scope["path"] == "/stream":
            await self._asgi_stream(receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"x-length", b"yes")]}
        )
        half = len(body) // 2
        await send({"type": "http.response.body", "body": body[:half], "more_body": True})
        await send({"type": "http.response.body", "body": body[half:]})

    async def _asgi_stream(self, receive, send) -> None:
        async def listen() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            self.has_seen_end = True

        listener = asyncio.ensure_future(listen())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not self.has_seen_end and self.chunks < 2000:
            self.chunks += 1
            await send({"type": "http.response.body", "body": b"data: x\n\n", "more_body": True})
            await asyncio.sleep(0.005)
        await listener


@asynccontextmanager
async def _aiohttp_server(upstream: Upstream):
    application = web.Application(client_max_size=1 << 26)
    application.router.add_post("/echo", upstream.aiohttp_echo)
    application.router.add_post("/compressed", upstream.aiohttp_compressed)
    application.router.add_post("/stream", upstream.aiohttp_stream)
    runner = web.AppRunner(application, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _uvicorn_server(upstream: Upstream):
    config = uvicorn.Config(
        upstream.asgi, port=0, log_level="error", lifespan="off", interface="asgi3"
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    task = asyncio.ensure_future(server._serve())
    await until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await task


SERVERS = {"aiohttp": _aiohttp_server, "uvicorn": _uvicorn_server}


@pytest.fixture(params=SERVERS)
async def upstream(request):
    upstream = Upstream()
    async with SERVERS[request.param](upstream) as url:
        upstream.url = url
        yield upstream


@pytest.mark.parametrize("size", [0, 1, 1000, 131_073, 5_000_000])
async def test_bodies_of_all_sizes_come_back_as_they_went(size, upstream, connect):
    """One connection carries them one after the other."""
    client = connect(upstream.url)
    body = bytes(range(256)) * (size // 256) + bytes(size % 256)
    for _ in range(2):
        assert await whole(client, ask(path="/echo", body=body), 1 << 23) == (200, body)
    assert client.pool.open_count == 1


async def test_many_at_once_do_not_mix(upstream, connect):
    """Each caller gets its own answer."""
    client = connect(upstream.url, max_connections=16)
    bodies = [b"%d" % number * 50 for number in range(200)]
    answers = await asyncio.gather(
        *(whole(client, ask(path="/echo", body=body)) for body in bodies)
    )
    assert answers == [(200, body) for body in bodies]
    assert client.pool.open_count <= 16


async def test_a_server_stops_streaming_when_the_caller_leaves(upstream, connect):
    """The chunks it still sends are counted (AP-04)."""
    client = connect(upstream.url)
    signal = AbortSignal()
    response = await client.send(ask(path="/stream", abort=signal))
    for _ in range(3):
        assert (await response.read_some()).startswith(b"data: x")
    before = upstream.chunks
    signal.abort("client_left")
    await until(lambda: upstream.has_seen_end, seconds=1)
    assert upstream.chunks - before <= 20


async def test_a_server_that_compresses_unasked_is_understood(connect):
    """Some do in spite of `identity`."""
    upstream = Upstream()
    async with _aiohttp_server(upstream) as url:
        client = connect(url)
        body = b"word " * 50_000
        assert await whole(client, ask(path="/compressed", body=body)) == (200, body)
        assert client.pool.idle_count == 1
