"""Whom a client talks to, and within which bounds."""

from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(Struct, frozen=True):
    """The server that one client talks to."""

    scheme: Literal["http", "https"]
    host: str
    """A name or an address, ASCII (IDNA), without brackets."""
    port: int

    @property
    def authority(self) -> str:
        """The value of the `Host` field: the default port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


class TransportSettings(Struct, frozen=True, kw_only=True):
    """Bounds of one client."""

    max_connections: int = 512
    """Open at once, idle ones included; further requests wait within their connect limit."""
    keepalive_s: float = 15.0
    """How long an idle connection is kept. A server's `Keep-Alive: timeout` shortens it."""
    max_head_bytes: int = 65_536
    """All informational heads and the final one together."""
    max_trailer_bytes: int = 16_384
    """Chunk extensions and trailers of one answer together."""
    max_buffered_bytes: int = 262_144
    """Unread body bytes at which the socket is paused. One more read of the loop (up to 256 KiB)
    may already be under way."""
    ca_file: str | None = None
    """PEM file with the authorities to trust instead of the system's."""


def parse_base_url(url: str) -> tuple[Origin, str]:
    """Split a base URL into the origin and the path prefix, which has no slash at its end.

    Raises:
        ValueError: Not `http` or `https`, no host, a bad port, or something a base URL must not
            have: credentials, a query or a fragment. The message never repeats the URL, since it
            may hold a secret.
    """
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError("a base URL starts with http:// or https://")

    if parts.username is not None or parts.password is not None:
        raise ValueError("a base URL must not hold credentials; give the key on its own")

    if "?" in url or "#" in url:
        raise ValueError("a base URL ends with its path; no query or fragment")

    if any(character <= " " or character > "~" for character in parts.path):
        raise ValueError("the path of a base URL must be printable ASCII without spaces")

    scheme: Literal["http", "https"] = "https" if parts.scheme == "https" else "http"
    port = parts.port if parts.port is not None else _DEFAULT_PORTS[scheme]
    return Origin(scheme, ascii_host(parts.hostname), port), parts.path.rstrip("/")


def ascii_host(host: str | None) -> str:
    """Return a host as it is sent: ASCII, by IDNA where it is a name in another script.

    Raises:
        ValueError: There is none, or it is not a host. The message does not repeat it.
    """
    if not host or any(character in " %/\\\t" for character in host):
        raise ValueError("a URL needs a host name or address")

    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError("the host of a URL is not a valid name") from error
