"""Canonical events to the named events of a streamed message.

Blocks are numbered in the order in which they begin, and only one is open at a time: the next kind
of content, or the next tool call, closes the one before.
"""

from collections.abc import Sequence

import msgspec

from pointsman.core.canonical.answer import FinishReason
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
from pointsman.core.dialect import Frame
from pointsman.core.usage import Usage
from pointsman.dialects.anthropic_messages.encode import STOP_REASONS, wire_usage
from pointsman.wire.anthropic import answer as wire
from pointsman.wire.anthropic.blocks import (
    RedactedThinkingBlock,
    TextBlock,
    ThinkingBlock,
    ToolUseBlock,
)

_encode = msgspec.json.Encoder().encode
_NO_INPUT = msgspec.Raw(b"{}")


class MessageEncoder:
    """Writes one streamed message; see `core.dialect.StreamEncoder`."""

    __slots__ = ("_next_index", "_open", "_reason", "_stop_sequence", "_usage")

    def __init__(self) -> None:
        self._next_index = 0
        self._open: str | None = None
        """What the open block is: `text`, `thinking`, or `tool <index>`."""
        self._reason: FinishReason | None = None
        self._stop_sequence: str | None = None
        self._usage: Usage | None = None

    def encode(self, events: Sequence[Event]) -> list[Frame]:
        """Return the frames that say these events."""
        return [frame for event in events for frame in self._frames(event)]

    def end(self) -> list[Frame]:
        """Close what is open, and tell how the message ended."""
        reason = STOP_REASONS[self._reason] if self._reason is not None else None
        delta = wire.MessageDelta(
            wire.EndDelta(reason, self._stop_sequence), wire_usage(self._usage)
        )
        return [
            *self._stop(),
            _frame("message_delta", delta),
            _frame("message_stop", wire.MessageStop()),
        ]

    def _frames(self, event: Event) -> list[Frame]:
        match event:
            case Started():
                return [_start(event)]
            case TextDelta() | RefusalDelta():
                return self._piece("text", TextBlock(""), wire.TextDelta(event.text))
            case ReasoningDelta():
                return self._reasoning(event)
            case ToolCallStarted() | ToolCallDelta():
                return self._tool_call(event)
            case Finished():
                self._reason, self._stop_sequence = event.reason, event.stop_sequence
            case UsageReported():
                self._usage = event.usage
        return []

    def _reasoning(self, event: ReasoningDelta) -> list[Frame]:
        if event.encrypted is not None:
            return [*self._begin("redacted", RedactedThinkingBlock(event.encrypted)), *self._stop()]
        frames: list[Frame] = []
        block = ThinkingBlock("", "")
        if event.text:
            frames += self._piece("thinking", block, wire.ThinkingDelta(event.text))
        if event.signature is not None:
            frames += self._piece("thinking", block, wire.SignatureDelta(event.signature))
            frames += self._stop()  # what is thought after the proof needs one of its own
        return frames

    def _tool_call(self, event: ToolCallStarted | ToolCallDelta) -> list[Frame]:
        if isinstance(event, ToolCallStarted):
            block = ToolUseBlock(event.id, event.name, _NO_INPUT)
            return self._begin(f"tool {event.index}", block)
        if not event.arguments:
            return []
        return [self._delta(wire.InputJsonDelta(event.arguments))]

    def _piece(self, kind: str, block: wire.AnswerBlock, delta: wire.BlockDelta) -> list[Frame]:
        frames = [] if self._open == kind else self._begin(kind, block)
        return [*frames, self._delta(delta)]

    def _begin(self, kind: str, block: wire.AnswerBlock) -> list[Frame]:
        frames = self._stop()
        self._open = kind
        frames.append(_frame("content_block_start", wire.BlockStart(self._next_index, block)))
        return frames

    def _delta(self, delta: wire.BlockDelta) -> Frame:
        return _frame("content_block_delta", wire.BlockDeltaEvent(self._next_index, delta))

    def _stop(self) -> list[Frame]:
        if self._open is None:
            return []
        frame = _frame("content_block_stop", wire.BlockStop(self._next_index))
        self._open = None
        self._next_index += 1
        return [frame]


def _start(event: Started) -> Frame:
    message = wire.MessageBody(
        id=event.id,
        role="assistant",
        model=event.model,
        content=[],
        stop_reason=None,
        stop_sequence=None,
        usage=wire_usage(event.usage),
    )
    return _frame("message_start", wire.MessageStart(message))


def _frame(name: str, payload: msgspec.Struct) -> Frame:
    return Frame(_encode(payload), name)
