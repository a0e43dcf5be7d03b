"""One answer, from bytes to head and body pieces, bounded in every part.

Owns framing. llhttp finds the parts; it bounds nothing, has no end-of-file call, hands over
informational answers as whole messages and trailers as header fields, and wraps what its callbacks
raise. So the callbacks only set state, bytes are counted and the end of the body is decided here.

Does not know sockets, time or who reads.
"""

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from pointsman.transport.decoding import SUPPORTED
from pointsman.transport.settings import TransportSettings

_MAX_INFORMATIONAL = 8
_MAX_FIELDS = 256
"""Names in one head. Common servers stop at 100."""
_BYTES_PER_CHUNK = 24
"""What the framing of one chunk may cost (16 hex digits, two line ends) before its bytes count as
extensions."""
_FIRST_BYTE = b"H"[0]
"""llhttp also takes `RTSP/1.0`, `ICE/1.0` and empty lines before the answer; we do not."""


class AnswerParser:
    """Takes the bytes of one answer in any pieces."""

    __slots__ = (
        "_fields",
        "_frame_bytes",
        "_frame_bytes_allowed",
        "_head_bytes",
        "_informational",
        "_is_chunked",
        "_is_head_request",
        "_parser",
        "_settings",
        "body",
        "buffered_bytes",
        "coding",
        "ends_at_close",
        "error",
        "headers",
        "is_complete",
        "is_head_complete",
        "may_reuse",
        "messages_begun",
        "status",
    )

    def __init__(self, settings: TransportSettings, *, is_head_request: bool) -> None:
        self._settings = settings
        self._is_head_request = is_head_request
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._head_bytes = 0
        self._frame_bytes = 0
        self._frame_bytes_allowed = settings.max_trailer_bytes
        self._informational = 0
        self._fields = 0
        self._is_chunked = False
        self.status = 0
        self.headers: dict[str, str] = {}
        self.coding: str | None = None
        """`gzip`, `x-gzip` or `deflate`; None when the body is as it is."""
        self.body: list[bytes] = []
        """Pieces that have arrived and were not taken."""
        self.buffered_bytes = 0
        self.messages_begun = 0
        """Heads begun, informational ones included."""
        self.is_head_complete = False
        self.is_complete = False
        self.ends_at_close = False
        """Whether only the end of the connection ends the body."""
        self.may_reuse = False
        """After `is_complete`: whether the connection may carry another request."""
        self.error: str | None = None
        """Why this is not an HTTP answer, or which bound it exceeds."""

    @property
    def has_begun(self) -> bool:
        """Whether any byte has arrived."""
        return self._head_bytes > 0

    def feed(self, piece: bytes) -> None:
        """Take the next bytes; then look at the public fields."""
        if self.is_complete:
            self.may_reuse = False
            return

        if self.error is not None:
            return

        if self.is_head_complete:
            self._feed_body(piece)
        else:
            self._feed_head(piece)
        if self.is_complete or self.error is not None:
            self.stop()

    def feed_end(self) -> None:
        """Take the end of the connection; completes a body that ends with it."""
        if self.ends_at_close and self.error is None:
            self.is_complete = True
            self.stop()

    def stop(self) -> None:
        """Parse no more. The parser holds our bound methods: kept, it is a reference cycle."""
        self._parser = None

    def take(self) -> bytes:
        """Return the body bytes that have arrived, as sent; `b""` when there are none."""
        pieces = self.body
        if not pieces:
            return b""

        self.body = []
        self.buffered_bytes = 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _feed_head(self, piece: bytes) -> None:
        if self._head_bytes == 0 and piece[0] != _FIRST_BYTE:
            self.error = "the answer is not HTTP"
            return

        room = self._settings.max_head_bytes - self._head_bytes
        within, beyond = piece[:room], piece[room:]
        self._head_bytes += len(within)
        self._parse(within)
        if not beyond or self.error is not None:
            return

        if self.is_complete:
            self.may_reuse = False
        elif self.is_head_complete:
            self._feed_body(beyond)
        else:
            self.error = f"the answer's head is over {self._settings.max_head_bytes} bytes"

    def _feed_body(self, piece: bytes) -> None:
        before = self.buffered_bytes
        self._parse(piece)
        if self._is_chunked and self.error is None:
            # The piece that ended the head is not counted; it is bounded by the head's bound.
            self._frame_bytes += len(piece) - (self.buffered_bytes - before)
            if self._frame_bytes > self._frame_bytes_allowed:
                self.error = "the answer's chunk extensions and trailers are too long"

    def _parse(self, piece: bytes) -> None:
        parser = self._parser
        if parser is None:
            return

        try:
            parser.feed_data(piece)
        except HttpParserUpgrade:
            self.error = self.error or "the server switched protocols without being asked to"
        except HttpParserError as error:
            if self.is_complete:
                self.may_reuse = False
            elif self.error is None:
                self.error = f"the answer is not valid HTTP: {error}"

    # Callbacks of the parser, in the order in which it calls them.

    def on_message_begin(self) -> None:
        """A head begins; after the end of the answer that is a byte too many."""
        if self.is_complete:
            self.may_reuse = False
        else:
            self.messages_begun += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or a trailer, which is dropped."""
        if self.is_head_complete:
            return

        self._fields += 1
        if self._fields > _MAX_FIELDS:
            self.error = f"the answer's head has over {_MAX_FIELDS} fields"
            return

        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        known = self.headers.get(key)
        self.headers[key] = text if known is None else f"{known}, {text}"

    def on_headers_complete(self) -> None:
        """The end of a head: decide how the body ends."""
        parser = self._parser
        if parser is None or self.error is not None or self.is_complete:
            return

        status = parser.get_status_code()
        if 100 <= status < 200:
            return

        if status < 100 or status > 999 or parser.get_http_version() not in ("1.1", "1.0"):
            self.error = "the answer's status line is not HTTP/1.1"
            return

        self.status = status
        self._frame()
        if self.error is None:
            self.is_head_complete = True
            if self._is_head_request:
                self._complete(parser)

    def on_chunk_header(self) -> None:
        """The size line of a chunk, extensions included, has ended."""
        self._frame_bytes_allowed += _BYTES_PER_CHUNK

    def on_body(self, piece: bytes) -> None:
        """Bytes of the body, without chunk framing."""
        if self.is_complete:
            self.may_reuse = False  # a body after the answer to HEAD
        elif self.error is None:
            self.body.append(piece)
            self.buffered_bytes += len(piece)

    def on_message_complete(self) -> None:
        """The end of a body that has a length, or of an informational answer."""
        parser = self._parser
        if parser is None or self.error is not None or self.is_complete:
            return

        if self.is_head_complete:
            self._complete(parser)
            return

        self._informational += 1
        self.headers = {}
        if self._informational > _MAX_INFORMATIONAL:
            self.error = f"the server sent over {_MAX_INFORMATIONAL} informational answers"

    def _complete(self, parser: HttpResponseParser) -> None:
        self.is_complete = True
        self.ends_at_close = False
        # Chunks in HTTP/1.0 are faulty framing (RFC 9112 §6.1): take the answer, then close.
        is_faulty = self._is_chunked and parser.get_http_version() == "1.0"
        self.may_reuse = parser.should_keep_alive() and not is_faulty

    def _frame(self) -> None:
        headers = self.headers
        if self._is_head_request or self.status in (204, 304):
            return

        transfer = headers.get("transfer-encoding")
        if transfer is not None:
            self._is_chunked = True
            if transfer.lower() != "chunked":
                self.error = "the answer has a transfer coding that was not asked for"
        elif "content-length" not in headers:
            self.ends_at_close = True
        coding = headers.get("content-encoding", "identity").lower()
        if coding in SUPPORTED:
            self.coding = coding
        elif coding not in ("identity", ""):
            self.error = "the answer has a content coding that was not asked for"
