"""A whole answer to a request that asked for a stream, as the events it stands for.

Some servers and proxies ignore that a stream was asked for. Whoever awaits events gets them.
"""

from msgspec import Raw

from pointsman.core.canonical.answer import Answer, AnswerChoice
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
from pointsman.core.canonical.parts import ReasoningPart, RefusalPart, TextPart, ToolCallPart


def events_of(answer: Answer) -> list[Event]:
    """Return the events that say what a whole answer says."""
    events: list[Event] = [Started(answer.id, answer.model, answer.created_unix_s)]
    for index, choice in enumerate(answer.choices):
        events.extend(_choice_events(choice, index))
    if answer.usage is not None:
        events.append(UsageReported(answer.usage))
    return events


def _choice_events(choice: AnswerChoice, index: int) -> list[Event]:
    events: list[Event] = []
    calls = 0
    for part in choice.parts:
        match part:
            case TextPart():
                events.append(TextDelta(part.text, index))
            case ReasoningPart():
                events.append(ReasoningDelta(part.text, part.signature, part.encrypted, index))
            case RefusalPart():
                events.append(RefusalDelta(part.text, index))
            case ToolCallPart():
                started = ToolCallStarted(part.id, part.name, calls, index, part.signature)
                events.extend([started, ToolCallDelta(part.arguments, calls, index)])
                calls += 1
            case _:
                pass
    if choice.logprobs is not None:
        _put_logprobs(choice.logprobs, index, events)
    reason = choice.finish_reason or "stop"
    events.append(Finished(reason, index, choice.stop_sequence))
    return events


def _put_logprobs(logprobs: Raw, index: int, events: list[Event]) -> None:
    """Put those of a whole choice with its last text: nobody told which piece has which."""
    texts = [event for event in events if isinstance(event, TextDelta)]
    if not texts:
        texts.append(TextDelta("", index))
        events.extend(texts)
    texts[-1].logprobs = logprobs
