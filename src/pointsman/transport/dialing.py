"""Opening a connection: name lookup, one address after the other, TLS; or a proxy's tunnel.

uvloop does not race addresses, so they are tried in turn; each gets an equal share of the time
that is left, so one that swallows packets cannot use up what the next needs.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from socket import SOCK_STREAM

from pointsman.core.clock import Clock
from pointsman.transport.connection import Connection
from pointsman.transport.exchange import TransportError
from pointsman.transport.proxy import Proxy
from pointsman.transport.settings import Origin
from pointsman.transport.tunnel import open_tunnel

Resolver = Callable[[str, int], Awaitable[list[str]]]
"""From name and port to addresses; raises TransportError. `look_up` asks the system."""
_S = 1_000_000_000


def make_tls(ca_file: str | None) -> ssl.SSLContext:
    """Return a context that verifies the certificate and the host name.

    Args:
        ca_file: PEM file with the authorities to trust instead of the system's; None trusts those.

    Raises:
        OSError: The file cannot be read, or holds no certificate (`ssl.SSLError` is an OSError).
    """
    context = ssl.create_default_context(cafile=ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context


async def dial(
    origin: Origin,
    tls: ssl.SSLContext | None,
    clock: Clock,
    until_ns: int,
    make_connection: Callable[[], Connection],
    *,
    proxy: Proxy | None = None,
    resolve: Resolver,
) -> Connection:
    """Connect to the first address that answers.

    The caller bounds the whole by `until_ns`; here it only sets each address's share.

    Raises:
        TransportError: `connect`, with the reason of the last address that was tried; or as
            `open_tunnel` does.
        TimeoutError: That one did not answer in time.
    """
    last: Exception = OSError("the name has no address")
    first = origin if proxy is None else proxy.origin
    addresses = [first.host] if _is_address(first.host) else await resolve(first.host, first.port)
    for position, address in enumerate(addresses):
        left_s = (until_ns - clock.monotonic_ns()) / _S
        share_s = max(0.0, left_s / (len(addresses) - position))
        connection = make_connection()
        try:
            async with asyncio.timeout(share_s):
                if proxy is None:
                    await _connect(connection, address, origin, tls)
                else:
                    await open_tunnel(connection, address, proxy, origin, tls)
        except (OSError, ssl.CertificateError) as error:
            # TimeoutError is an OSError. A half-open attempt must not outlive its failure.
            connection.abort()
            last = error
        except BaseException:
            connection.abort()
            raise
        else:
            return connection

    if isinstance(last, TimeoutError):
        raise last

    through = f" through the proxy {proxy.origin.authority}" if proxy is not None else ""
    message = f"cannot connect to {origin.authority}{through}: {_reason(last)}"
    raise TransportError("connect", message)


async def _connect(
    connection: Connection, address: str, origin: Origin, tls: ssl.SSLContext | None
) -> None:
    await asyncio.get_running_loop().create_connection(
        lambda: connection,
        address,
        origin.port,
        ssl=tls,
        server_hostname=origin.host if tls is not None else None,
    )


async def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of a name, in the order in which the system prefers them.

    Raises:
        TransportError: `connect`, when it has none.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=SOCK_STREAM)
    except OSError as error:
        message = f"cannot find the address of {host}: {_reason(error)}"
        raise TransportError("connect", message) from error
    except UnicodeError as error:
        raise TransportError("connect", f"{host} is not a host name") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not valid: {error.verify_message}"

    return str(error) or type(error).__name__
