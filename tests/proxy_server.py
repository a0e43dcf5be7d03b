"""A small real HTTP proxy on a socket: CONNECT only, with or without a credential."""

import asyncio
from contextlib import suppress

from raw_http_server import Peer, RawServer


class ProxyServer(RawServer):
    """Tunnels to where it is told; `hosts` maps names to addresses as a resolver would."""

    def __init__(self, *, credential: bytes | None = None, hosts: dict[str, str] | None = None):
        super().__init__(self._serve)
        self._credential = credential
        self._hosts = hosts or {}
        self.asked: list[bytes] = []

    async def _serve(self, peer: Peer) -> None:
        head = await peer.reader.readuntil(b"\r\n\r\n")
        self.asked.append(head)
        if self._credential is not None and (
            b"\r\nProxy-Authorization: " + self._credential + b"\r\n" not in head
        ):
            await peer.send(
                b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
            )
            return
        host, _, port = head.split(b" ")[1].decode().rpartition(":")
        try:
            reader, writer = await asyncio.open_connection(self._hosts.get(host, host), int(port))
        except OSError:
            await peer.send(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
            return
        await peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(peer.reader, writer))
                group.create_task(_copy(reader, peer.writer))
        finally:
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()
