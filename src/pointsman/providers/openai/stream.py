"""A streamed answer: pieces of an event stream to chunks, and the truth about its end.

    [DONE], in any form                       complete
    end of body after a finish reason         complete: some servers send no marker
    end of body without one                   TRUNCATED
    a chunk that is not JSON                  PROTOCOL; one cut by the end counts as not sent
    an error in place of a chunk              the class of that error
    limits, resets, the client leaving        as the transport tells

What arrived before a failure is handed on first. A chunk is forwarded as the bytes it came in,
except for usage that the client did not ask for.
"""

import asyncio

import msgspec
from msgspec import Raw

from pointsman.core.clock import Clock
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.provider import ProviderRequest, StreamChunk
from pointsman.cost.usage import from_openai_chat
from pointsman.providers.openai.decode import (
    Judge,
    count_characters,
    decode_tolerantly,
    is_error,
)
from pointsman.providers.openai.failure import from_transport
from pointsman.transport.exchange import HttpResponse, TransportError
from pointsman.wire.malformed import MALFORMED
from pointsman.wire.openai.chat import ChatChunk, decode_chunk
from pointsman.wire.openai.error import read_error
from pointsman.wire.sse import EventDecoder, EventTooLargeError

DRAIN_S = 0.05
"""How long the end of the body is awaited after `[DONE]`, so that its connection serves again. It
mostly comes with it or right behind; a server that keeps the stream open loses the connection."""

_DONE = b"[DONE]"
_NULL_USAGE_END = b',"usage":null}'
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode


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
        "_clock",
        "_decoder",
        "_failure",
        "_finished",
        "_first_by_ns",
        "_first_piece",
        "_is_at_end",
        "_is_done",
        "_judge",
        "_offset_ns",
        "_request",
        "_response",
        "_started",
        "_wants_usage",
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
        self._wants_usage = request.client_wants_usage
        self._offset_ns = request.attempt.start_ns - response.timings.started_ns
        self._first_by_ns: int | None = response.timings.started_ns + round(
            request.target.timeouts.first_token_s * 1e9
        )
        """Until the first chunk: when it has to be there, whatever heartbeats come before it."""
        self._started: set[int] = set()
        self._finished: set[int] = set()
        """Indexes of the choices that began, and of those that gave their finish reason."""
        self._failure: UpstreamError | None = None
        self._is_done = False
        self._is_at_end = False

    async def next_chunks(self) -> list[StreamChunk]:
        """Return what one read brought; see `CompletionStream.next_chunks`."""
        while True:
            if self._failure is not None:
                self.close()
                raise self._failure
            if self._is_done:
                await self._drain()
                self.close()
                return []
            chunks = self._take(await self._read())
            if chunks:
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
        try:
            for payload in self._decoder.feed(piece) if piece else self._decoder.close():
                chunk = self._read_payload(payload, is_last=not piece)
                if chunk is not None:
                    chunks.append(chunk)
                if self._is_done:
                    return chunks
        except EventTooLargeError as error:
            self._failure = self._broken(FailureClass.PROTOCOL, str(error))
        except UpstreamError as error:
            self._failure = error
        if not piece and self._failure is None:
            self._end_of_body()
        return chunks

    def _end_of_body(self) -> None:
        self._is_at_end = True
        if self._finished and self._finished >= self._started:
            self._is_done = True
        else:
            self._failure = self._broken(
                FailureClass.TRUNCATED, "the stream ended without a finish reason"
            )

    def _read_payload(self, payload: bytes, *, is_last: bool) -> StreamChunk | None:
        if payload == _DONE:
            self._is_done = True
            return None
        if b"\n" in payload:
            # JSON over several lines; a chunk is handed on as one. Within strings there is none.
            payload = payload.replace(b"\n", b" ")
        try:
            chunk = decode_chunk(payload)
        except MALFORMED:
            return self._read_unusual(payload.strip(), is_last=is_last)
        return self._read_chunk(chunk, payload)

    def _read_unusual(self, payload: bytes, *, is_last: bool) -> StreamChunk | None:
        """Read what is no chunk as documented: markers, heartbeats, surprising types, rubbish."""
        if not payload:
            return None
        if payload == b'"[DONE]"':
            self._is_done = True
            return None
        if payload.endswith(_DONE):
            # The marker right behind a chunk, in the same event.
            chunk = self._read_payload(payload[: -len(_DONE)].rstrip(), is_last=is_last)
            self._is_done = True
            return chunk
        tolerant = decode_tolerantly(payload, ChatChunk)
        if tolerant is not None:
            return self._read_chunk(tolerant, payload)
        if is_last:
            # Cut off by the end of the body, which is judged by what came before.
            return None
        raise self._broken(FailureClass.PROTOCOL, "a chunk of the stream is not a JSON object")

    def _read_chunk(self, chunk: ChatChunk, payload: bytes) -> StreamChunk | None:
        if is_error(chunk.error):
            raise self._judge.error(self._response.status, payload)
        if not chunk.choices:
            return self._read_without_choices(chunk, payload)

        characters = 0
        finish_reason: str | None = None
        for choice in chunk.choices:
            self._started.add(choice.index)
            if choice.delta is not None:
                characters += count_characters(choice.delta)
            if choice.finish_reason:
                finish_reason = choice.finish_reason
                self._finished.add(choice.index)
        attempt = self._request.attempt
        if characters and attempt.first_token_ns is None:
            attempt.first_token_ns = self._clock.monotonic_ns() + self._offset_ns
        return StreamChunk(
            payload if self._wants_usage or b'"usage"' not in payload else without_usage(payload),
            characters,
            finish_reason,
            from_openai_chat(chunk.usage),
            False,
            chunk.model,
            chunk.id,
        )

    def _read_without_choices(self, chunk: ChatChunk, payload: bytes) -> StreamChunk | None:
        if chunk.usage is not None:
            return StreamChunk(
                payload,
                usage=from_openai_chat(chunk.usage),
                for_gateway_only=not self._wants_usage,
                model=chunk.model,
                response_id=chunk.id,
            )
        if b'"[DONE]"' in payload:
            # The marker as a value in an object of the server's own making.
            self._is_done = True
            return None
        if chunk.choices is not None:
            # Azure opens with such a chunk: results of its filter for the prompt.
            return StreamChunk(payload, model=chunk.model, response_id=chunk.id)
        if read_error(payload).message:
            raise self._judge.error(self._response.status, payload)
        # Some event that no client of this API could read: nothing of the answer is in it.
        return None

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


def without_usage(payload: bytes) -> bytes:
    """Return a chunk without its `usage`, which the client did not ask for."""
    if payload.endswith(_NULL_USAGE_END):
        # As OpenAI writes it on every chunk. What ends an object at the end of the payload ends
        # the outermost one, so this is the key at the top level.
        return payload[: -len(_NULL_USAGE_END)] + b"}"
    fields = _decode_fields(payload)
    return payload if fields.pop("usage", None) is None else _encode(fields)
