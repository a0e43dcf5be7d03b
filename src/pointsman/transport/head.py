"""The head of a request as bytes.

Owns which fields the client itself writes and which characters are refused. What is refused here
would otherwise let a value end its line and start a field or a request of its own.
"""

import re

from pointsman.transport.exchange import HttpRequest, TransportError
from pointsman.transport.settings import Origin

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PATH = re.compile(r"/[\x21-\x7e]*")
_BAD_IN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")
_OURS = frozenset(
    {"host", "content-length", "connection", "accept-encoding", "transfer-encoding", "expect"}
)
_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_MAX_REMEMBERED = 256
"""Paths and names kept; beyond it they are checked each time. Callers use a handful."""


class RequestEncoder:
    """Writes request heads for one origin, remembering what it has already checked."""

    __slots__ = ("_fixed", "_names", "_starts")

    def __init__(self, origin: Origin) -> None:
        self._fixed = f" HTTP/1.1\r\nHost: {origin.authority}\r\nAccept-Encoding: identity\r\n"
        self._starts: dict[tuple[str, str], str] = {}
        self._names: set[str] = set()

    def encode(self, request: HttpRequest) -> bytes:
        """Return the request line and the fields, with the empty line that ends them.

        Raises:
            TransportError: `protocol`, when a name, value, method or path cannot be sent as it is.
        """
        lines = [self._start(request.method, request.path)]
        for name, value in request.headers.items():
            if name not in self._names:
                self._check_name(name)
            if not (value.isascii() and value.isprintable()) and _BAD_IN_VALUE.search(value):
                raise TransportError("protocol", f"the value of header {name} cannot be sent")
            lines.append(f"{name}: {value}\r\n")
        if request.body or request.method in _METHODS_WITH_BODY:
            lines.append(f"Content-Length: {len(request.body)}\r\n")
        lines.append("\r\n")
        return "".join(lines).encode("latin-1")

    def _start(self, method: str, path: str) -> str:
        start = self._starts.get((method, path))
        if start is not None:
            return start

        if not _TOKEN.fullmatch(method) or method == "CONNECT":
            raise TransportError("protocol", "the request method cannot be sent")

        if not _PATH.fullmatch(path):
            raise TransportError("protocol", "the request path cannot be sent")

        start = f"{method} {path}{self._fixed}"
        if len(self._starts) < _MAX_REMEMBERED:
            self._starts[method, path] = start
        return start

    def _check_name(self, name: str) -> None:
        if not _TOKEN.fullmatch(name):
            raise TransportError("protocol", "a header name cannot be sent")

        if name.lower() in _OURS:
            raise TransportError("protocol", f"header {name} is set by the client itself")

        if len(self._names) < _MAX_REMEMBERED:
            self._names.add(name)
