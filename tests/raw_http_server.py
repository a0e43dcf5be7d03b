"""A server on a socket that does exactly what a test's script says, byte by byte."""

import asyncio
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress

_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)\r\n")


class Peer:
    """One connection, as the script sees it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.number = number
        """0 for the first connection of the server."""

    async def request(self) -> bytes:
        """Read one whole request; raises IncompleteReadError when there is none."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        found = _LENGTH.search(head)
        return head + (await self.reader.readexactly(int(found[1])) if found else b"")

    async def send(self, *pieces: bytes) -> None:
        """Send each piece as a segment of its own, as far as the loopback allows."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def gone(self) -> None:
        """Return when the client has closed or reset the connection."""
        with suppress(OSError):
            while await self.reader.read(65536):
                pass

    def reset(self) -> None:
        """End the connection with RST."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


class RawServer:
    """Runs `script` for each connection; closes the connection when it returns."""

    def __init__(self, script: Script, *, ssl=None) -> None:
        self._script = script
        self._ssl = ssl
        self._tasks: set[asyncio.Task[None]] = set()
        self.accepted = 0
        self.failures: list[BaseException] = []

    async def __aenter__(self) -> "RawServer":
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, ssl=self._ssl, limit=1 << 22
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._ssl else 'http'}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, kind, error, trace) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.failures and error is None:
            raise self.failures[0]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        peer = Peer(reader, writer, self.accepted)
        self.accepted += 1
        try:
            await self._script(peer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        except (AssertionError, LookupError, ValueError) as error:
            self.failures.append(error)
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()


def always(*pieces: bytes, close: bool = False) -> Script:
    """Answer every request with these pieces; with `close`, one request per connection."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(*pieces)
            if close:
                return

    return script
