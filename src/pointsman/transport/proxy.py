"""An HTTP proxy between the client and its origin: where it is and how it knows us."""

from base64 import b64encode
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from pointsman.transport.settings import Origin, ascii_host


class Proxy(Struct, frozen=True):
    """Whom to ask for a tunnel."""

    origin: Origin
    authorization: bytes | None = None
    """The value of `Proxy-Authorization`; None for a proxy that asks for none."""

    def __repr__(self) -> str:
        """Name the place, never the credential."""
        return f"Proxy({self.origin.authority})"


def parse_proxy_url(url: str) -> Proxy:
    """Read `http://user:password@host:port`; without a port it is 80, as in every http URL.

    Raises:
        ValueError: Not `http`, no host, a bad port, or a path. The message never repeats the URL,
            since it may hold a secret.
    """
    parts = urlsplit(url)
    if parts.scheme != "http":
        raise ValueError("a proxy URL starts with http:// (what goes through it may be TLS)")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("a proxy URL ends with its port")
    try:
        port = 80 if parts.port is None else parts.port
    except ValueError:
        raise ValueError("the port of a proxy URL is a number up to 65535") from None
    origin = Origin("http", ascii_host(parts.hostname), port)
    if parts.username is None and parts.password is None:
        return Proxy(origin)
    # Source: RFC 7617, section 2. What a URL cannot hold as it is comes percent-encoded.
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return Proxy(origin, b"Basic " + b64encode(pair.encode()))
