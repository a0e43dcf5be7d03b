"""Payloads of a stream to chunks: what each one is, and whether the answer is complete with it.

    end after the finish reason of every      complete, with a marker ([DONE], in any form) or
      choice that began                         without: some servers send none
    end without one, marker or not            TRUNCATED
    a chunk that is not JSON                  PROTOCOL; one cut by the end counts as not sent
    an error in place of a chunk              the class of that error

Knows payloads, not bytes or time: those are `answer_stream`'s. A chunk is handed on as the bytes it
came in, except for usage that the client did not ask for.
"""

import msgspec
from msgspec import Raw

from pointsman.core.failures import FailureClass
from pointsman.core.provider import StreamChunk
from pointsman.cost.usage import from_openai_chat
from pointsman.providers.judge import Judge
from pointsman.providers.openai.decode import count_characters, is_error
from pointsman.providers.tolerant import decode_tolerantly
from pointsman.wire.malformed import MALFORMED
from pointsman.wire.openai.chat import ChatChunk, decode_chunk
from pointsman.wire.openai.error import read_error

_DONE = b"[DONE]"
_NULL_USAGE_END = b',"usage":null}'
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode


class ChunkReader:
    """Reads the payloads of one stream in their order.

    Args:
        judge: Turns an error in place of a chunk into the one to raise.
        status: The status under which the stream came.
        wants_usage: Whether the client asked for usage.
    """

    __slots__ = (
        "_finished",
        "_judge",
        "_started",
        "_status",
        "_wants_usage",
        "has_token",
        "is_done",
    )

    def __init__(self, judge: Judge, status: int, *, wants_usage: bool) -> None:
        self._judge = judge
        self._status = status
        self._wants_usage = wants_usage
        self._started: set[int] = set()
        self._finished: set[int] = set()
        """Indexes of the choices that began, and of those that gave their finish reason."""
        self.is_done = False
        """The marker has come; nothing after it counts."""
        self.has_token = False

    @property
    def is_complete(self) -> bool:
        """Whether every choice that began has given its finish reason."""
        return bool(self._finished) and self._finished >= self._started

    def read(self, payloads: list[bytes], into: list[StreamChunk], *, is_last: bool) -> None:
        """Put the chunks into `into`; see `PayloadReader.read`."""
        for payload in payloads:
            chunk = self._read(payload, is_last=is_last)
            if chunk is not None:
                into.append(chunk)
                if chunk.output_characters:
                    self.has_token = True
            if self.is_done:
                break

    def _read(self, payload: bytes, *, is_last: bool) -> StreamChunk | None:
        """Return the chunk; None for a marker, a heartbeat or anything else that is no chunk.

        Args:
            payload: Of one event.
            is_last: The end of the body cut this event off, so it need not be whole.

        Raises:
            UpstreamError: An error in place of a chunk, or a payload that is no JSON object.
        """
        if payload == _DONE:
            self.is_done = True
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
            self.is_done = True
            return None
        if payload.endswith(_DONE):
            # The marker right behind a chunk, in the same event.
            chunk = self._read(payload[: -len(_DONE)].rstrip(), is_last=is_last)
            self.is_done = True
            return chunk
        tolerant = decode_tolerantly(payload, ChatChunk)
        if tolerant is not None:
            return self._read_chunk(tolerant, payload)
        if is_last:
            # Cut off by the end of the body, which is judged by what came before.
            return None
        raise self._judge.broken(
            FailureClass.PROTOCOL, "a chunk of the stream is not a JSON object"
        )

    def _read_chunk(self, chunk: ChatChunk, payload: bytes) -> StreamChunk | None:
        if is_error(chunk.error):
            raise self._judge.error(self._status, payload)
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
            self.is_done = True
            return None
        if chunk.choices is not None:
            # Azure opens with such a chunk: results of its filter for the prompt.
            return StreamChunk(payload, model=chunk.model, response_id=chunk.id)
        if read_error(payload).message:
            raise self._judge.error(self._status, payload)
        # Some event that no client of this API could read: nothing of the answer is in it.
        return None


def without_usage(payload: bytes) -> bytes:
    """Return a chunk without its `usage`, which the client did not ask for."""
    if payload.endswith(_NULL_USAGE_END):
        # As OpenAI writes it on every chunk. What ends an object at the end of the payload ends
        # the outermost one, so this is the key at the top level.
        return payload[: -len(_NULL_USAGE_END)] + b"}"
    fields = _decode_fields(payload)
    return payload if fields.pop("usage", None) is None else _encode(fields)
