"""Keeping web pages away from a gateway that asks for no key.

Loopback is not a boundary: any page in a local browser can send requests to it, and with DNS
rebinding under a name of its own choosing, and would spend the user's provider keys. So without
keys a request must name a loopback or allow-listed host, must not come from a foreign origin, and
JSON routes take only `application/json`, which a page cannot send without asking first
(https://fetch.spec.whatwg.org/#cors-preflight-fetch). Pure: knows headers, neither sockets nor
routes.
"""

import re
from collections.abc import Collection, Mapping

from pointsman.core.errors import InvalidRequestError, PermissionDeniedError

_LOOPBACK = re.compile(r"localhost|127(?:\.[0-9]{1,3}){3}|::1")
_PREFLIGHT_MAX_AGE_S = 600


class UnsupportedMediaTypeError(InvalidRequestError):
    """The body is not declared as `application/json`."""

    code = "unsupported_media_type"
    http_status = 415


class Guard:
    """Decides which requests a browser may have sent.

    Args:
        allowed_origins: Web origins (`http://localhost:5173`) that may call, with or without keys.
        allowed_hosts: Values of `Host` besides loopback ones, without a port.
    """

    __slots__ = ("_hosts", "_origins")

    def __init__(self, allowed_origins: Collection[str], allowed_hosts: Collection[str]) -> None:
        self._origins = frozenset(origin.rstrip("/").lower().encode() for origin in allowed_origins)
        self._hosts = frozenset(host.lower() for host in allowed_hosts)

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Refuse what a web page may have sent to a gateway that asks for no key.

        Where callers need a key a page does not have it, so there this is not asked.

        Args:
            headers: Lower-case names; of a repeated header any one value.

        Raises:
            PermissionDeniedError: Without keys, the origin is foreign or the host not ours.
        """
        origin = headers.get(b"origin")
        if origin is not None and origin.lower() not in self._origins:
            raise PermissionDeniedError(
                "This gateway asks for no key, so web pages may call it only from an origin in "
                "server.allowed_origins.",
                code="origin_not_allowed",
            )
        if origin is None and headers.get(b"sec-fetch-site") == b"cross-site":
            raise PermissionDeniedError(
                "This gateway asks for no key, so pages of other sites may not call it.",
                code="origin_not_allowed",
            )
        if not self.allows_host(headers.get(b"host", b"")):
            raise PermissionDeniedError(
                "This gateway asks for no key, so the Host header must be a loopback name or be "
                "in server.allowed_hosts.",
                code="host_not_allowed",
            )

    def allows_host(self, host: bytes) -> bool:
        """Tell whether a `Host` value, with or without port, is loopback or allow-listed."""
        name = _without_port(host.decode("latin-1").lower())
        return _LOOPBACK.fullmatch(name) is not None or name in self._hosts

    def preflight_headers(self, headers: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        """Return the headers of the answer (204) to a preflight `OPTIONS` request.

        Raises:
            PermissionDeniedError: The origin is absent or not allow-listed, with or without keys.
                Or, without keys, the host is not ours.
        """
        origin = headers.get(b"origin", b"")
        if origin.lower() not in self._origins:
            raise PermissionDeniedError(
                "Web pages may call this gateway only from an origin in server.allowed_origins.",
                code="origin_not_allowed",
            )
        self.check(headers)
        asked = headers.get(b"access-control-request-headers", b"content-type")
        return [
            *self.answer_headers(origin),
            (b"access-control-allow-methods", b"GET, POST"),
            (b"access-control-allow-headers", asked),
            (b"access-control-max-age", b"%d" % _PREFLIGHT_MAX_AGE_S),
        ]

    def answer_headers(self, origin: bytes | None) -> list[tuple[bytes, bytes]]:
        """Return the headers that let a page of an allow-listed origin read an answer."""
        if origin is None or origin.lower() not in self._origins:
            return []
        return [(b"access-control-allow-origin", origin), (b"vary", b"origin")]


def require_json(headers: Mapping[bytes, bytes]) -> None:
    """Refuse a body that is not declared as JSON.

    Raises:
        UnsupportedMediaTypeError: `Content-Type` is not `application/json` (parameters allowed).
    """
    media_type = headers.get(b"content-type", b"")
    if media_type == b"application/json":
        return
    if media_type.partition(b";")[0].strip().lower() != b"application/json":
        raise UnsupportedMediaTypeError("Send the body as Content-Type: application/json.")


def _without_port(host: str) -> str:
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        return name if bracket and (not port or port.startswith(":")) else ""
    return host.partition(":")[0]
