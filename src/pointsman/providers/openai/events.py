"""Chunks of a chat completion to canonical events.

What is a chunk, a marker, an error or the end is told by `stream.ChunkReader`; this reads what the
chunks say. Servers differ in how pieces of tool calls are told apart: by index, by id, or not at
all; the events number them from 0.
"""

from pointsman.core.canonical.events import (
    Event,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from pointsman.core.provider import StreamChunk
from pointsman.cost.usage import from_openai_chat
from pointsman.providers.openai.canonical import (
    arguments_of,
    finish_reason,
    read_received,
    reasoning_of,
    said,
    signature_of,
    text_of,
)
from pointsman.providers.openai.stream import ChunkReader
from pointsman.wire.openai import chat_received as wire


class _Choice:
    """The tool calls of one choice so far."""

    __slots__ = ("at_wire", "has_refused", "ids", "is_finished")

    def __init__(self) -> None:
        self.at_wire: dict[int | None, int] = {}
        """The server's index -> ours, of the call that had it last."""
        self.ids: list[str | None] = []
        self.has_refused = False
        self.is_finished = False


class EventReader:
    """Reads the payloads of one stream; see `answer_stream.PayloadReader`.

    Args:
        chunks: Tells chunks from everything else.
        fallback_id: The answer's id where it says none.
        unix_s: When it came, where it does not say when it was made.
    """

    __slots__ = ("_choices", "_chunks", "_fallback_id", "_has_started", "_unix_s")

    def __init__(self, chunks: ChunkReader, *, fallback_id: str, unix_s: int) -> None:
        self._chunks = chunks
        self._fallback_id = fallback_id
        self._unix_s = unix_s
        self._has_started = False
        self._choices: dict[int, _Choice] = {}

    @property
    def is_done(self) -> bool:
        """Whether the end has been said."""
        return self._chunks.is_done

    @is_done.setter
    def is_done(self, value: bool) -> None:
        self._chunks.is_done = value

    @property
    def has_token(self) -> bool:
        """Whether something of the content has come."""
        return self._chunks.has_token

    @has_token.setter
    def has_token(self, value: bool) -> None:
        self._chunks.has_token = value

    @property
    def is_complete(self) -> bool:
        """Whether every choice that began has given its finish reason."""
        return self._chunks.is_complete

    def read(self, payloads: list[bytes], into: list[Event], *, is_last: bool) -> None:
        """Put the events into `into`; see `PayloadReader.read`."""
        chunks: list[StreamChunk] = []
        try:
            self._chunks.read(payloads, chunks, is_last=is_last)
        finally:
            for chunk in chunks:
                self._read_chunk(read_received(chunk.data), into)

    def _read_chunk(self, received: wire.Received, into: list[Event]) -> None:
        if not self._has_started:
            self._has_started = True
            identity = received.id or self._fallback_id
            created = received.created or self._unix_s
            into.append(Started(identity, received.model or "", created))
        for choice in received.choices or ():
            state = self._choices.get(choice.index)
            if state is None:
                state = self._choices[choice.index] = _Choice()
            if not state.is_finished:
                _read_choice(choice, state, into)
        usage = from_openai_chat(received.usage)
        if usage is not None:
            into.append(UsageReported(usage))


def _read_choice(choice: wire.Choice, state: _Choice, into: list[Event]) -> None:
    delta = choice.delta or choice.message or wire.Message()
    index = choice.index
    into.extend(
        ReasoningDelta(block.text, block.signature, block.encrypted, index)
        for block in reasoning_of(delta)
    )
    text, logprobs = text_of(delta), said(choice.logprobs)
    if text or logprobs is not None:
        into.append(TextDelta(text, index, logprobs))
    if delta.refusal:
        state.has_refused = True
        into.append(RefusalDelta(delta.refusal, index))
    pieces = list(delta.tool_calls or ())
    if delta.function_call is not None:
        pieces.append(wire.Call(function=delta.function_call))
    for piece in pieces:
        _read_call(piece, index, state, into)
    if choice.finish_reason:
        state.is_finished = True
        has_calls = bool(state.ids)
        reason = finish_reason(
            choice.finish_reason, has_calls=has_calls, has_refused=state.has_refused
        )
        into.append(Finished(reason or "stop", index))


def _read_call(piece: wire.Call, choice: int, state: _Choice, into: list[Event]) -> None:
    function = piece.function or wire.Function()
    position = _known_position(piece, function, state)
    if position is None:
        position = len(state.ids)
        state.ids.append(piece.id)
        state.at_wire[piece.index] = position
        identity = piece.id or f"call_{choice}_{position}"
        name = function.name or ""
        into.append(ToolCallStarted(identity, name, position, choice, signature_of(piece)))
    arguments = arguments_of(function)
    if arguments:
        into.append(ToolCallDelta(arguments, position, choice))


def _known_position(piece: wire.Call, function: wire.Function, state: _Choice) -> int | None:
    """Return our number of the call that a piece goes on with; None for a call that begins.

    A call begins with an index not seen before, or with an id other than that index had. Where a
    server gives no index, with an id or a name.
    """
    position = state.at_wire.get(piece.index)
    if position is None:
        return None
    if piece.id and piece.id != state.ids[position]:
        return None
    if piece.index is None and not piece.id and function.name:
        return None
    return position
