"""The mock over a socket: a small HTTP/1.1 server that can also misbehave.

    POST …/chat/completions    by script          GET …/models    two names
    POST …/embeddings          by script
    GET /health                200                GET /_calls     what has been done, as JSON

Written on the transport itself, since it must be able to reset, cut and stall a connection and to
send bytes that are no HTTP body. For tests and demonstrations: it bounds the size of a body and
nothing else.
"""

import asyncio
import socket
import struct
from collections import deque
from typing import cast

import httptools
import msgspec
from msgspec import Struct

from pointsman.core.clock import Clock
from pointsman.providers.mock.performance import Performance, Send, Stop, Wait, performer_of
from pointsman.providers.mock.player import ScriptPlayer

MAX_BODY_BYTES = 64 * 1024 * 1024
_encode = msgspec.json.Encoder().encode
_PLAYED = ("/chat/completions", "/embeddings")
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 429: "Too Many Requests"}
_LINGER_OFF = struct.pack("ii", 1, 0)
_MODELS = {
    "object": "list",
    "data": [
        {"id": name, "object": "model", "created": 0, "owned_by": "mock"}
        for name in ("mock-small", "mock-large")
    ],
}


class MockServer:
    """Answers on a port until closed. Tasks that play an answer end with their connection."""

    def __init__(self, player: ScriptPlayer, clock: Clock) -> None:
        self.player = player
        self.clock = clock
        self.port = 0
        self.connections: set[MockConnection] = set()
        self.nobody_connected = asyncio.Event()
        self.nobody_connected.set()
        self.tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; `port` 0 takes a free one, which is then `self.port`.

        Raises:
            OSError: The port is taken.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: MockConnection(self), host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening, drop every connection and wait for what was playing."""
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections):
            connection.drop()
        if self.tasks:
            await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.nobody_connected.wait()
        if self._server is not None:
            await self._server.wait_closed()


class _Incoming(Struct):
    """One request."""

    method: str
    path: str
    label: str | None
    body: bytes
    keep_alive: bool


class MockConnection(asyncio.Protocol):
    """One connection: requests are answered one after the other."""

    def __init__(self, server: MockServer) -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[_Incoming] = deque()
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._path = b""
        self._label: str | None = None
        self._body = bytearray()

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the connection, so that closing the server ends it."""
        # uvloop's transports have the methods but not the base class.
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)
        self._server.nobody_connected.clear()

    def data_received(self, data: bytes) -> None:
        """Parse; rubbish ends the connection."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.drop()

    def connection_lost(self, _exc: Exception | None) -> None:
        """Stop playing: whoever asked has gone."""
        self._server.connections.discard(self)
        if not self._server.connections:
            self._server.nobody_connected.set()
        self._transport = None
        self._writable.set()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        """Wait before the next piece."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Go on."""
        self._writable.set()

    # Called by the parser.

    def on_url(self, url: bytes) -> None:
        """Collect the request target."""
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the one field that matters."""
        if name.lower() == b"x-mock":
            self._label = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """Collect the body."""
        self._body += body
        if len(self._body) > MAX_BODY_BYTES:
            self.drop()

    def on_message_complete(self) -> None:
        """Queue the request; play it if nothing else plays."""
        self._queue.append(
            _Incoming(
                self._parser.get_method().decode("ascii"),
                self._path.decode("latin-1").partition("?")[0],
                self._label,
                bytes(self._body),
                self._parser.should_keep_alive(),
            )
        )
        self._path, self._label, self._body = b"", None, bytearray()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._play_queue())
            self._server.tasks.add(self._task)
            self._task.add_done_callback(self._server.tasks.discard)

    # Answering.

    def drop(self, *, by_reset: bool = False) -> None:
        """End the connection at once; with a reset instead of a goodbye if asked."""
        transport = self._transport
        if transport is None:
            return
        if by_reset:
            sock = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_OFF)
        transport.abort()

    async def _play_queue(self) -> None:
        try:
            while self._queue and self._transport is not None:
                incoming = self._queue.popleft()
                await self._answer(incoming)
                if not incoming.keep_alive and self._transport is not None:
                    self._transport.close()
        except Exception:
            # A fault of the mock must not look like a slow provider.
            self.drop()
            raise
        finally:
            self._task = None

    async def _answer(self, incoming: _Incoming) -> None:
        if incoming.method == "POST" and incoming.path.endswith(_PLAYED):
            server, play = self._server, performer_of(incoming.path)
            await self._play(play(incoming.body, incoming.label, server.player, server.clock))
        else:
            await self._play(self._fixed_answer(incoming))

    def _fixed_answer(self, incoming: _Incoming) -> Performance:
        bodies: dict[str, object] = {
            "/health": {"status": "ok"},
            "/_calls": self._server.player.counters,
            "/models": _MODELS,
        }
        name = "/models" if incoming.path.endswith("/models") else incoming.path
        body = bodies.get(name)
        if incoming.method != "GET" or body is None:
            error = {"message": "no such path", "type": "invalid_request_error", "code": None}
            return Performance(404, _JSON, [Send(_encode({"error": error}))])
        return Performance(200, _JSON, [Send(_encode(body))])

    async def _play(self, performance: Performance) -> None:
        try:
            if performance.head_delay_s:
                await asyncio.sleep(performance.head_delay_s)
            if performance.connection != "keep":
                self.drop(by_reset=True)
                return
            self._write(self._head(performance))
            await self._play_body(performance)
        except asyncio.CancelledError:
            self._server.player.counters.aborted += 1
            raise

    async def _play_body(self, performance: Performance) -> None:
        is_chunked = performance.is_stream
        for action in performance.actions:
            if isinstance(action, Wait):
                await asyncio.sleep(action.seconds)
            elif isinstance(action, Stop):
                await self._stop(action)
                return
            else:
                data = action.data
                self._write(b"%x\r\n%b\r\n" % (len(data), data) if is_chunked else data)
                if performance.is_stream:
                    self._server.player.counters.chunks += 1
                if not self._writable.is_set():
                    await self._writable.wait()
        if is_chunked:
            self._write(b"0\r\n\r\n")

    async def _stop(self, action: Stop) -> None:
        if action.how == "stall":
            await asyncio.get_running_loop().create_future()
        if action.how == "reset":
            self.drop(by_reset=True)
        elif self._transport is not None:
            self._transport.close()

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _head(self, performance: Performance) -> bytes:
        status = performance.status
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}"]
        lines.extend(f"{name}: {value}" for name, value in performance.headers.items())
        if performance.is_stream:
            lines.append("transfer-encoding: chunked")
        else:
            lines.append(f"content-length: {_length(performance)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


_JSON = {"content-type": "application/json"}


def _length(performance: Performance) -> int:
    """Return the length to announce: more than will come when the body is to be cut."""
    size = sum(len(action.data) for action in performance.actions if isinstance(action, Send))
    is_cut = any(isinstance(action, Stop) for action in performance.actions)
    return size + 1 if is_cut else size
