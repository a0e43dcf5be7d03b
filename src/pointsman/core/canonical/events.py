"""A streamed answer as events, in no vendor's words.

Their order: one `Started`; pieces of content, where a piece of another kind, tool call or choice
ends the piece before; a `Finished` per choice; `UsageReported` at any time, the last one counts.
A stream that ends without the `Finished` of every choice that began is truncated, which providers
raise as such and never turn into events.
"""

from typing import Protocol, TypeAlias

from msgspec import Raw, Struct

from pointsman.core.canonical.answer import FinishReason
from pointsman.core.usage import Usage


class Started(Struct, omit_defaults=True):
    """The answer begins."""

    id: str
    model: str
    created_unix_s: int
    usage: Usage | None = None
    """What is known of it at the start, as Anthropic tells the input tokens."""


class TextDelta(Struct, omit_defaults=True):
    """More text."""

    text: str
    choice: int = 0
    logprobs: Raw | None = None
    """Of these tokens, in the shape of OpenAI's `logprobs` of a choice."""


class ReasoningDelta(Struct, omit_defaults=True):
    """More reasoning, or the proof or cipher that belongs to it."""

    text: str = ""
    signature: str | None = None
    encrypted: str | None = None
    choice: int = 0


class RefusalDelta(Struct, omit_defaults=True):
    """More of a refusal."""

    text: str
    choice: int = 0


class ToolCallStarted(Struct, omit_defaults=True):
    """A tool call begins; its arguments follow."""

    id: str
    name: str
    index: int
    """Position among the tool calls of the choice, from 0."""
    choice: int = 0
    signature: str | None = None


class ToolCallDelta(Struct, omit_defaults=True):
    """More of the arguments of a tool call that has begun."""

    arguments: str
    """A piece of JSON text."""
    index: int
    choice: int = 0


class Finished(Struct, omit_defaults=True):
    """A choice is complete."""

    reason: FinishReason
    choice: int = 0
    stop_sequence: str | None = None


class UsageReported(Struct, omit_defaults=True):
    """The tokens of the whole call so far."""

    usage: Usage


Event: TypeAlias = (
    Started
    | TextDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolCallStarted
    | ToolCallDelta
    | Finished
    | UsageReported
)


class EventStream(Protocol):
    """A streamed answer whose head has arrived with a success status."""

    async def next_events(self) -> list[Event]:
        """Return the next events, as many as one read brought.

        Returns:
            An empty list at the end of a complete stream.

        Raises:
            UpstreamError: As `core.provider.CompletionStream.next_chunks` does.
        """
        ...

    def close(self) -> None:
        """Let the connection go: back to the pool after a complete stream, aborted otherwise."""
        ...


def output_characters(event: Event) -> int:
    """Return the code points of the answer that an event carries."""
    match event:
        case TextDelta() | ReasoningDelta() | RefusalDelta():
            return len(event.text)
        case ToolCallDelta():
            return len(event.arguments)
        case _:
            return 0
