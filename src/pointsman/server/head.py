"""Reading the head of a request strictly: its bounds, its grammar and its framing.

Two readers that disagree about where a request ends are how requests are smuggled. So whatever
two readers could understand differently is refused here, on the raw bytes, before the parser sees
them: bare line feeds, folded lines, control characters, space before a colon, two lengths, a
length beside a transfer coding. Rules from RFC 9112 (HTTP/1.1). This module knows no socket.
"""

import re

from pointsman.server.rejections import HEADERS_TOO_LARGE, RequestRefusedError, malformed

CHUNKED = -1
"""The body length of a request whose body comes in chunks."""

_END = b"\r\n\r\n"
_CR = 0x0D
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_HEAD = re.compile(
    rb"[A-Z][A-Z-]{0,31}+ [\x21-\x7e]++ HTTP/1\.[01]\r\n"
    rb"(?:" + _TOKEN + rb":[\t\x20-\x7e\x80-\xff]*+\r\n)*+\r\n"
)
_MAX_LENGTH_DIGITS = 18
_HOST = re.compile(
    rb"[A-Za-z0-9._~%!$&'()*+,;=\-]+(?::[0-9]{0,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{0,5})?"
)
FRAMING_HEADERS = frozenset((b"host", b"content-length", b"transfer-encoding", b"expect"))
"""The headers that `read_framing` looks at."""


class HeadReader:
    """Collects bytes until a head is complete, never more than the bound and one read."""

    __slots__ = ("_held", "_max_bytes", "_max_lines", "_may_skip_line", "_searched")

    def __init__(self, max_bytes: int, max_headers: int) -> None:
        self._max_bytes = max_bytes
        self._max_lines = max_headers + 2  # the request line and the empty line
        self._held = bytearray()
        self._searched = 0
        self._may_skip_line = True

    @property
    def held_bytes(self) -> int:
        """How many bytes of an incomplete head are kept."""
        return len(self._held)

    def take(self, data: bytes) -> tuple[bytes, bytes] | None:
        """Add what arrived and return the head with what follows it.

        Returns:
            The head, checked, and the bytes after it; None while the head is incomplete.

        Raises:
            RequestRefusedError: It is too large (431) or no acceptable HTTP/1 (400).
        """
        if not self._held and data[0] != _CR:
            end = data.find(_END) + 4
            if end > 3:
                self._may_skip_line = True
                return self._checked(data[:end]), data[end:]
        return self._take_piece(data)

    def _take_piece(self, data: bytes) -> tuple[bytes, bytes] | None:
        held = self._held
        held += data
        # Some clients send an empty line after a body; RFC 9112 section 2.2 says to skip one.
        if self._may_skip_line and held.startswith(b"\r\n"):
            del held[:2]
            self._searched = 0
            self._may_skip_line = False
        end = held.find(_END, max(0, self._searched - 3)) + 4
        if end <= 3:
            self._check_piece()
            return None
        head, rest = bytes(held[:end]), bytes(held[end:])
        self.reset()
        return self._checked(head), rest

    def reset(self) -> None:
        """Forget what is held, for the next request."""
        if self._held:
            self._held = bytearray()
            self._searched = 0
        self._may_skip_line = True

    def _check_piece(self) -> None:
        """Refuse early what no further bytes can mend, rather than wait for the deadline."""
        held = self._held
        if len(held) > self._max_bytes:
            self.reset()
            raise RequestRefusedError(HEADERS_TOO_LARGE)
        if held and not 0x41 <= held[0] <= 0x5A and held != b"\r":
            raise malformed("it does not start with a method")
        start = self._searched
        if start and held[start - 1] == _CR:
            start -= 1
        if held.count(b"\n", start) != held.count(b"\r\n", start):
            raise malformed("a line does not end with CR LF")
        self._searched = len(held)

    def _checked(self, head: bytes) -> bytes:
        size = len(head)
        # A line has at least four bytes, so a small head needs no counting.
        if size > 4 * self._max_lines and (
            size > self._max_bytes or head.count(b"\r\n") > self._max_lines
        ):
            raise RequestRefusedError(HEADERS_TOO_LARGE)
        if _HEAD.fullmatch(head) is None:
            raise malformed("its head breaks the grammar of HTTP/1.1")
        return head


def read_framing(
    headers: list[tuple[bytes, bytes]], *, is_http_1_0: bool
) -> tuple[int, bytes, bool]:
    """Return where a request ends and whom it is for.

    Args:
        headers: Lower-case names and stripped values; of `FRAMING_HEADERS` all, others optional.
        is_http_1_0: The request's version is HTTP/1.0, where `Host` may be absent and there are
            neither transfer codings nor interim answers.

    Returns:
        Bytes of the body (0 when there is none, `CHUNKED` when it comes in chunks); the value of
        `Host` (empty when an HTTP/1.0 request has none); whether the client waits for
        `100 Continue` before it sends the body.

    Raises:
        RequestRefusedError: Two readers could disagree about the body, or about the host.
    """
    length: bytes | None = None
    coding: bytes | None = None
    host: bytes | None = None
    expectation = b""
    for name, value in headers:
        if name == b"host":
            host = _only(host, value, "Host")
        elif name == b"content-length":
            length = _only(length, value, "Content-Length")
        elif name == b"transfer-encoding":
            coding = _only(coding, value, "Transfer-Encoding")
        elif name == b"expect":
            expectation = value.lower()
    body_length = _body_length(length, coding, is_http_1_0)
    expects_continue = expectation == b"100-continue" and not is_http_1_0
    return body_length, _host(host, is_http_1_0), expects_continue


def _only(seen: bytes | None, value: bytes, name: str) -> bytes:
    if seen is not None:
        raise malformed(f"it has two {name} headers")
    return value


def _body_length(length: bytes | None, coding: bytes | None, is_http_1_0: bool) -> int:
    if coding is None:
        if length is None:
            return 0
        if not length.isdigit() or len(length) > _MAX_LENGTH_DIGITS:
            raise malformed("its Content-Length is not a number")
        return int(length)
    if length is not None:
        raise malformed("it has both Content-Length and Transfer-Encoding")
    if is_http_1_0 or coding.lower() != b"chunked":
        raise malformed("the only Transfer-Encoding accepted is chunked, in HTTP/1.1")
    return CHUNKED


def _host(host: bytes | None, is_http_1_0: bool) -> bytes:
    if host is None:
        if is_http_1_0:
            return b""
        raise malformed("it has no Host header")
    if _HOST.fullmatch(host) is None:
        raise malformed("its Host header is no host name or address")
    return host


def split_target(target: bytes, method: str, host: bytes) -> tuple[bytes, bytes]:
    """Return path and query of a request target.

    The absolute form is accepted only for the very host that `Host` names: whoever checks the
    header has then checked the target.

    Raises:
        RequestRefusedError: It is no target that a gateway serves.
    """
    if not target.startswith(b"/"):
        target = _path_of(target, method, host)
    path, _, query = target.partition(b"?")
    if b"#" in target:
        raise malformed("its target has a fragment")
    return path, query


def _path_of(target: bytes, method: str, host: bytes) -> bytes:
    if target == b"*" and method == "OPTIONS":
        return target
    scheme, separator, rest = target.partition(b"://")
    if not separator or scheme.lower() not in {b"http", b"https"}:
        raise malformed("its target is not a path")
    end = next((at for at, byte in enumerate(rest) if byte in b"/?"), len(rest))
    if rest[:end].lower() != host.lower() or not host:
        raise malformed("its target and its Host header name different hosts")
    return rest[end:] if rest[end : end + 1] == b"/" else b"/" + rest[end:]
