"""Taking the chunked transfer coding off a request body.

Strict where two readers could disagree (sizes, line ends) and bounded where the sender decides how
much there is (extensions, trailers). Extensions and trailers are checked and dropped: a trailer
must never pass for a header. Tiny chunks cost more to read than they carry, so what their framing
takes beyond their content counts as well. Rules from RFC 9112 section 7.1. This module knows no
socket.
"""

import re
from enum import Enum

from pointsman.server.rejections import BODY_TOO_LARGE, RequestRefusedError, malformed

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*+;[\t\x20-\x7e\x80-\xff]*+)?")
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[\t\x20-\x7e\x80-\xff]*+")
_MAX_LINE_BYTES = 4096
_LINE_ENDS = 4  # one after the size and one after the chunk


class _At(Enum):
    SIZE = 0
    CHUNK = 1
    CHUNK_END = 2
    TRAILERS = 3
    DONE = 4


class ChunkDecoder:
    """Decodes one body, however its bytes are cut.

    Args:
        max_body_bytes: More content than this is refused with 413.
        max_extra_bytes: More than this of trailers, and of framing beyond the content that it
            frames (extensions, chunks of a few bytes), is refused with 400.
    """

    __slots__ = ("_at", "_body_left", "_chunk_left", "_extra_left", "_line")

    def __init__(self, max_body_bytes: int, max_extra_bytes: int) -> None:
        self._body_left = max_body_bytes
        self._extra_left = max_extra_bytes
        self._chunk_left = 0
        self._line = b""
        self._at = _At.SIZE

    @property
    def is_done(self) -> bool:
        """Whether the last chunk and the trailers have been read."""
        return self._at is _At.DONE

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Return the content in `data`, and what follows the body once it is done.

        Raises:
            RequestRefusedError: A bound or a rule of the coding is broken.
        """
        pieces: list[bytes] = []
        at, size = 0, len(data)
        while at < size and self._at is not _At.DONE:
            if self._at is _At.CHUNK:
                piece = data[at : at + self._chunk_left]
                pieces.append(piece)
                at += len(piece)
                self._chunk_left -= len(piece)
                if self._chunk_left == 0:
                    self._at = _At.CHUNK_END
            else:
                at = self._read_line(data, at)
        return b"".join(pieces), data[at:]

    def _read_line(self, data: bytes, at: int) -> int:
        """Act on the line that starts or goes on at `at`; return where the next begins."""
        end = data.find(b"\n", at)
        stop = len(data) if end < 0 else end + 1
        if len(self._line) + stop - at > _MAX_LINE_BYTES:
            raise malformed("a line of its chunked body is too long")
        line = self._line + data[at:stop]
        if end < 0:
            self._line = line
            return stop
        self._line = b""
        if not line.endswith(b"\r\n"):
            raise malformed("a line of its chunked body does not end with CR LF")
        self._take_line(line[:-2])
        return stop

    def _take_line(self, line: bytes) -> None:
        if self._at is _At.SIZE:
            self._take_size(line)
        elif self._at is _At.CHUNK_END:
            if line:
                raise malformed("a chunk is longer than its size")
            self._at = _At.SIZE
        elif not line:
            self._at = _At.DONE
        else:
            self._spend_extra(len(line))
            if _TRAILER.fullmatch(line) is None:
                raise malformed("a trailer breaks the grammar of HTTP/1.1")

    def _take_size(self, line: bytes) -> None:
        match = _SIZE.fullmatch(line)
        if match is None:
            raise malformed("a chunk size is not a hexadecimal number")
        size = int(match[1], 16)
        overhead = len(line) + _LINE_ENDS - size
        if overhead > 0:
            self._spend_extra(overhead)
        if size > self._body_left:
            raise RequestRefusedError(BODY_TOO_LARGE)
        self._body_left -= size
        self._chunk_left = size
        self._at = _At.CHUNK if size else _At.TRAILERS

    def _spend_extra(self, size: int) -> None:
        self._extra_left -= size
        if self._extra_left < 0:
            raise malformed("its chunked body carries too much besides its content")
