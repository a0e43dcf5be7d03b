"""A scripted vendor on a real socket: HTTP/1.1, the memory of requests, the choice of scenario.

Owns what the vendors' servers share. Runs an event loop in a thread of its own, so that blocking
clients, asynchronous clients and other programs can all call it. Knows no vendor's schema.
"""

import asyncio
import collections
import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from vendors.scenarios import SCENARIOS, TEXT, Scenario

TIMEOUT_S = 10.0


@dataclass
class Received:
    """One request, as the vendor saw it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    number: int
    """0 for the server's first request."""
    json: Any = None
    """The decoded body; None where it is empty or not JSON."""
    scenario: Scenario | None = None
    """What it was answered with; None for a refused request or an endpoint without scenarios."""
    status: int = 0
    reply: "Reply | None" = None
    """The answer as it was meant; a cut one says where it was cut."""

    @property
    def model(self) -> str:
        """The model's name in the body; empty where there is none."""
        named = self.json.get("model") if isinstance(self.json, dict) else None
        return named if isinstance(named, str) else ""

    def identifier(self, prefix: str, length: int, *salt: object) -> str:
        """Return an id as vendors make them: the same for the same request number and salt."""
        seed = f"{prefix}{self.number}{salt}".encode()
        return prefix + hashlib.sha256(seed).hexdigest()[:length]


@dataclass(frozen=True)
class Reply:
    """One answer: a whole body, or the pieces of a stream."""

    status: int
    body: bytes | Sequence[bytes]
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    hold_after: int | None = None


class RefusedError(Exception):
    """A request that the vendor answers with an error."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def json_reply(status: int, document: Any, headers: dict[str, str] | None = None) -> Reply:
    """Return a whole answer that is a JSON document."""
    body = json.dumps(document, ensure_ascii=False).encode()
    return Reply(status, body, {"content-type": "application/json", **(headers or {})})


class VendorServer:
    """The base of the scripted vendors; use it with `with`, in a blocking or async test alike."""

    default_key: ClassVar[str] = "test-key"

    def __init__(
        self, *, key: str | None = None, default: Scenario = TEXT, models: Sequence[str] = ()
    ) -> None:
        self.key = key if key is not None else self.default_key
        """The only key that is accepted; an empty one turns authentication off."""
        self.default = default
        self.choose: Callable[[Received], Scenario | None] | None = None
        """Asked for each request when nothing waits in `next`; None leaves it to the model name."""
        self.models = list(models)
        """Models that exist; an empty list knows every name."""
        self.received: list[Received] = []
        self.failures: list[str] = []
        """What a scenario expected of a request and did not find."""
        self.connections = 0
        self.left = threading.Event()
        """Set when a client has gone before its answer was complete."""
        self.held = threading.Event()
        """Set when an answer is being held."""
        self._waiting: collections.deque[Scenario] = collections.deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def forget(self) -> None:
        """Forget the scenarios that nobody has asked for yet, and what was missed so far."""
        self._waiting.clear()
        self.failures.clear()

    def next(self, *scenarios: Scenario) -> None:
        """Answer the next requests with these, one each, in this order."""
        self._waiting.extend(scenarios)

    def release(self) -> None:
        """Let the held answers go on."""
        self._loop.call_soon_threadsafe(self._gate.set)

    @property
    def last(self) -> Received:
        """The request that came last."""
        return self.received[-1]

    def answer(self, received: Received) -> Reply:
        """Return the vendor's answer; may raise RefusedError."""
        raise NotImplementedError

    def broken(self, message: str) -> Reply:
        """Return the vendor's shape for a request that a scenario did not expect."""
        raise NotImplementedError

    def scenario_for(self, received: Received, model: str) -> Scenario:
        """Choose: what `next` said, then `choose`, then the model's name, then the default."""
        chosen = self._waiting.popleft() if self._waiting else None
        if chosen is None and self.choose is not None:
            chosen = self.choose(received)
        if chosen is None:
            chosen = SCENARIOS.get(model.rpartition("--")[2], self.default)
        received.scenario = chosen
        return chosen

    def expect(self, scenario: Scenario, present: dict[str, bool]) -> None:
        """Fail the test, and refuse, where the request lacks what the scenario is about."""
        for name in scenario.expects:
            if not present[name]:
                message = f"scenario {scenario.name} expects {name} in the request"
                self.failures.append(message)
                raise RefusedError(self.broken(message))

    def __enter__(self) -> "VendorServer":
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=type(self).__name__)
        self._thread.start()
        self._run(self._start())
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(TIMEOUT_S)
        self._loop.close()
        if self.failures and error is None:
            raise AssertionError(self.failures[0])

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(TIMEOUT_S)

    async def _start(self) -> None:
        self._gate = asyncio.Event()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=1 << 24)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def _stop(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        received = await _read_request(reader, len(self.received))
        self.received.append(received)
        try:
            reply = self.answer(received)
        except RefusedError as refused:
            reply = refused.reply
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as fault:
            self.failures.append(f"{type(self).__name__}: {fault!r}")
            reply = self.broken(repr(fault))
        received.status, received.reply = reply.status, reply
        return await _Sending(self, reader, writer, reply).run()


class _Sending:
    """The way of one answer to the client."""

    def __init__(self, server: VendorServer, reader, writer, reply: Reply) -> None:
        self.server, self.reader, self.writer, self.reply = server, reader, writer, reply
        self.is_whole = isinstance(reply.body, bytes)

    async def run(self) -> bool:
        """Send it; return whether the connection goes on."""
        try:
            if self.reply.hold_after == 0 or (self.is_whole and self.reply.hold_after is not None):
                await self._hold()
            self._send_head()
            if self.is_whole:
                return await self._send_whole()
            return await self._send_pieces()
        except OSError:
            self.server.left.set()
            raise

    def _send_head(self) -> None:
        head = [f"HTTP/1.1 {self.reply.status} {_REASONS.get(self.reply.status, 'Unknown')}"]
        head += [f"{name}: {value}" for name, value in self.reply.headers.items()]
        head.append(
            f"content-length: {len(self.reply.body)}"
            if self.is_whole
            else "transfer-encoding: chunked"
        )
        self.writer.write("\r\n".join([*head, "", ""]).encode())

    async def _send_whole(self) -> bool:
        is_cut = self.reply.cut_after is not None
        self.writer.write(self.reply.body[: len(self.reply.body) // 2 if is_cut else None])
        await self.writer.drain()
        return not is_cut

    async def _send_pieces(self) -> bool:
        for index, piece in enumerate(self.reply.body):
            if index == self.reply.cut_after:
                await self._cut()
                return False
            if index == self.reply.hold_after and index:
                await self._hold()
            self.writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await self.writer.drain()
            # A piece should reach the client by itself, as far as the loopback allows.
            await asyncio.sleep(0)
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()
        return True

    async def _cut(self) -> None:
        """End with a FIN, so that what was sent still arrives."""
        await self.writer.drain()

    async def _hold(self) -> None:
        """Wait for the test's leave, or for the client to go."""
        self.server.held.set()
        gate = asyncio.ensure_future(self.server._gate.wait())
        gone = asyncio.ensure_future(self.reader.read(1))
        try:
            await asyncio.wait({gate, gone}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                raise ConnectionResetError
        finally:
            gate.cancel()
            gone.cancel()
            await asyncio.gather(gate, gone, return_exceptions=True)


async def _read_request(reader: asyncio.StreamReader, number: int) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers: dict[str, str] = {}
    for line in head[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    body = await _read_body(reader, headers)
    url = urlsplit(target)
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    received = Received(method, unquote(url.path), query, headers, body, number)
    with suppress(ValueError):
        received.json = json.loads(body)
    return received


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return body


_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Payload Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
    529: "Overloaded",
}
