"""Canonical to OpenAI's words and back: nothing that they can carry is lost."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from pointsman.core.canonical.answer import Answer, AnswerChoice
from pointsman.core.canonical.conversation import (
    Conversation,
    OutputFormat,
    ReasoningWish,
    Tool,
    ToolChoice,
    Turn,
)
from pointsman.core.canonical.events import (
    Finished,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from pointsman.core.canonical.parts import (
    AudioPart,
    CacheHint,
    FilePart,
    ImagePart,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from pointsman.core.usage import Usage
from pointsman.dialects.openai_chat.decode import decode
from pointsman.dialects.openai_chat.encode import encode
from pointsman.dialects.openai_chat.stream import ChatStreamEncoder
from pointsman.providers.judge import Judge
from pointsman.providers.openai.canonical import decode_canonical
from pointsman.providers.openai.conversation import encode_conversation
from pointsman.providers.openai.events import EventReader
from pointsman.providers.openai.stream import ChunkReader
from pointsman.providers.openai.traits import OPENROUTER, Traits
from pointsman.providers.parameters import Parameters
from pointsman.providers.whole_answer import events_of
from pointsman.resilience.classify import classify

EVERYTHING = Traits(
    reasoning_back="reasoning_details", takes_files=True, takes_cache_marks=True, lacks=frozenset()
)

words = st.text(min_size=1, max_size=12)
names = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
base64 = st.sampled_from(["AAAA", "AQID", "/+8="])
hints = st.none() | st.builds(CacheHint, ttl=st.sampled_from([None, "5m", "1h"]))
schemas = st.sampled_from([Raw(b'{"type":"object","properties":{}}'), Raw(b'{"type":"object"}')])

texts = st.builds(TextPart, words, cache=hints)
images = st.one_of(
    st.builds(
        ImagePart, url=st.just("https://x.test/a.png"), detail=st.sampled_from([None, "low"])
    ),
    st.builds(ImagePart, data=base64, media_type=st.just("image/png"), cache=hints),
)
sounds = st.builds(AudioPart, base64, st.sampled_from(["audio/wav", "audio/mp3"]))
files = st.one_of(
    st.builds(FilePart, file_id=names),
    st.builds(
        FilePart, data=base64, media_type=st.just("application/pdf"), filename=st.just("a.pdf")
    ),
)
calls = st.builds(
    ToolCallPart, id=names.map("call_{}".format), name=names, arguments=st.just('{"a":1}')
)
results = st.builds(
    ToolResultPart,
    call_id=names,
    parts=st.lists(st.builds(TextPart, words), min_size=1, max_size=2),
)
user_turns = st.one_of(
    st.builds(
        Turn,
        role=st.just("user"),
        parts=st.lists(st.one_of(texts, images, sounds, files), min_size=1, max_size=3),
        name=st.none() | names,
    ),
    st.builds(Turn, role=st.just("user"), parts=st.lists(results, min_size=1, max_size=1)),
)


@st.composite
def assistant_turns(draw) -> Turn:
    thoughts = draw(
        st.lists(st.builds(ReasoningPart, words, signature=st.none() | names), max_size=2)
    )
    said = draw(st.lists(texts, max_size=2))
    refused = draw(st.lists(st.builds(RefusalPart, words), max_size=1))
    called = draw(st.lists(calls, max_size=2, unique_by=lambda call: call.id))
    return Turn("assistant", [*thoughts, *said, *refused, *called])


conversations = st.builds(
    Conversation,
    dialect=st.just("openai.chat"),
    model=st.just("m"),
    system=st.lists(texts, max_size=2),
    turns=st.lists(user_turns | assistant_turns(), min_size=1, max_size=4),
    tools=st.lists(
        st.builds(
            Tool, name=names, description=st.none() | words, schema=schemas, strict=st.booleans()
        ),
        min_size=1,
        max_size=2,
    ),
    tool_choice=st.sampled_from(
        [None, ToolChoice("auto"), ToolChoice("required"), ToolChoice("named", "f")]
    ),
    parallel_tool_calls=st.none() | st.booleans(),
    output=st.sampled_from(
        [None, OutputFormat("json"), OutputFormat("json_schema", "n", schema=Raw(b"{}"))]
    ),
    max_output_tokens=st.none() | st.integers(1, 9999),
    temperature=st.none() | st.sampled_from([0.0, 0.5]),
    top_p=st.none() | st.just(0.9),
    top_k=st.none() | st.integers(1, 9),
    frequency_penalty=st.none() | st.just(0.1),
    presence_penalty=st.none() | st.just(0.2),
    stop=st.lists(words, max_size=3),
    seed=st.none() | st.integers(0, 9),
    choice_count=st.none() | st.integers(2, 4),
    reasoning=st.none() | st.builds(ReasoningWish, effort=st.sampled_from(["low", "high"])),
    verbosity=st.none() | st.just("low"),
    service_tier=st.none() | st.just("flex"),
    user=st.none() | names,
    stream=st.booleans(),
    extras=st.sampled_from([{}, {"logit_bias": Raw(b'{"1":2}')}]),
)


@settings(max_examples=150, deadline=None)
@given(conversations)
def test_a_conversation_survives_the_way_there_and_back(conversation: Conversation):
    """GB-01: what a client of the same API would have said is what was meant."""
    changed: list[str] = []
    parameters = Parameters("strict", "p", changed)

    body = encode_conversation(conversation, "m", EVERYTHING, parameters, asks_for_usage=True)

    assert decode(body) == conversation
    assert changed == []


reasons = st.sampled_from(["stop", "length", "content_filter"])


@st.composite
def answers(draw) -> Answer:
    choices = []
    for index in range(draw(st.integers(1, 2))):
        turn = draw(assistant_turns())
        for position, part in enumerate(turn.parts):
            if isinstance(part, ToolCallPart):
                part.id = f"call_{index}_{position}"
                part.signature = draw(st.none() | names)
        parts = _merged_texts(turn.parts)
        has_calls = any(isinstance(part, ToolCallPart) for part in parts)
        refused = any(isinstance(part, RefusalPart) for part in parts)
        reason = "tool_calls" if has_calls else "refusal" if refused else draw(reasons)
        choices.append(AnswerChoice(parts, reason))
    return Answer(
        id="a1",
        model="m",
        created_unix_s=7,
        choices=choices,
        usage=Usage(5, 4, cache_read_tokens=3, reasoning_tokens=2),
    )


def _merged_texts(parts: list) -> list:
    """Return the parts with one text, and without hints, which answers do not have."""
    text = "".join(part.text for part in parts if isinstance(part, TextPart))
    before = [part for part in parts if isinstance(part, ReasoningPart)]
    after = [part for part in parts if isinstance(part, RefusalPart | ToolCallPart)]
    if not any(part.signature for part in before) and len(before) > 1:
        before = [ReasoningPart("".join(part.text for part in before))]
    return [*before, *([TextPart(text)] if text else []), *after]


@settings(max_examples=150, deadline=None)
@given(answers())
def test_a_whole_answer_survives_the_way_to_a_client_and_back(answer: Answer):
    """What we write is what we would read of a server that writes the same."""
    body = encode(answer, Conversation(dialect="openai.chat", turns=[]))

    assert decode_canonical(body, fallback_id="", unix_s=0) == answer


@settings(max_examples=150, deadline=None)
@given(answers(), st.data())
def test_a_stream_says_what_the_whole_answer_says(answer: Answer, data):
    """However its events are batched, and whichever way pieces are told apart."""
    encoder = ChatStreamEncoder(Conversation(dialect="openai.chat", turns=[]), wants_usage=True)
    events = events_of(answer)
    cut = data.draw(st.integers(0, len(events)))
    frames = [*encoder.encode(events[:cut]), *encoder.encode(events[cut:]), *encoder.end()]
    chunks = ChunkReader(Judge("p", "openai", classify), 200, wants_usage=True)
    reader = EventReader(chunks, fallback_id="", unix_s=0)
    found: list = []

    reader.read([*(frame.data for frame in frames), b"[DONE]"], found, is_last=False)

    assert reader.is_complete
    said = [_content(events, index) for index in range(len(answer.choices))]
    assert [_content(found, index) for index in range(len(answer.choices))] == said
    assert found[-1] == events[-1]


def _content(events: list, choice: int) -> dict:
    """Return what the events of a choice say, put together."""
    of_choice = [event for event in events if getattr(event, "choice", None) == choice]
    return {
        "text": "".join(e.text for e in of_choice if isinstance(e, TextDelta)),
        "refusal": "".join(e.text for e in of_choice if isinstance(e, RefusalDelta)),
        "signatures": [
            e.signature for e in of_choice if isinstance(e, ReasoningDelta) and e.signature
        ],
        "calls": [
            (e.id, e.name, e.index, e.signature)
            for e in of_choice
            if isinstance(e, ToolCallStarted)
        ],
        "arguments": [e.arguments for e in of_choice if isinstance(e, ToolCallDelta)],
        "finish": [e.reason for e in of_choice if isinstance(e, Finished)],
    }


def delta(index: int = 0, finish: str | None = None, **said) -> bytes:
    choice = {"index": index, "delta": said, "finish_reason": finish}
    return msgspec.json.encode({"id": "c", "model": "m", "created": 1, "choices": [choice]})


def read(*payloads: bytes) -> list:
    chunks = ChunkReader(Judge("p", "openai", classify), 200, wants_usage=True)
    found: list = []
    EventReader(chunks, fallback_id="f", unix_s=9).read(list(payloads), found, is_last=False)
    return found


@pytest.mark.parametrize(
    "pieces",
    [
        # By index, as OpenAI does.
        [
            {"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}},
            {"index": 0, "function": {"arguments": "{}"}},
            {"index": 1, "id": "b", "function": {"name": "g", "arguments": "{}"}},
        ],
        # Whole calls that all have the index 0.
        [
            {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}},
            {"index": 0, "id": "b", "function": {"name": "g", "arguments": "{}"}},
        ],
        # Without an index; arguments as an object.
        [
            {"id": "a", "function": {"name": "f", "arguments": {}}},
            {"id": "b", "function": {"name": "g", "arguments": {}}},
        ],
    ],
)
def test_pieces_of_calls_are_told_apart_however_a_server_marks_them(pieces: list):
    """The events number the calls from 0."""
    events = read(*(delta(tool_calls=[piece]) for piece in pieces), delta(finish="stop"))

    started = [event for event in events if isinstance(event, ToolCallStarted)]
    arguments = [event for event in events if isinstance(event, ToolCallDelta)]
    assert [(call.id, call.name, call.index) for call in started] == [("a", "f", 0), ("b", "g", 1)]
    assert [(piece.index, piece.arguments) for piece in arguments] == [(0, "{}"), (1, "{}")]
    assert events[-1] == Finished("tool_calls")


def test_what_a_server_lacks_is_dropped_with_a_line_and_refused_when_strict():
    """Nothing is silent."""
    said = Conversation(
        dialect="anthropic.messages",
        turns=[Turn("user", [TextPart("x")])],
        top_k=3,
        choice_count=2,
        extras={"container": Raw(b'"c"')},
        reasoning=ReasoningWish(budget_tokens=2048),
    )
    changed: list[str] = []
    traits = Traits(lacks=frozenset({"top_k", "n"}))
    body = encode_conversation(
        said, "m", traits, Parameters("drop", "p", changed), asks_for_usage=True
    )

    assert msgspec.json.decode(body)["reasoning_effort"] == "low"
    assert changed == [
        "top_k: dropped",
        "n: dropped",
        "reasoning.budget_tokens: 2048 -> effort low",
        "container: dropped",
    ]


def test_reasoning_and_cache_marks_go_only_where_they_are_taken():
    """OpenRouter takes both; OpenAI neither, and the attempt says so."""
    said = Conversation(
        dialect="anthropic.messages",
        turns=[
            Turn("user", [TextPart("x", CacheHint("1h"))]),
            Turn("assistant", [ReasoningPart("hm", signature="s"), TextPart("y")]),
        ],
    )
    noted: list[str] = []
    plain = encode_conversation(
        said, "m", Traits(), Parameters("drop", "p", noted), asks_for_usage=True
    )
    kept = encode_conversation(
        said, "m", OPENROUTER, Parameters("strict", "p", []), asks_for_usage=True
    )

    assert b"cache_control" not in plain
    assert b"reasoning" not in plain
    assert len(noted) == 2
    assert decode(kept).turns == said.turns
