"""A tunnel through an HTTP proxy: CONNECT, then TLS inside it where the origin speaks TLS.

Knows one exchange with the proxy, before the connection has anything to do with the origin. The
caller bounds the time. Source: RFC 9110, section 9.3.6.
"""

import asyncio
import re
import ssl
from typing import cast

from pointsman.transport.connection import Connection
from pointsman.transport.exchange import TransportError
from pointsman.transport.proxy import Proxy
from pointsman.transport.settings import Origin

_MAX_HEAD_BYTES = 16_384
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |\r)")
_PROXY_AUTHENTICATION_REQUIRED = 407


class _Asking(asyncio.Protocol):
    """Sends CONNECT and waits for the head of the answer."""

    def __init__(self, head: bytes, answered: asyncio.Future[bytes]) -> None:
        self._head = head
        self._received = b""
        self._answered = answered

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask at once."""
        cast("asyncio.Transport", transport).write(self._head)

    def data_received(self, data: bytes) -> None:
        """Gather until the answer's head is whole, skipping interim answers."""
        self._received += data
        while not self._answered.done():
            end = self._received.find(b"\r\n\r\n") + 4
            if end < 4:
                break
            if not self._received.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1")):
                self._answered.set_result(self._received)
                return
            self._received = self._received[end:]
        if len(self._received) > _MAX_HEAD_BYTES:
            self._fail("the answer of the proxy is too long")

    def eof_received(self) -> None:
        """Give up: a proxy that closes has not answered."""
        self._fail("the proxy closed the connection instead of an answer")

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up, as above."""
        self._fail(f"the connection to the proxy broke: {exc or 'closed'}")

    def _fail(self, message: str) -> None:
        if not self._answered.done():
            self._answered.set_exception(OSError(message))


async def open_tunnel(
    connection: Connection,
    address: str,
    proxy: Proxy,
    origin: Origin,
    tls: ssl.SSLContext | None,
) -> None:
    """Connect to the proxy at `address`, have it connect to the origin, hand over the socket.

    The proxy looks the origin's name up, not this machine.

    Raises:
        TransportError: `proxy_auth` when it refuses our credential, `connect` when it refuses the
            tunnel for another reason or does not speak HTTP.
        OSError: It cannot be reached, or TLS with the origin failed.
    """
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[bytes] = loop.create_future()
    transport, _ = await loop.create_connection(
        lambda: _Asking(_request(origin, proxy), answered), address, proxy.origin.port
    )
    try:
        _check(await answered, proxy)
        await _hand_over(transport, connection, origin, tls)
    except BaseException:
        transport.abort()
        if answered.done() and not answered.cancelled():
            answered.exception()  # retrieved, so that the loop does not report it
        raise


async def _hand_over(
    transport: asyncio.Transport,
    connection: Connection,
    origin: Origin,
    tls: ssl.SSLContext | None,
) -> None:
    """Let `connection` have the socket, with TLS around it if the origin speaks that."""
    if tls is None:
        transport.set_protocol(connection)
        connection.connection_made(transport)
        return
    loop = asyncio.get_running_loop()
    inner = await loop.start_tls(transport, connection, tls, server_hostname=origin.host)
    if inner is None:
        raise OSError("the proxy closed the tunnel")
    # The loop does not tell a protocol that takes over a connection.
    connection.connection_made(inner)


def _request(origin: Origin, proxy: Proxy) -> bytes:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    # Always with its port: RFC 9112, section 3.2.3.
    authority = f"{host}:{origin.port}".encode()
    lines = [b"CONNECT ", authority, b" HTTP/1.1\r\nHost: ", authority, b"\r\n"]
    if proxy.authorization is not None:
        lines += [b"Proxy-Authorization: ", proxy.authorization, b"\r\n"]
    return b"".join([*lines, b"\r\n"])


def _check(answer: bytes, proxy: Proxy) -> None:
    found = _STATUS.match(answer)
    if found is None:
        raise TransportError("connect", f"{proxy.origin.authority} does not answer as a proxy")
    status = int(found[1])
    if status == _PROXY_AUTHENTICATION_REQUIRED:
        known = (
            "refused the credential" if proxy.authorization is not None else "wants a credential"
        )
        message = f"the proxy {proxy.origin.authority} {known} (407)"
        raise TransportError("proxy_auth", message)
    if not 200 <= status <= 299:
        message = f"the proxy {proxy.origin.authority} refused the tunnel with {status}"
        raise TransportError("connect", message)
    if not answer.endswith(b"\r\n\r\n") or answer.count(b"\r\n\r\n") != 1:
        # Neither side of a tunnel to a server that waits for a request may say anything yet.
        raise TransportError("connect", "bytes came through the tunnel before the first request")
