"""One exchange on one connection: the request going out, the answer coming in, its reader.

Owns the limits after the connection stands (first byte, idle, total), backpressure and abort. There
is one waiter at most: the request's sender until the head is there, then the body's reader.
"""

import asyncio
from collections.abc import Callable, Mapping

from pointsman.core.clock import Clock
from pointsman.transport.answer import AnswerParser
from pointsman.transport.connection import Connection
from pointsman.transport.decoding import BodyDecoder
from pointsman.transport.exchange import HttpRequest, Timings, TransportError
from pointsman.transport.settings import TransportSettings

_WRITE_BYTES = 131_072
"""Bodies up to this size leave in one write with the head; larger ones in pieces of it."""
_DECODED_BYTES = 65_536
"""Decoded bytes handed out at once."""
_S = 1_000_000_000
_IMMEDIATE = frozenset({"aborted", "timeout"})
"""Failures after which what has already arrived is of no use."""


class Response:
    """An answer under way; see `HttpResponse` for what readers may rely on."""

    __slots__ = (
        "_answer",
        "_begun_ns",
        "_clock",
        "_connection",
        "_decoder",
        "_failure",
        "_first_byte_at_ns",
        "_has_body_begun",
        "_is_sending",
        "_max_buffered_bytes",
        "_release",
        "_request",
        "_total_at_ns",
        "_waiter",
        "headers",
        "status",
        "timings",
    )

    def __init__(
        self,
        connection: Connection,
        request: HttpRequest,
        timings: Timings,
        *,
        total_at_ns: int,
        settings: TransportSettings,
        clock: Clock,
        release: Callable[[Connection, Mapping[str, str]], None],
    ) -> None:
        self._answer = AnswerParser(settings, is_head_request=request.method == "HEAD")
        self._begun_ns = 0
        self._clock = clock
        self._connection: Connection | None = connection
        self._decoder: BodyDecoder | None = None
        self._failure: tuple[str, str, str | None] | None = None
        self._first_byte_at_ns = 0
        self._has_body_begun = False
        self._is_sending = True
        self._max_buffered_bytes = settings.max_buffered_bytes
        self._release = release
        self._request = request
        self._total_at_ns = total_at_ns
        self._waiter: asyncio.Future[None] | None = None
        self.status = 0
        self.headers: Mapping[str, str] = self._answer.headers
        self.timings = timings

    @property
    def is_unanswered(self) -> bool:
        """Whether no byte came back at all."""
        return not self._answer.has_begun

    async def start(self, head: bytes) -> None:
        """Send the request and wait for the head of the final answer.

        Raises:
            TransportError: The connection has been aborted.
        """
        connection = self._connection
        if connection is None:
            return

        connection.attach(self)
        self._request.abort.subscribe(self.on_abort)
        if not connection.is_usable:
            self.on_lost(None)
        try:
            await self._write(connection, head)
            while not self._answer.is_head_complete:
                await self._wait(self._first_byte_at_ns, "first_byte")
        finally:
            if not self._answer.is_head_complete:
                self._fail("aborted", "the sender was cancelled")

    async def read(self, max_bytes: int) -> bytes:
        """Return the whole body, decoded.

        Raises:
            TransportError: Also when it is longer than `max_bytes` (`protocol`).
        """
        pieces: list[bytes] = []
        size = 0
        while piece := await self.read_some():
            size += len(piece)
            if size > max_bytes:
                self._fail("protocol", f"the body is over {max_bytes} bytes", is_final=True)
                raise self._error()
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def read_some(self) -> bytes:
        """Return what has arrived, waiting for at least one byte; `b""` at the end of the body.

        Raises:
            TransportError: What arrived before a reset or an early end is returned first.
        """
        idle_at_ns = 0
        while True:
            if self._failure is not None and self._failure[0] in _IMMEDIATE:
                raise self._error()

            piece = self._take()
            if piece:
                self._has_body_begun = True
                return piece

            if self._failure is not None:
                raise self._error()

            if self._answer.is_complete:
                return b""

            if self._has_body_begun:
                # One limit for one wait: chunk framing without content does not move it.
                idle_at_ns = idle_at_ns or self._after_s(self._request.timeouts.idle_s)
                await self._wait(idle_at_ns, "idle")
            else:
                await self._wait(self._first_byte_at_ns, "first_byte")

    def close(self) -> None:
        """Give the connection back if the body is complete, else abort it at once."""
        self._fail("aborted", "the answer was closed before its end")

    # Called by the connection and the abort signal.

    def on_bytes(self, piece: bytes) -> None:
        """Parse; then finish, hold the server back, or wake the waiter."""
        answer = self._answer
        if answer.is_head_complete:
            answer.feed(piece)
        else:
            self._take_head(piece)
        if answer.error is not None:
            self._fail("protocol", answer.error)
        elif answer.is_complete:
            self._finish()
        elif answer.buffered_bytes > self._max_buffered_bytes and self._connection is not None:
            self._connection.pause()
        self._wake()

    def on_lost(self, error: Exception | None) -> None:
        """The server is gone: the end of a body that ends so, else a failure."""
        answer = self._answer
        if error is None:
            answer.feed_end()
        if answer.is_complete:
            self._finish()
        elif error is not None:
            self._fail("reset", f"the connection broke: {error}")
        elif answer.is_head_complete:
            self._fail("truncated", "the server closed the connection before the body was complete")
        else:
            self._fail("reset", "the server closed the connection without a complete answer head")
        self._wake()

    def on_writable(self) -> None:
        """More of the body may be written."""
        self._wake()

    def on_deadline(self, phase: str) -> None:
        """A limit has passed."""
        self._fail("timeout", f"the {phase} limit has passed", phase)

    def on_abort(self) -> None:
        """The caller has gone, or the client closes."""
        self._fail("aborted", self._request.abort.reason or "the client was closed")

    # The parts of the above.

    async def _write(self, connection: Connection, head: bytes) -> None:
        body = self._request.body
        limit_s = self._request.timeouts.first_token_s
        if len(body) <= _WRITE_BYTES:
            connection.write(head + body)
        else:
            connection.write(head)
            view = memoryview(body)
            for start in range(0, len(view), _WRITE_BYTES):
                stalled_at_ns = self._after_s(limit_s)
                while connection.is_write_paused and not self._answer.is_head_complete:
                    await self._wait(stalled_at_ns, "first_byte")
                if self._answer.is_head_complete:
                    # Answered early, as with 413: the rest is not wanted. `_is_sending` stays, so
                    # the connection is not used again.
                    self._first_byte_at_ns = stalled_at_ns
                    return

                if self._connection is None:
                    raise self._error()
                connection.write(view[start : start + _WRITE_BYTES])
        self._is_sending = False
        self._first_byte_at_ns = self._after_s(limit_s)

    async def _wait(self, at_ns: int, phase: str) -> None:
        connection = self._connection
        if self._failure is not None or connection is None:
            raise self._error()

        if self._waiter is not None:
            raise RuntimeError("an answer has one reader at a time")

        if at_ns < self._total_at_ns:
            connection.set_deadline(at_ns, phase)
        else:
            connection.set_deadline(self._total_at_ns, "total")
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        except asyncio.CancelledError:
            self._fail("aborted", "the reader was cancelled")
            raise
        finally:
            self._waiter = None
            if self._connection is not None:
                self._connection.set_deadline(self._total_at_ns, "total")

    def _take_head(self, piece: bytes) -> None:
        answer = self._answer
        begun = answer.messages_begun
        now_ns = self._clock.monotonic_ns()
        answer.feed(piece)
        if answer.messages_begun != begun:
            self._begun_ns = now_ns
        if answer.is_head_complete:
            self.timings.first_byte_ns = self._begun_ns
            self.status = answer.status
            self.headers = answer.headers
            if answer.coding is not None:
                self._decoder = BodyDecoder(answer.coding)

    def _take(self) -> bytes:
        decoder = self._decoder
        piece = self._answer.take() if decoder is None else self._take_decoded(decoder)
        if self._connection is not None:
            self._connection.resume()
        return piece

    def _take_decoded(self, decoder: BodyDecoder) -> bytes:
        try:
            piece = decoder.take(_DECODED_BYTES)
            if not piece and self._answer.buffered_bytes:
                decoder.feed(self._answer.take())
                piece = decoder.take(_DECODED_BYTES)
        except ValueError as error:
            self._fail("protocol", str(error), is_final=True)
            raise self._error() from error
        if not piece and self._answer.is_complete and not decoder.is_whole():
            self._fail("truncated", "the compressed body ended too early", is_final=True)
        return piece

    def _finish(self) -> None:
        connection = self._detach()
        if connection is None:
            return

        is_clean = self._answer.may_reuse and not self._is_sending and not connection.has_unsent
        if is_clean and connection.is_usable:
            self._release(connection, self.headers)
        else:
            connection.abort()

    def _fail(
        self, kind: str, message: str, phase: str | None = None, *, is_final: bool = False
    ) -> None:
        """Abort the connection and note why; without effect once the answer is complete.

        `is_final` is for failures that are found in a body after its last byte has come.
        """
        if self._failure is not None or (self._answer.is_complete and not is_final):
            return

        self._failure = (kind, message, phase)
        self._answer.stop()
        connection = self._detach()
        if connection is not None:
            connection.abort(by_reset=True)
        self._wake()

    def _detach(self) -> Connection | None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.detach()
            self._request.abort.unsubscribe(self.on_abort)
        return connection

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _error(self) -> TransportError:
        kind, message, phase = self._failure or ("aborted", "the exchange is over", None)
        error = TransportError(kind, message, phase=phase)
        error.timings = self.timings
        return error

    def _after_s(self, seconds: float) -> int:
        return self._clock.monotonic_ns() + round(seconds * _S)
