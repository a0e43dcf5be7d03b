"""Clients that keep a rate over sockets, try again what was cut, and know what became of each try.

A try is one request on one connection. It is *answered* when its answer has come whole, *cut* when
its connection ended first, and never *refused* by a listening socket that somebody holds open.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable

ANSWER_TIMEOUT_S = 60.0
"""A try may wait this long in the backlog of a gateway that is started again."""
_HEAD = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
)
_ID = b"x-pointsman-request-id: "
_LENGTH = b"content-length: "


class PacedClients:
    """So many clients, together so many requests per second.

    A client asks for one thing after the other: while it waits for an answer it sends nothing, and
    does not make up for it later.

    Args:
        port: Where the gateway listens.
        body_of: Makes the body of a try from its name, `<request>.<try>`.
        rate: Requests per second, of all clients together.
        clients: How many.
    """

    def __init__(
        self, port: int, body_of: Callable[[str], bytes], *, rate: float, clients: int
    ) -> None:
        self._port = port
        self._body_of = body_of
        self._interval_s = clients / rate
        self._clients = clients
        self._made = 0
        self._is_over = asyncio.Event()
        self.answered: dict[str, str] = {}
        """Name of the try -> request id of its answer, status 200."""
        self.answered_s: dict[str, float] = {}
        """Request id -> when its answer was whole, on the loop's clock."""
        self.cut: list[str] = []
        """Tries that were written to an open connection, which ended before the answer."""
        self.unconnected = 0
        """Connections that were not taken at all."""
        self.other: Counter[int] = Counter()
        """Answers with another status than 200."""

    @property
    def requests(self) -> int:
        """How many requests were made, however often each was tried."""
        return self._made

    def stop(self) -> None:
        """Let each client finish its request and end."""
        self._is_over.set()

    async def run(self) -> None:
        """Ask until stopped."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.TaskGroup() as tasks:
            for number in range(self._clients):
                first = began + self._interval_s * number / self._clients
                tasks.create_task(self._ask_on(first))

    async def _ask_on(self, next_s: float) -> None:
        loop = asyncio.get_running_loop()
        line = _Line(self._port)
        while not self._is_over.is_set():
            await asyncio.sleep(max(0.0, next_s - loop.time()))
            next_s = max(next_s + self._interval_s, loop.time())
            number, self._made = self._made, self._made + 1
            await self._see_through(line, number)
        await line.close()

    async def _see_through(self, line: "_Line", number: int) -> None:
        """Try until there is an answer."""
        attempt = 0
        while True:
            name = f"{number}.{attempt}"
            try:
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    await line.open()
                    status, request_id = await line.ask(self._body_of(name))
            except ConnectionRefusedError:
                self.unconnected += 1
                await asyncio.sleep(0.02)
            except (OSError, EOFError):
                self.cut.append(name)
                await line.close()
            else:
                if status == 200:
                    self.answered[name] = request_id
                    self.answered_s[request_id] = asyncio.get_running_loop().time()
                else:
                    self.other[status] += 1
                return
            attempt += 1


class _Line:
    """One connection of one client, opened anew when it has ended."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        if self._reader is not None and self._reader.at_eof():
            await self.close()
        if self._reader is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def ask(self, body: bytes) -> tuple[int, str]:
        """Send a body; return status and request id of the answer."""
        reader, writer = self._reader, self._writer
        writer.write(_HEAD + b"content-length: %d\r\n\r\n" % len(body) + body)
        head = await reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        await reader.readexactly(int(_field(lower, _LENGTH)))
        if b"\r\nconnection: close\r\n" in lower:
            await self.close()
        return int(head[9:12]), _field(lower, _ID).decode()

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
        self._reader = self._writer = None


def _field(head: bytes, name: bytes) -> bytes:
    start = head.index(name) + len(name)
    return head[start : head.index(b"\r\n", start)]
