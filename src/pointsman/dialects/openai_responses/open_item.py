"""An item of a streamed response while it is written: which events tell of it."""

from typing import Protocol, TypeAlias

from pointsman.core.canonical.events import (
    Event,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from pointsman.core.canonical.parts import RefusalPart, TextPart
from pointsman.dialects.openai_responses.encode import content_of
from pointsman.dialects.openai_responses.sealed import seal
from pointsman.wire.openai.response_object import (
    FunctionCallItem,
    MessageItem,
    OutputItem,
    OutputRefusal,
    OutputText,
    ReasoningItem,
    SummaryText,
)

Told: TypeAlias = tuple[str, dict[str, object]]
"""The name of an event and what it says, without type and sequence number."""


class OpenItem(Protocol):
    """An item that has begun."""

    def takes(self, event: Event) -> bool:
        """Tell whether an event belongs to this item."""
        ...

    def added(self) -> list[Told]:
        """Return what tells of its begin."""
        ...

    def take(self, event: Event) -> list[Told]:
        """Add a piece, and return what tells of it."""
        ...

    def done(self) -> list[Told]:
        """Return what tells of its end."""
        ...

    def whole(self) -> OutputItem:
        """Return the item with all its pieces."""
        ...


class OpenMessage:
    """A message: text, refusals, or one after the other."""

    def __init__(self, place: str, index: int) -> None:
        self._place = place
        self._index = index
        self._contents: list[TextPart | RefusalPart] = []
        self._pieces: list[str] = []

    def takes(self, event: Event) -> bool:
        """Text and refusals."""
        return isinstance(event, TextDelta | RefusalDelta)

    def added(self) -> list[Told]:
        """The message without content."""
        item = MessageItem(self._place, [], "in_progress")
        return [("response.output_item.added", {"output_index": self._index, "item": item})]

    def take(self, event: Event) -> list[Told]:
        """A piece of the content; another kind of content is a part of its own."""
        if isinstance(event, TextDelta):
            return [*self._begin(TextPart), self._delta("output_text", event.text)]
        if isinstance(event, RefusalDelta):
            return [*self._begin(RefusalPart), self._delta("refusal", event.text)]
        return []

    def done(self) -> list[Told]:
        """The last part, and the whole message."""
        told = {"output_index": self._index, "item": self.whole()}
        return [*self._end_part(), ("response.output_item.done", told)]

    def whole(self) -> MessageItem:
        """Return the message with all its parts."""
        if self._contents and self._pieces:
            self._contents[-1].text = "".join(self._pieces)
        return MessageItem(self._place, [content_of(part) for part in self._contents])

    def _begin(self, kind: type[TextPart | RefusalPart]) -> list[Told]:
        if self._contents and isinstance(self._contents[-1], kind):
            return []
        told = self._end_part()
        self._contents.append(kind(""))
        self._pieces = []
        empty = OutputText("") if kind is TextPart else OutputRefusal("")
        return [*told, ("response.content_part.added", {**self._where(), "part": empty})]

    def _delta(self, kind: str, piece: str) -> Told:
        self._pieces.append(piece)
        told: dict[str, object] = {**self._where(), "delta": piece}
        if kind == "output_text":
            told["logprobs"] = []
        return f"response.{kind}.delta", told

    def _end_part(self) -> list[Told]:
        if not self._contents:
            return []
        part = content_of(self._contents[-1])
        if isinstance(part, OutputText):
            part.text = "".join(self._pieces)
            name, said = "output_text", {"text": part.text, "logprobs": []}
        else:
            part.refusal = "".join(self._pieces)
            name, said = "refusal", {"refusal": part.refusal}
        self._contents[-1].text = "".join(self._pieces)
        return [
            (f"response.{name}.done", {**self._where(), **said}),
            ("response.content_part.done", {**self._where(), "part": part}),
        ]

    def _where(self) -> dict[str, object]:
        return {
            "item_id": self._place,
            "output_index": self._index,
            "content_index": len(self._contents) - 1,
        }


class OpenCall:
    """A call of a function."""

    def __init__(self, place: str, index: int, started: ToolCallStarted) -> None:
        self._place = place
        self._index = index
        self._started = started
        self._pieces: list[str] = []

    def takes(self, event: Event) -> bool:
        """Pieces of its own arguments."""
        return isinstance(event, ToolCallDelta) and event.index == self._started.index

    def added(self) -> list[Told]:
        """The call without arguments."""
        item = self._item("", "in_progress")
        return [("response.output_item.added", {"output_index": self._index, "item": item})]

    def take(self, event: Event) -> list[Told]:
        """A piece of the arguments."""
        if not isinstance(event, ToolCallDelta) or not event.arguments:
            return []
        self._pieces.append(event.arguments)
        told: dict[str, object] = {**self._where(), "delta": event.arguments}
        return [("response.function_call_arguments.delta", told)]

    def done(self) -> list[Told]:
        """The arguments, and the whole call."""
        item = self.whole()
        said: dict[str, object] = {"name": item.name, "arguments": item.arguments}
        told: dict[str, object] = {"output_index": self._index, "item": item}
        return [
            ("response.function_call_arguments.done", {**self._where(), **said}),
            ("response.output_item.done", told),
        ]

    def whole(self) -> FunctionCallItem:
        """Return the call with its arguments."""
        return self._item("".join(self._pieces) or "{}", "completed")

    def _item(self, arguments: str, status: str) -> FunctionCallItem:
        started = self._started
        return FunctionCallItem(self._place, started.id, started.name, arguments, status)

    def _where(self) -> dict[str, object]:
        return {"item_id": self._place, "output_index": self._index}


class OpenReasoning:
    """Reasoning, shown as its own summary."""

    def __init__(self, place: str, index: int) -> None:
        self._place = place
        self._index = index
        self._pieces: list[str] = []
        self._signature: str | None = None
        self._encrypted: str | None = None

    def takes(self, event: Event) -> bool:
        """Reasoning, until its proof or cipher has come: what follows has one of its own."""
        is_over = self._signature is not None or self._encrypted is not None
        return isinstance(event, ReasoningDelta) and not is_over

    def added(self) -> list[Told]:
        """The item without summary."""
        item = ReasoningItem(self._place, [])
        return [("response.output_item.added", {"output_index": self._index, "item": item})]

    def take(self, event: Event) -> list[Told]:
        """A piece of the reasoning, or the proof that belongs to it."""
        if not isinstance(event, ReasoningDelta):
            return []
        self._signature = event.signature or self._signature
        self._encrypted = event.encrypted or self._encrypted
        if not event.text:
            return []
        told: list[Told] = []
        if not self._pieces:
            part = {**self._where(), "part": SummaryText("")}
            told.append(("response.reasoning_summary_part.added", part))
        self._pieces.append(event.text)
        delta: dict[str, object] = {**self._where(), "delta": event.text}
        return [*told, ("response.reasoning_summary_text.delta", delta)]

    def done(self) -> list[Told]:
        """The summary, and the whole item."""
        told: list[Told] = []
        if self._pieces:
            text = "".join(self._pieces)
            told = [
                ("response.reasoning_summary_text.done", {**self._where(), "text": text}),
                (
                    "response.reasoning_summary_part.done",
                    {**self._where(), "part": SummaryText(text)},
                ),
            ]
        item: dict[str, object] = {"output_index": self._index, "item": self.whole()}
        return [*told, ("response.output_item.done", item)]

    def whole(self) -> ReasoningItem:
        """Return the item with its summary."""
        summary = [SummaryText("".join(self._pieces))] if self._pieces else []
        return ReasoningItem(self._place, summary, seal(self._signature, self._encrypted))

    def _where(self) -> dict[str, object]:
        return {"item_id": self._place, "output_index": self._index, "summary_index": 0}
