"""A streamed answer: pieces of a body to chunks or events, and the truth about its end.

    end, the reader having seen its end        complete
    end without that                           TRUNCATED
    a payload that cannot be read              PROTOCOL; one cut by the end counts as not sent
    an error in place of a payload             the class of that error
    limits, resets, the client leaving         as the transport tells

What arrived before a failure is handed on first, unless there is no token in it yet: then nothing
is lost by the failure, and another target may still answer. What a payload means is the business
of the family's reader; how payloads stand in the bytes that of its decoder.
"""

import asyncio
from typing import Generic, Protocol, TypeVar

from pointsman.core.clock import Clock
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.provider import ProviderRequest
from pointsman.providers.failure import from_transport
from pointsman.providers.judge import Judge
from pointsman.transport.exchange import HttpResponse, TransportError
from pointsman.wire.malformed import MALFORMED
from pointsman.wire.sse import EventTooLargeError

DRAIN_S = 0.05
"""How long the end of the body is awaited behind the end of the answer, so that its connection
serves again. It mostly comes with it or right behind; a server that keeps the stream open loses
the connection."""

Item = TypeVar("Item")


class PayloadDecoder(Protocol):
    """Turns pieces of a body into payloads: `wire.sse.EventDecoder`, or one for lines."""

    def feed(self, data: bytes, /) -> list[bytes]:
        """Return the payloads that `data` completes. Raises `EventTooLargeError`."""
        ...

    def close(self) -> list[bytes]:
        """Return what the end of the body left without its own end."""
        ...


class PayloadReader(Protocol[Item]):
    """Reads the payloads of one stream in their order."""

    is_done: bool
    """The end has been said; nothing after it counts. Ends the stream when it is complete."""
    has_token: bool
    """Something of the answer's content has come."""

    @property
    def is_complete(self) -> bool:
        """Whether all that belongs to a whole answer has come."""
        ...

    def read(self, payloads: list[bytes], into: list[Item], *, is_last: bool) -> None:
        """Read payloads until the end is said, and put what they say into `into`.

        Args:
            payloads: As they came.
            into: Gets the chunks or events, also those before an error.
            is_last: The end of the body cut these off, so they need not be whole.

        Raises:
            UpstreamError: An error in place of a payload, or one that cannot be read.
        """
        ...


class AnswerStream(Generic[Item]):
    """One streamed answer; `core.provider.CompletionStream` or `canonical.events.EventStream`.

    Args:
        response: The answer, its head read.
        request: The attempt it belongs to.
        decoder: Finds the payloads.
        reader: Reads them.
        judge: Names the provider.
        clock: For the time of the first token.
        first_piece: Bytes of the body that have been read already.
    """

    __slots__ = (
        "_awaits_token",
        "_clock",
        "_decoder",
        "_failure",
        "_first_by_ns",
        "_first_piece",
        "_is_at_end",
        "_judge",
        "_offset_ns",
        "_reader",
        "_request",
        "_response",
    )

    def __init__(
        self,
        response: HttpResponse,
        request: ProviderRequest,
        *,
        decoder: PayloadDecoder,
        reader: PayloadReader[Item],
        judge: Judge,
        clock: Clock,
        first_piece: bytes = b"",
    ) -> None:
        self._response = response
        self._request = request
        self._decoder = decoder
        self._reader = reader
        self._judge = judge
        self._clock = clock
        self._first_piece = first_piece
        self._offset_ns = request.attempt.start_ns - response.timings.started_ns
        self._first_by_ns: int | None = response.timings.started_ns + round(
            request.target.timeouts.first_token_s * 1e9
        )
        """Until the first chunk: when it has to be there, whatever heartbeats come before it."""
        self._awaits_token = True
        self._failure: UpstreamError | None = None
        self._is_at_end = False

    async def next_chunks(self) -> list[Item]:
        """Return what one read brought; see `CompletionStream.next_chunks`."""
        while True:
            if self._failure is not None:
                self.close()
                raise self._failure
            if self._reader.is_done:
                await self._drain()
                self.close()
                return []
            items = self._take(await self._read())
            if items and (self._failure is None or not self._awaits_token):
                self._first_by_ns = None
                return items

    next_events = next_chunks

    def close(self) -> None:
        """Let the connection go; a second call does nothing."""
        self._is_at_end = True
        self._response.close()
        if self._request.attempt.end_ns is None:
            self._request.attempt.end_ns = self._clock.monotonic_ns() + self._offset_ns

    async def _read(self) -> bytes:
        if self._first_piece:
            piece, self._first_piece = self._first_piece, b""
            return piece
        if self._first_by_ns is not None and self._clock.monotonic_ns() >= self._first_by_ns:
            error = TransportError("timeout", "no first chunk in time", phase="first_token")
            raise self._failed(error)
        try:
            return await self._response.read_some()
        except TransportError as error:
            raise self._failed(error) from error

    def _failed(self, error: TransportError) -> UpstreamError:
        self._failure = from_transport(error, self._judge.provider_name, in_stream=True)
        self.close()
        return self._failure

    def _take(self, piece: bytes) -> list[Item]:
        """Turn a piece into chunks or events; `b""` is the end of the body."""
        items: list[Item] = []
        reader = self._reader
        try:
            payloads = self._decoder.feed(piece) if piece else self._decoder.close()
            reader.read(payloads, items, is_last=not piece)
        except EventTooLargeError as error:
            self._failure = self._judge.broken(FailureClass.PROTOCOL, str(error))
        except MALFORMED:
            # Nested, or spelt, as no reader of a part of it foresaw.
            what = "a payload of the stream cannot be read"
            self._failure = self._judge.broken(FailureClass.PROTOCOL, what)
        except UpstreamError as error:
            self._failure = error
        if self._awaits_token and reader.has_token:
            self._note_first_token()
        if self._failure is None and (reader.is_done or not piece):
            self._judge_end(has_ended=not piece)
        return items

    def _note_first_token(self) -> None:
        self._awaits_token = False
        self._request.attempt.first_token_ns = self._clock.monotonic_ns() + self._offset_ns

    def _judge_end(self, *, has_ended: bool) -> None:
        """Tell a whole answer from a cut one, at its own end or at the end of the body."""
        self._is_at_end = has_ended
        if self._reader.is_complete:
            self._reader.is_done = True
        else:
            self._failure = self._judge.broken(
                FailureClass.TRUNCATED, "the stream ended without a finish reason"
            )

    async def _drain(self) -> None:
        """Read the end of the body behind the answer; give up soon, for the answer is complete."""
        if self._is_at_end:
            return
        # Closing aborts what is still awaited; a timer of the loop costs less than a timeout scope.
        timer = asyncio.get_running_loop().call_later(DRAIN_S, self._response.close)
        try:
            while await self._response.read_some():
                pass
        except TransportError:
            return
        finally:
            timer.cancel()


class ReadyStream(Generic[Item]):
    """A stream whose chunks or events are all there already, since the answer came whole.

    Args:
        items: What it hands on, all at once.
    """

    __slots__ = ("_items",)

    def __init__(self, items: list[Item]) -> None:
        self._items = items

    async def next_chunks(self) -> list[Item]:
        """Return everything at once, then the end."""
        items, self._items = self._items, []
        return items

    next_events = next_chunks

    def close(self) -> None:
        """The connection was let go when the answer had been read."""
