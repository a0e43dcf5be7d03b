"""A real `Listener` in a thread of its own, for tests that speak bytes over blocking sockets."""

import asyncio
import queue
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import contextmanager

import uvloop

from pointsman.core.clock import SystemClock
from pointsman.core.ids import IdSource
from pointsman.server.exchange import CONNECTION_EXTENSION
from pointsman.server.limits import ServerLimits
from pointsman.server.listener import Listener, ListenerSettings

TIMEOUT_S = 5.0


class RecordingApp:
    """An ASGI application whose paths do what the tests need, and which keeps what it saw."""

    def __init__(self):
        self.requests = []
        self.started = queue.Queue()
        self.aborted = queue.Queue()
        self.sent_bytes = 0
        self.failures = []

    async def __call__(self, scope, receive, send):
        connection = scope["extensions"][CONNECTION_EXTENSION]
        connection.abort.subscribe(lambda: self.aborted.put(connection.abort.reason))
        self.started.put(scope)
        answer = getattr(self, "answer_" + scope["path"].strip("/*"), self.answer_echo)
        await answer(scope, receive, send)

    async def read_body(self, receive):
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message["body"]
            if not message["more_body"]:
                return body

    async def answer_echo(self, scope, receive, send):
        body = await self.read_body(receive)
        self.requests.append((scope["method"], scope["raw_path"], scope["query_string"], body))
        if body is not None:
            await plain(send, 200, body, scope)

    async def answer_wait(self, scope, receive, send):
        """Read the body, then wait until the client has left."""
        self.requests.append(await self.read_body(receive))
        left = asyncio.Event()
        connection = scope["extensions"][CONNECTION_EXTENSION]
        connection.abort.subscribe(left.set)
        self.started.put("waiting")
        await left.wait()
        await plain(send, 200, b"too late", scope)

    async def answer_flood(self, scope, receive, send):
        """Send without end, as fast as the client takes it."""
        await self.read_body(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        abort = scope["extensions"][CONNECTION_EXTENSION].abort
        while not abort.is_aborted:
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            self.sent_bytes += 65536

    async def answer_stream(self, scope, receive, send):
        await self.read_body(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in (b"one ", b"two ", b"three"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def answer_early(self, scope, receive, send):
        """Answer without reading the body."""
        await plain(send, 200, b"early", scope)

    async def answer_hesitant(self, scope, receive, send):
        """Wait for the test's leave before reading the body."""
        self.leave = asyncio.Event()
        self.started.put("waiting")
        await self.leave.wait()
        await self.answer_echo(scope, receive, send)

    async def answer_paused(self, scope, receive, send):
        """Begin an answer; wait for the test's leave before its end."""
        self.leave = asyncio.Event()
        await self.read_body(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        await self.leave.wait()
        await send({"type": "http.response.body", "body": b""})

    async def answer_tardy(self, scope, receive, send):
        """Let the loop turn a few times before the answer, as an upstream would."""
        await self.read_body(receive)
        for _ in range(5):
            await asyncio.sleep(0)
        await plain(send, 200, b"tardy", scope)

    async def answer_fail(self, scope, receive, send):
        raise ValueError("a planted failure")

    async def answer_halfway(self, scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ValueError("a planted failure")

    async def answer_inject(self, scope, receive, send):
        headers = [(b"x-a", b"b\r\nset-cookie: evil")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    async def answer_silent(self, scope, receive, send):
        """Return without an answer."""


async def plain(send, status, body, scope):
    """Send a whole answer that names the request's id."""
    request_id = scope["extensions"][CONNECTION_EXTENSION].request_id
    headers = [
        (b"content-type", b"text/plain"),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id-seen", request_id.encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class ServerThread:
    """A running listener, its application, and clients for it."""

    def __init__(self, loop, listener, app):
        self.loop = loop
        self.listener = listener
        self.app = app

    def connect(self, receive_buffer=None, tls=None):
        """Return a connected blocking socket."""
        client = socket.socket()
        if receive_buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.settimeout(TIMEOUT_S)
        try:
            client.connect(("127.0.0.1", self.listener.port))
            return client if tls is None else tls.wrap_socket(client, server_hostname="localhost")
        except OSError:
            client.close()
            raise

    def exchange(self, *pieces):
        """Send `pieces` on a connection of their own; return all bytes until it is closed."""
        with self.connect() as client:
            for piece in pieces:
                client.sendall(piece)
            return read_all(client)

    def call(self, make: Callable):
        """Run `make()`'s coroutine on the server's loop and return its result."""
        return asyncio.run_coroutine_threadsafe(make(), self.loop).result(TIMEOUT_S * 2)


def read_all(client):
    """Return what arrives until the server closes; a reset counts as the end."""
    pieces = []
    try:
        while piece := client.recv(65536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def read_until(client, end):
    """Return what arrives up to and including `end`."""
    seen = b""
    while end not in seen:
        piece = client.recv(65536)
        if not piece:
            raise AssertionError(f"closed before {end!r}: {seen!r}")
        seen += piece
    return seen


def status_of(answer):
    """Return the status of the first answer; None for no answer."""
    return int(answer.split(b" ", 2)[1]) if answer else None


@contextmanager
def serving(limits=None, *, loop_factory=uvloop.new_event_loop, **settings):
    """Serve a `RecordingApp` until the block ends."""
    app, clock = RecordingApp(), SystemClock()
    chosen = ListenerSettings(
        port=settings.pop("port", 0), limits=limits or ServerLimits(), **settings
    )
    loop = loop_factory()
    listener = Listener(app, chosen, ids=IdSource(clock), clock=clock)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = ServerThread(loop, listener, app)
    try:
        server.call(listener.start)
        yield server
    finally:
        server.call(lambda: listener.stop(0.0))
        server.call(loop.shutdown_default_executor)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(TIMEOUT_S)
        loop.close()


def client_tls(authority):
    """Return a client context that trusts `authority`."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context
