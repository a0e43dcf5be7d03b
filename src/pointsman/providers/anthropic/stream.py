"""Payloads of a stream: handed on as chunks, or turned into events; and whether it is complete.

    message_stop after a stop reason          complete
    an end without either                     TRUNCATED
    a payload that is not JSON                PROTOCOL
    an `error` event                          the class of that error
    `ping`                                    nothing, and no time that it buys counts

The beginning is held back until content begins: a provider that is overloaded says so right behind
`message_start`, and as long as nothing was handed on, another target may answer. Knows payloads,
not bytes or time: those are `answer_stream`'s.
"""

from typing import TypeVar

import msgspec

from pointsman.core.canonical.events import (
    Event,
    Finished,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from pointsman.core.failures import FailureClass
from pointsman.core.provider import StreamChunk
from pointsman.core.usage import Usage as TokenUsage
from pointsman.cost.usage import from_anthropic
from pointsman.providers.anthropic.decode import arguments_of, block_characters, finish_reason
from pointsman.providers.judge import Judge
from pointsman.providers.tolerant import decode_tolerantly
from pointsman.wire.anthropic.answer import Usage
from pointsman.wire.anthropic.received import (
    ReceivedBlock,
    ReceivedDelta,
    ReceivedEvent,
    decode_event,
)
from pointsman.wire.malformed import MALFORMED
from pointsman.wire.sse import event_name

Item = TypeVar("Item")


class StreamState:
    """What has been seen of one stream, whoever it is read for.

    Args:
        judge: Turns an error event into the one to raise.
        status: The status under which the stream came.
    """

    __slots__ = ("_judge", "_status", "has_stopped", "stop_reason", "usage")

    def __init__(self, judge: Judge, status: int) -> None:
        self._judge = judge
        self._status = status
        self.stop_reason: str | None = None
        self.has_stopped = False
        """`message_stop` has come."""
        self.usage: Usage | None = None
        """The tokens so far, of the start and of the last report."""

    @property
    def is_complete(self) -> bool:
        """Whether a whole answer has come."""
        return self.has_stopped and self.stop_reason is not None

    def read(self, payload: bytes, *, is_last: bool) -> ReceivedEvent | None:
        """Return the event; None for one cut off by the end of the body.

        Raises:
            UpstreamError: An error event, or a payload that is no JSON object.
        """
        try:
            event = decode_event(payload)
        except MALFORMED:
            tolerant = decode_tolerantly(payload, ReceivedEvent)
            if tolerant is None:
                if is_last or not payload.strip():
                    return None
                raise self._judge.broken(
                    FailureClass.PROTOCOL, "an event of the stream is not a JSON object"
                ) from None
            event = tolerant
        if event.type == "error":
            raise self._judge.error(self._status, payload)
        self._note(event)
        return event

    def _note(self, event: ReceivedEvent) -> None:
        if event.type == "message_start" and event.message is not None:
            self.usage = event.message.usage
        elif event.type == "message_delta":
            if event.delta is not None and event.delta.stop_reason:
                self.stop_reason = event.delta.stop_reason
            if event.usage is not None:
                self.usage = _merged(self.usage, event.usage)
        elif event.type == "message_stop":
            self.has_stopped = True


class NativeReader:
    """Reads a stream that is handed on as it is; see `answer_stream.PayloadReader`.

    Args:
        judge: Turns an error event into the one to raise.
        status: The status under which the stream came.
    """

    __slots__ = ("_held", "_is_started", "_state", "has_token", "is_done")

    def __init__(self, judge: Judge, status: int) -> None:
        self._state = StreamState(judge, status)
        self._held: list[StreamChunk] = []
        self._is_started = False
        self.is_done = False
        self.has_token = False

    @property
    def is_complete(self) -> bool:
        """Whether a whole answer has come."""
        return self._state.is_complete

    def read(self, payloads: list[bytes], into: list[StreamChunk], *, is_last: bool) -> None:
        """Put the chunks into `into`; see `PayloadReader.read`."""
        for payload in payloads:
            event = self._state.read(payload, is_last=is_last)
            if event is None:
                continue
            chunk = self._chunk(event, payload)
            if self._is_started:
                into.append(chunk)
            elif event.type == "message_start":
                self._held.append(chunk)
            elif event.type != "ping":
                self._is_started = True
                into.extend([*self._held, chunk])
            if self._state.has_stopped:
                self.is_done = True
                break

    def _chunk(self, event: ReceivedEvent, payload: bytes) -> StreamChunk:
        if b"\n" in payload:
            # JSON over several lines; a chunk is handed on as one. Within strings there is none.
            payload = payload.replace(b"\n", b" ")
        chunk = StreamChunk(payload, event=event_name(event.type))
        match event.type:
            case "content_block_delta":
                chunk.output_characters = _delta_characters(event.delta)
            case "content_block_start" if event.content_block is not None:
                chunk.output_characters = _start_characters(event.content_block)
            case "message_start" if event.message is not None:
                chunk.model = event.message.model
                chunk.response_id = event.message.id
                chunk.usage = _input_of(event.message.usage)
            case "message_delta":
                chunk.finish_reason = self._state.stop_reason
                chunk.usage = from_anthropic(self._state.usage)
        if chunk.output_characters:
            self.has_token = True
        return chunk


class EventReader:
    """Reads a stream into canonical events; see `answer_stream.PayloadReader`.

    Args:
        judge: Turns an error event into the one to raise.
        status: The status under which the stream came.
        unix_s: Now; the API does not say when an answer was made.
    """

    __slots__ = (
        "_calls",
        "_empty_calls",
        "_held",
        "_is_started",
        "_state",
        "_unix_s",
        "has_token",
        "is_done",
    )

    def __init__(self, judge: Judge, status: int, unix_s: int) -> None:
        self._state = StreamState(judge, status)
        self._unix_s = unix_s
        self._calls: dict[int, int] = {}
        """Index of a block -> position among the tool calls."""
        self._empty_calls: set[int] = set()
        """Blocks of tool calls whose arguments have not begun."""
        self._held: list[Event] = []
        self._is_started = False
        self.is_done = False
        self.has_token = False

    @property
    def is_complete(self) -> bool:
        """Whether a whole answer has come."""
        return self._state.is_complete

    def read(self, payloads: list[bytes], into: list[Event], *, is_last: bool) -> None:
        """Put the events into `into`; see `PayloadReader.read`."""
        for payload in payloads:
            event = self._state.read(payload, is_last=is_last)
            if event is None:
                continue
            said = self._events(event)
            if self._is_started:
                into.extend(said)
            elif event.type == "message_start":
                self._held.extend(said)
            elif event.type != "ping":
                self._is_started = True
                into.extend([*self._held, *said])
            if self._state.has_stopped:
                self.is_done = True
                break

    def _events(self, event: ReceivedEvent) -> list[Event]:
        match event.type:
            case "content_block_delta" if event.delta is not None:
                return self._delta(event.delta, event.index)
            case "content_block_start" if event.content_block is not None:
                return self._block(event.content_block, event.index)
            case "content_block_stop" if event.index in self._empty_calls:
                # A call without arguments: the API sends no piece of them at all.
                self._empty_calls.discard(event.index)
                return [ToolCallDelta("{}", self._calls[event.index])]
            case "message_start" if event.message is not None:
                message = event.message
                usage = _input_of(message.usage)
                return [Started(message.id or "", message.model or "", self._unix_s, usage)]
            case "message_delta":
                return self._end(event.delta)
            case _:
                return []

    def _delta(self, delta: ReceivedDelta, index: int) -> list[Event]:
        self.has_token = self.has_token or _delta_characters(delta) > 0
        match delta.type:
            case "text_delta":
                return [TextDelta(delta.text or "")]
            case "thinking_delta":
                return [ReasoningDelta(delta.thinking or "")]
            case "signature_delta":
                return [ReasoningDelta(signature=delta.signature)]
            case "input_json_delta" if index in self._calls and delta.partial_json:
                self._empty_calls.discard(index)
                return [ToolCallDelta(delta.partial_json, self._calls[index])]
            case _:
                return []

    def _block(self, block: ReceivedBlock, index: int) -> list[Event]:
        self.has_token = self.has_token or _start_characters(block) > 0
        match block.type:
            case "text" if block.text:
                return [TextDelta(block.text)]
            case "thinking" if block.thinking or block.signature:
                return [ReasoningDelta(block.thinking or "", block.signature or None)]
            case "redacted_thinking":
                return [ReasoningDelta(encrypted=block.data)]
            case "tool_use":
                return self._tool_use(block, index)
            case _:
                return []

    def _tool_use(self, block: ReceivedBlock, index: int) -> list[Event]:
        position = self._calls.setdefault(index, len(self._calls))
        said: list[Event] = [ToolCallStarted(block.id or "", block.name or "", position)]
        arguments = arguments_of(block)
        if _start_characters(block):
            # Some servers send the arguments whole.
            said.append(ToolCallDelta(arguments, position))
        else:
            self._empty_calls.add(index)
        return said

    def _end(self, delta: ReceivedDelta | None) -> list[Event]:
        said: list[Event] = []
        usage = from_anthropic(self._state.usage)
        if usage is not None:
            said.append(UsageReported(usage))
        if delta is not None and (reason := finish_reason(delta.stop_reason)) is not None:
            said.append(Finished(reason, stop_sequence=delta.stop_sequence))
        return said


def _delta_characters(delta: ReceivedDelta | None) -> int:
    if delta is None:
        return 0
    return len(delta.text or "") + len(delta.thinking or "") + len(delta.partial_json or "")


def _start_characters(block: ReceivedBlock) -> int:
    """Return the code points of content that a block begins with; mostly none."""
    if block.type == "tool_use":
        return (
            0 if bytes(block.input).replace(b" ", b"") in (b"", b"{}") else len(arguments_of(block))
        )
    return block_characters(block)


def _input_of(begun: Usage | None) -> TokenUsage | None:
    """Return what `message_start` knows; the output it tells is that of its first piece only.

    A stream that is left early has nothing else: its output is still to be estimated.
    """
    usage = from_anthropic(begun)
    return msgspec.structs.replace(usage, output_tokens=None) if usage is not None else None


def _merged(start: Usage | None, report: Usage) -> Usage:
    """Return a report with what only the start said; counts are cumulative."""
    if start is None:
        return report
    told = {
        name: value
        for name in Usage.__struct_fields__
        if (value := getattr(report, name)) is not None
    }
    return msgspec.structs.replace(start, **told)
