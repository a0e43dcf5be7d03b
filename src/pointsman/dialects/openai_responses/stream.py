"""Canonical events to the named events of a streamed response.

An item is open at a time: the next kind of content, or the next call, completes the one before.
Every item is told three times, as the API does: when it is added, in pieces, and whole when it is
done; the last event holds all of them.
"""

from collections.abc import Sequence

import msgspec

from pointsman.core.canonical.answer import FinishReason
from pointsman.core.canonical.conversation import Conversation
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
from pointsman.dialects.openai_responses.encode import finish, item_id, response_of
from pointsman.dialects.openai_responses.open_item import (
    OpenCall,
    OpenItem,
    OpenMessage,
    OpenReasoning,
)
from pointsman.wire.openai.response_object import ResponseObject

_encode = msgspec.json.Encoder().encode


class ResponseEncoder:
    """Writes one streamed response; see `core.dialect.StreamEncoder`."""

    __slots__ = ("_answer_id", "_conversation", "_open", "_reason", "_response", "_said", "_usage")

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._response: ResponseObject | None = None
        self._answer_id = ""
        self._open: OpenItem | None = None
        self._reason: FinishReason | None = None
        self._usage: Usage | None = None
        self._said = 0

    def encode(self, events: Sequence[Event]) -> list[Frame]:
        """Return the frames that say these events."""
        return [frame for event in events for frame in self._frames(event)]

    def end(self) -> list[Frame]:
        """Complete the open item, and tell the whole response."""
        response = self._response
        if response is None:
            return []
        frames = self._complete()
        finish(response, self._reason, self._usage)
        return [*frames, self._frame(f"response.{response.status}", {"response": response})]

    def _frames(self, event: Event) -> list[Frame]:
        match event:
            case Started():
                return self._start(event)
            case Finished():
                self._reason = event.reason
            case UsageReported():
                self._usage = event.usage
            case _:
                return self._content(event)
        return []

    def _start(self, event: Started) -> list[Frame]:
        self._answer_id = event.id
        self._response = response_of(
            event.id, event.model, event.created_unix_s, self._conversation
        )
        told: dict[str, object] = {"response": self._response}
        return [self._frame(f"response.{name}", told) for name in ("created", "in_progress")]

    def _content(
        self, event: TextDelta | RefusalDelta | ReasoningDelta | ToolCallStarted | ToolCallDelta
    ) -> list[Frame]:
        frames: list[Frame] = []
        item = self._open
        if item is None or not item.takes(event):
            frames = self._complete()
            item = self._open = self._begin(event)
            frames += [self._frame(name, told) for name, told in item.added()]
        return frames + [self._frame(name, told) for name, told in item.take(event)]

    def _begin(self, event: Event) -> OpenItem:
        index = len(self._response.output) if self._response is not None else 0
        match event:
            case ToolCallStarted():
                place = item_id("fc", self._answer_id, index)
                return OpenCall(place, index, event)
            case ReasoningDelta():
                return OpenReasoning(item_id("rs", self._answer_id, index), index)
            case _:
                return OpenMessage(item_id("msg", self._answer_id, index), index)

    def _complete(self) -> list[Frame]:
        item, self._open = self._open, None
        if item is None or self._response is None:
            return []
        self._response.output.append(item.whole())
        return [self._frame(name, told) for name, told in item.done()]

    def _frame(self, name: str, told: dict[str, object]) -> Frame:
        number = self._said
        self._said += 1
        return Frame(_encode({"type": name, "sequence_number": number, **told}), name)
