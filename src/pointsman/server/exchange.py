"""One request and its answer on a connection, as the application sees them through ASGI.

Takes the place of uvicorn's cycle. What differs: answers to
HTTP/1.0 are never chunked, header injection is checked once per head, failures of the application
are answered in our own error object, and what is sent after the client has left is dropped.
"""

import logging
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from pointsman.core.abort import AbortSignal
from pointsman.server.rejections import INTERNAL_ERROR, error_body, error_headers

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application, ASGIReceiveEvent, ASGISendEvent

CONNECTION_EXTENSION = "pointsman.connection"
"""Key in `scope["extensions"]` of the request's `ClientConnection`."""

_logger = logging.getLogger("pointsman.server")
_HEADER_LINES = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9a-z]++: [\t\x20-\x7e\x80-\xff]*+\r\n)*+")
_WITHOUT_BODY = frozenset((204, 304))


def _nothing() -> None:
    """Stand in for a callback that is no longer wanted."""


class ClientConnection(Struct, frozen=True):
    """What a handler needs to know about the connection that a request came on."""

    abort: AbortSignal
    """Aborted, synchronously, when the answer is no longer wanted or can no longer be given:
    `client_left`, `client_stalled`, `request_refused` or `shutdown`."""
    request_id: str
    """The id that answers, errors and the record of this request share."""
    received_ns: int
    """Monotonic time of the request's first byte."""


class Exchange(RequestResponseCycle):
    """A request under way."""

    connection: ClientConnection
    is_http_1_0: bool = False
    header_prefix: str = ""
    _unsent_head: bytes = b""
    """The head of an answer of known length, which goes out with the first of its body."""

    # ASGI: the task of the application
    async def run_asgi(self, app: "ASGI3Application") -> None:
        """Run the application to its end; answer 500 or cut the answer when it fails."""
        try:
            await app(self.scope, self.receive, self.send)
        except Exception:
            _logger.exception("Request %s failed", self.connection.request_id)
            await self._fail()
        else:
            if not self.response_complete and not self.disconnected:
                _logger.error("Request %s was left without an answer", self.connection.request_id)
                await self._fail()
        finally:
            # The bound method keeps the connection alive through a reference cycle.
            self.on_response = _nothing

    async def _fail(self) -> None:
        if self.disconnected or self.response_complete:
            return
        if self._unsent_head:
            self._unsent_head = b""
            self.response_started = False
        if not self.response_started:
            await self.send_500_response()
            return

        # Closing short of the framing tells the client that the answer is cut.
        self.keep_alive = False
        self.response_complete = True
        self.on_response()

    async def send_500_response(self) -> None:
        """Answer that the application failed, without saying how."""
        body = error_body(INTERNAL_ERROR)
        headers = error_headers(
            INTERNAL_ERROR, self.connection.request_id, self.header_prefix, len(body)
        )
        await self.send({"type": "http.response.start", "status": 500, "headers": headers})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    # ASGI: the send callable
    async def send(self, message: "ASGISendEvent") -> None:
        """Write a piece of the answer; wait first while the client is behind."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.transport.is_closing() and not self.response_complete:
            # A failed write is known before the loop gets round to telling the protocol.
            self.give_up("client_left")
        if self.disconnected:
            return

        if self.response_started and message["type"] == "http.response.body":
            self._send_body(message.get("body", b""), message.get("more_body", False))
        elif not self.response_started and message["type"] == "http.response.start":
            self._send_head(message["status"], message.get("headers", ()))
        else:
            raise RuntimeError(f"{message['type']} is out of order in this answer")

    def _send_head(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        lines = []
        for name, value in (*self.default_headers, *headers):
            lower = name.lower()
            if lower == b"content-length":
                self.expected_content_length = int(value)
                self.chunked_encoding = False
            elif lower == b"connection":
                self.keep_alive = self.keep_alive and b"close" not in value.lower()
                continue
            elif lower == b"transfer-encoding":
                continue  # the framing of the answer is this class's business
            lines.append(b"%b: %b\r\n" % (lower, value))
        self._add_framing(lines, status)

        block = b"".join(lines)
        if _HEADER_LINES.fullmatch(block) is None or block.count(b"\r\n") != len(lines):
            raise RuntimeError("a header of the answer holds characters that headers may not hold")
        self.response_started = True
        head = b"%b%b\r\n" % (STATUS_LINE[status], block)
        if self.chunked_encoding is False:
            self._unsent_head = head
        else:
            self.transport.write(head)

    def _add_framing(self, lines: list[bytes], status: int) -> None:
        if self.waiting_for_100_continue:
            # Whether the client still sends its body is unknown, so where the next request
            # begins is unknown too.
            self.waiting_for_100_continue = False
            self.keep_alive = False
        has_body = self.scope["method"] != "HEAD" and status not in _WITHOUT_BODY
        if has_body and self.chunked_encoding is None:
            if self.is_http_1_0:
                self.keep_alive = False
            else:
                self.chunked_encoding = True
                lines.append(b"transfer-encoding: chunked\r\n")
        if not has_body:
            self.expected_content_length = 0
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")

    def _send_body(self, body: bytes, more_body: bool) -> None:
        if self.response_complete:
            raise RuntimeError("the answer is already complete")
        if self.scope["method"] == "HEAD":
            self.transport.write(self._unsent_head)
            self._unsent_head = b""
        elif self.chunked_encoding:
            self._write_chunk(body, more_body)
        elif self.chunked_encoding is None:
            self.transport.write(body)
        else:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0:
                raise RuntimeError("the answer is longer than its content-length")
            self.transport.write(self._unsent_head + body)
            self._unsent_head = b""

        if not more_body:
            if self.expected_content_length > 0:
                raise RuntimeError("the answer is shorter than its content-length")
            self.response_complete = True
            self.message_event.set()
            self.on_response()

    def _write_chunk(self, body: bytes, more_body: bool) -> None:
        end = b"" if more_body else b"0\r\n\r\n"
        if body:
            self.transport.write(b"%x\r\n%b\r\n%b" % (len(body), body, end))
        elif end:
            self.transport.write(end)

    # ASGI: the receive callable
    async def receive(self) -> "ASGIReceiveEvent":
        """Wait for a piece of the body, or for the client to leave once it is complete."""
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        if not self.disconnected and not self.response_complete:
            if self.more_body:  # else what arrives is the next request, which is held back
                self.flow.resume_reading()
            await self.message_event.wait()
            self.message_event.clear()
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        body = bytes(self.body)
        self.body.clear()
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    # Events of the connection
    def add_body(self, body: bytes) -> None:
        """Keep a piece of the body for the application to receive."""
        self.body += body
        self.waiting_for_100_continue = False
        self.message_event.set()

    def end_body(self) -> None:
        """Note that the body is complete."""
        self.more_body = False
        self.waiting_for_100_continue = False
        self.message_event.set()

    def give_up(self, reason: str) -> None:
        """Drop what is sent from now on and tell the application that nobody waits for it."""
        if self.response_complete or self.disconnected:
            return
        self.disconnected = True
        self.message_event.set()
        self.connection.abort.abort(reason)
