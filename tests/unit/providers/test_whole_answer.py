"""A server that ignores that a stream was asked for loses nothing of its answer."""

import pytest
from msgspec import Raw

from pointsman.core.canonical.answer import Answer, AnswerChoice
from pointsman.core.canonical.events import (
    Event,
    Finished,
    RefusalDelta,
    Started,
    TextDelta,
    UsageReported,
)
from pointsman.core.canonical.parts import Part, ReasoningPart, RefusalPart, TextPart, ToolCallPart
from pointsman.core.usage import Usage
from pointsman.providers.whole_answer import events_of
from provider_families import assembled

LOGPROBS = Raw(b'{"content":[{"token":"hi","logprob":-0.1}],"refusal":null}')


def answer(*choices: AnswerChoice) -> Answer:
    usage = Usage(input_tokens=3, output_tokens=2)
    return Answer(id="a", model="m", created_unix_s=1, choices=list(choices), usage=usage)


@pytest.mark.parametrize(
    "parts",
    [
        [TextPart("hi")],
        [ReasoningPart("hm", "proof"), TextPart("hi"), ToolCallPart("c1", "f", "{}")],
        [RefusalPart("no")],
        [],
    ],
    ids=["text", "all", "refusal", "nothing"],
)
def test_the_events_say_what_the_answer_says(parts: list[Part]):
    """Put together again they are the answer."""
    whole = answer(AnswerChoice(parts, "stop"))

    assert assembled(events_of(whole)) == whole


def test_log_probabilities_come_with_the_last_text_of_their_choice():
    """Each choice has its own, and they come before its end."""
    with_them = AnswerChoice([TextPart("he"), TextPart("llo")], "stop", logprobs=LOGPROBS)
    without = AnswerChoice([TextPart("hi")], "stop")

    events = events_of(answer(without, with_them))

    assert [event for event in events if isinstance(event, TextDelta)] == [
        TextDelta("hi", 0),
        TextDelta("he", 1),
        TextDelta("llo", 1, LOGPROBS),
    ]


def test_log_probabilities_without_a_text_are_said_alone():
    """Those of a refusal, for one."""
    events = events_of(answer(AnswerChoice([RefusalPart("no")], "refusal", logprobs=LOGPROBS)))

    expected: list[Event] = [
        Started("a", "m", 1),
        RefusalDelta("no"),
        TextDelta("", 0, LOGPROBS),
        Finished("refusal"),
        UsageReported(Usage(input_tokens=3, output_tokens=2)),
    ]
    assert events == expected
