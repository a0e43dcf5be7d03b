"""A streamed answer: pieces of an event stream to chunks, and the truth about its end.

    end after the finish reason of every      complete, with a marker ([DONE], in any form) or
      choice that began                         without: some servers send none
    end without one, marker or not            TRUNCATED
    a chunk that is not JSON                  PROTOCOL; one cut by the end counts as not sent
    an error in place of a chunk              the class of that error
    limits, resets, the client leaving        as the transport tells

What arrived before a failure is handed on first, unless there is no token in it yet: then nothing
is lost by the failure, and another target may still answer.
"""

import asyncio

from pointsman.core.clock import Clock
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.provider import ProviderRequest, StreamChunk
from pointsman.providers.openai.chunk import ChunkReader
from pointsman.providers.openai.decode import Judge
from pointsman.providers.openai.failure import from_transport
from pointsman.transport.exchange import HttpResponse, TransportError
from pointsman.wire.sse import EventDecoder, EventTooLargeError

DRAIN_S = 0.05
"""How long the end of the body is awaited after `[DONE]`, so that its connection serves again. It
mostly comes with it or right behind; a server that keeps the stream open loses the connection."""


class OpenAiStream:
    """One streamed answer; see `core.provider.CompletionStream`.

    Args:
        response: The answer, its head read.
        request: The attempt it belongs to.
        judge: Turns an error in the stream into the one to raise.
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
        judge: Judge,
        clock: Clock,
        *,
        first_piece: bytes = b"",
    ) -> None:
        self._response = response
        self._request = request
        self._judge = judge
        self._clock = clock
        self._first_piece = first_piece
        self._decoder = EventDecoder()
        self._reader = ChunkReader(judge, response.status, wants_usage=request.client_wants_usage)
        self._offset_ns = request.attempt.start_ns - response.timings.started_ns
        self._first_by_ns: int | None = response.timings.started_ns + round(
            request.target.timeouts.first_token_s * 1e9
        )
        """Until the first chunk: when it has to be there, whatever heartbeats come before it."""
        self._awaits_token = True
        self._failure: UpstreamError | None = None
        self._is_at_end = False

    async def next_chunks(self) -> list[StreamChunk]:
        """Return what one read brought; see `CompletionStream.next_chunks`."""
        while True:
            if self._failure is not None:
                self.close()
                raise self._failure
            if self._reader.is_done:
                await self._drain()
                self.close()
                return []
            chunks = self._take(await self._read())
            if chunks and (self._failure is None or not self._awaits_token):
                self._first_by_ns = None
                return chunks

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

    def _take(self, piece: bytes) -> list[StreamChunk]:
        """Turn a piece into chunks; `b""` is the end of the body."""
        chunks: list[StreamChunk] = []
        reader = self._reader
        try:
            for payload in self._decoder.feed(piece) if piece else self._decoder.close():
                chunk = reader.read(payload, is_last=not piece)
                if chunk is not None:
                    chunks.append(chunk)
                    if chunk.output_characters and self._awaits_token:
                        self._note_first_token()
                if reader.is_done:
                    break
        except EventTooLargeError as error:
            self._failure = self._broken(FailureClass.PROTOCOL, str(error))
        except UpstreamError as error:
            self._failure = error
        if self._failure is None and (reader.is_done or not piece):
            self._judge_end(has_ended=not piece)
        return chunks

    def _note_first_token(self) -> None:
        self._awaits_token = False
        self._request.attempt.first_token_ns = self._clock.monotonic_ns() + self._offset_ns

    def _judge_end(self, *, has_ended: bool) -> None:
        """Tell a whole answer from a cut one, at the marker or at the end of the body."""
        self._is_at_end = has_ended
        if self._reader.is_complete:
            self._reader.is_done = True
        else:
            self._failure = self._broken(
                FailureClass.TRUNCATED, "the stream ended without a finish reason"
            )

    async def _drain(self) -> None:
        """Read the end of the body behind the marker; give up soon, for the answer is complete."""
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

    def _broken(self, failure: FailureClass, what: str) -> UpstreamError:
        return UpstreamError(f"{self._judge.provider_name}: {what}", failure)
