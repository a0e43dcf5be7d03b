"""One request and its answer on one connection, from the first byte out to the last byte in.

Owns the limits after the connection stands (first byte, idle, total), backpressure, abort, and what
becomes of the connection. There is one waiter at most: the sender of the request until the head is
there, then the reader of the body. Does not know codings or how the body is handed out.
"""

import asyncio
from collections.abc import Callable, Mapping

from pointsman.core.clock import Clock
from pointsman.transport.answer import AnswerParser
from pointsman.transport.connection import Connection
from pointsman.transport.exchange import HttpRequest, Timings, TransportError
from pointsman.transport.settings import TransportSettings

_WRITE_BYTES = 131_072
"""Bodies up to this size leave in one write with the head; larger ones in pieces of it."""
_S = 1_000_000_000
_IMMEDIATE = frozenset({"aborted", "timeout"})
"""Failures after which what has already arrived is of no use."""


class InFlight:
    """An exchange under way."""

    __slots__ = (
        "_begun_ns",
        "_clock",
        "_connection",
        "_failure",
        "_first_byte_at_ns",
        "_is_sending",
        "_max_buffered_bytes",
        "_release",
        "_request",
        "_total_at_ns",
        "_waiter",
        "answer",
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
        self.answer = AnswerParser(settings, is_head_request=request.method == "HEAD")
        self.timings = timings
        self._begun_ns = 0
        self._clock = clock
        self._connection: Connection | None = connection
        self._failure: tuple[str, str, str | None] | None = None
        self._first_byte_at_ns = 0
        self._is_sending = True
        self._max_buffered_bytes = settings.max_buffered_bytes
        self._release = release
        self._request = request
        self._total_at_ns = total_at_ns
        self._waiter: asyncio.Future[None] | None = None

    @property
    def has_failed(self) -> bool:
        """Whether it ended before the answer was complete."""
        return self._failure is not None

    @property
    def has_failed_at_once(self) -> bool:
        """Whether it failed in a way that makes what has arrived worthless."""
        return self._failure is not None and self._failure[0] in _IMMEDIATE

    async def start(self, head: bytes) -> None:
        """Send the request and wait for the head of the final answer.

        Raises:
            TransportError: The connection has been aborted.
        """
        connection = self._connection
        if connection is None:
            raise self.error()

        connection.attach(self)
        self._request.abort.subscribe(self.on_abort)
        if not connection.is_usable:
            self.on_lost(None)
        try:
            await self._write(connection, head)
            while not self.answer.is_head_complete:
                await self._wait(self._first_byte_at_ns, "first_byte")
        finally:
            if not self.answer.is_head_complete:
                self.fail("aborted", "the sender was cancelled")

    async def wait_for_body(self, idle_at_ns: int | None) -> None:
        """Wait for anything to happen until `idle_at_ns`; None is the first token's limit.

        Raises:
            TransportError: The exchange is over.
        """
        if idle_at_ns is None:
            await self._wait(self._first_byte_at_ns, "first_byte")
        else:
            await self._wait(idle_at_ns, "idle")

    def idle_at_ns(self) -> int:
        """Return when the idle limit passes if it begins now, in monotonic nanoseconds."""
        return self._after_s(self._request.timeouts.idle_s)

    def resume(self) -> None:
        """Let the server send on: what had arrived has been taken."""
        if self._connection is not None:
            self._connection.resume()

    def fail(
        self, kind: str, message: str, phase: str | None = None, *, is_final: bool = False
    ) -> None:
        """Abort the connection and note why; without effect once the answer is complete.

        `is_final` is for failures that are found in a body after its last byte has come.
        """
        if self._failure is not None or (self.answer.is_complete and not is_final):
            return

        self._failure = (kind, message, phase)
        self.answer.stop()
        connection = self._detach()
        if connection is not None:
            connection.abort(by_reset=True)
        self._wake()

    def error(self) -> TransportError:
        """Return the failure to raise; a fresh one each time, so that no traceback is kept."""
        kind, message, phase = self._failure or ("aborted", "the exchange is over", None)
        error = TransportError(kind, message, phase=phase)
        error.timings = self.timings
        return error

    # Called by the connection and the abort signal.

    def on_bytes(self, piece: bytes) -> None:
        """Parse; then finish, hold the server back, or wake the waiter."""
        answer = self.answer
        if answer.is_head_complete:
            answer.feed(piece)
        else:
            self._take_head(piece)
        if answer.error is not None:
            self.fail("protocol", answer.error)
        elif answer.is_complete:
            self._finish()
        elif answer.buffered_bytes > self._max_buffered_bytes and self._connection is not None:
            self._connection.pause()
        self._wake()

    def on_lost(self, error: Exception | None) -> None:
        """The server is gone: the end of a body that ends so, else a failure."""
        answer = self.answer
        if error is None:
            answer.feed_end()
        if answer.is_complete:
            self._finish()
        elif error is not None:
            self.fail("reset", f"the connection broke: {error}")
        elif answer.is_head_complete:
            self.fail("truncated", "the server closed the connection before the body was complete")
        else:
            self.fail("reset", "the server closed the connection without a complete answer head")
        self._wake()

    def on_writable(self) -> None:
        """More of the body may be written."""
        self._wake()

    def on_deadline(self, phase: str) -> None:
        """A limit has passed."""
        self.fail("timeout", f"the {phase} limit has passed", phase)

    def on_abort(self) -> None:
        """The caller has gone, or the client closes."""
        self.fail("aborted", self._request.abort.reason or "the client was closed")

    # The parts of the above.

    async def _write(self, connection: Connection, head: bytes) -> None:
        body = self._request.body
        if len(body) <= _WRITE_BYTES:
            connection.write(head + body)
            self._is_sending = False
        else:
            connection.write(head)
            await self._write_in_pieces(connection, memoryview(body))
        self._first_byte_at_ns = self._after_s(self._request.timeouts.first_token_s)

    async def _write_in_pieces(self, connection: Connection, body: memoryview) -> None:
        for start in range(0, len(body), _WRITE_BYTES):
            stalled_at_ns = self._after_s(self._request.timeouts.first_token_s)
            while connection.is_write_paused and not self.answer.is_head_complete:
                await self._wait(stalled_at_ns, "first_byte")
            if self.answer.is_head_complete:
                # Answered early, as with 413: the rest is not wanted. `_is_sending` stays set, so
                # that the connection is not used again.
                return

            if self._connection is None:
                raise self.error()
            connection.write(body[start : start + _WRITE_BYTES])
        self._is_sending = False

    async def _wait(self, at_ns: int, phase: str) -> None:
        connection = self._connection
        if self._failure is not None or connection is None:
            raise self.error()

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
            self.fail("aborted", "the reader was cancelled")
            raise
        finally:
            self._waiter = None
            if self._connection is not None:
                self._connection.set_deadline(self._total_at_ns, "total")

    def _take_head(self, piece: bytes) -> None:
        answer = self.answer
        begun = answer.messages_begun
        now_ns = self._clock.monotonic_ns()
        answer.feed(piece)
        if answer.messages_begun != begun:
            self._begun_ns = now_ns
        if answer.is_head_complete:
            self.timings.first_byte_ns = self._begun_ns

    def _finish(self) -> None:
        connection = self._detach()
        if connection is None:
            return

        is_clean = self.answer.may_reuse and not self._is_sending and not connection.has_unsent
        if is_clean and connection.is_usable:
            self._release(connection, self.answer.headers)
        else:
            connection.abort()

    def _detach(self) -> Connection | None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.detach()
            self._request.abort.unsubscribe(self.on_abort)
        return connection

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _after_s(self, seconds: float) -> int:
        return self._clock.monotonic_ns() + round(seconds * _S)
