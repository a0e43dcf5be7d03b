"""The Messages API as clients speak it, read back with the official client's own types."""

import msgspec
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from pointsman.core.canonical.answer import Answer, AnswerChoice, FinishReason
from pointsman.core.canonical.conversation import ReasoningWish, ToolChoice, Turn
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
from pointsman.core.canonical.parts import (
    CacheHint,
    FilePart,
    ImagePart,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from pointsman.core.dialect import WireError
from pointsman.core.errors import InvalidRequestError
from pointsman.core.usage import Usage
from pointsman.dialects.anthropic_messages.dialect import AnthropicMessages, AnthropicTokenCount

DIALECT = AnthropicMessages()
EVENT: TypeAdapter[RawMessageStreamEvent] = TypeAdapter(RawMessageStreamEvent)
USAGE = Usage(
    input_tokens=30,
    output_tokens=12,
    cache_read_tokens=10,
    cache_write_tokens=5,
    reasoning_tokens=4,
)


def body(**fields: object) -> bytes:
    messages = [{"role": "user", "content": "hi"}]
    return msgspec.json.encode({"model": "m", "max_tokens": 9, "messages": messages, **fields})


def answer(*parts: Part, reason: FinishReason | None = "stop", **fields: object) -> Answer:
    choice = AnswerChoice(parts=list(parts), finish_reason=reason)
    return Answer(id="msg_1", model="m", created_unix_s=1, choices=[choice], usage=USAGE)


def encoded(told: Answer) -> Message:
    conversation = DIALECT.decode(body())
    return Message.model_validate_json(DIALECT.encode(told, conversation), strict=True)


def streamed(*events: Event) -> list[RawMessageStreamEvent]:
    """Return the events of a stream as the official client's types read them."""
    encoder = DIALECT.stream_encoder(DIALECT.decode(body()), wants_usage=True)
    frames = [frame for event in events for frame in encoder.encode([event])]
    frames += encoder.end()
    read = [EVENT.validate_json(frame.data) for frame in frames]
    assert [frame.event for frame in frames] == [event.type for event in read]
    return read


def test_what_decides_is_read_of_a_request():
    """GW-08: characters of system, text and tool results; tools, images, schema, user."""
    content = [
        {"type": "text", "text": "ωέλ"},
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
        {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "12345"}]},
        {"type": "tool_result", "tool_use_id": "u", "content": "67"},
    ]
    asked = DIALECT.read(
        body(
            system=[{"type": "text", "text": "brief"}],
            messages=[{"role": "user", "content": content}],
            stream=True,
            tools=[
                {"name": "look", "input_schema": {"type": "object"}},
                {"type": "web_search_20250305", "name": "web_search"},
            ],
            metadata={"user_id": "u1"},
            output_config={"format": {"type": "json_schema", "schema": {}}},
        )
    )
    facts = asked.facts

    assert (facts.characters, facts.estimated_input_tokens, facts.image_count) == (15, 4, 1)
    assert (facts.tool_count, facts.provider_tool_count, facts.json_schema) == (2, 1, True)
    assert (facts.stream, facts.max_output_tokens, facts.dialect) == (True, 9, DIALECT.name)
    assert (asked.user, asked.system_text) == ("u1", "brief")
    assert asked.tool_names == ["look", "web_search"]


def test_a_request_is_decoded_whole():
    """Every part that another provider may carry arrives in the canonical form."""
    messages = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look", "cache_control": {"type": "ephemeral"}},
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": "AA=="},
                },
                {
                    "type": "document",
                    "title": "t.pdf",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": "AA=="},
                },
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "redacted_thinking", "data": "cipher"},
                {"type": "tool_use", "id": "c1", "name": "look", "input": {"at": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "no", "is_error": True}
            ],
        },
    ]
    conversation = DIALECT.decode(
        body(
            messages=messages,
            system="brief",
            tools=[{"name": "look", "description": "d", "input_schema": {"type": "object"}}],
            tool_choice={"type": "any", "disable_parallel_tool_use": True},
            thinking={"type": "enabled", "budget_tokens": 2048},
            stop_sequences=["END"],
            top_k=3,
            tenant_id="acme",
            container="kept by name",
        )
    )

    assert conversation.system == [TextPart("brief")]
    assert conversation.turns == [
        Turn(
            "user",
            [
                TextPart("look", CacheHint()),
                ImagePart(data="AA==", media_type="image/png"),
                FilePart(data="AA==", media_type="application/pdf", filename="t.pdf"),
            ],
        ),
        Turn(
            "assistant",
            [
                ReasoningPart("hm", signature="sig"),
                ReasoningPart(encrypted="cipher"),
                ToolCallPart("c1", "look", '{"at":1}'),
            ],
        ),
        Turn("user", [ToolResultPart("c1", [TextPart("no")], is_error=True)]),
    ]
    assert conversation.tool_choice == ToolChoice("required")
    assert conversation.parallel_tool_calls is False
    assert conversation.reasoning == ReasoningWish(budget_tokens=2048)
    assert (conversation.stop, conversation.top_k) == (["END"], 3)
    assert list(conversation.extras) == ["container"]


def test_tools_that_anthropic_runs_are_kept_as_they_were_written():
    """They reach Anthropic unchanged, and another provider is told of them by name."""
    tool = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    conversation = DIALECT.decode(body(tools=[tool, {"name": "own"}]))

    assert [each.name for each in conversation.tools] == ["own"]
    assert [each.type for each in conversation.provider_tools] == ["web_search_20250305"]
    assert msgspec.json.decode(conversation.provider_tools[0].definition) == tool


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"tool_choice": {"type": "maybe"}}, "tool_choice.type"),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}],
                    }
                ]
            },
            "messages[0].content[0].source",
        ),
    ],
)
def test_what_cannot_be_understood_is_named(fields: dict[str, object], param: str):
    """The error says where, and never what stood there."""
    with pytest.raises(InvalidRequestError) as raised:
        DIALECT.decode(body(**fields))

    assert raised.value.param == param


def test_an_answer_is_a_message():
    """Reasoning with its proof, text, refusals and tool calls; input without the cache's share."""
    message = encoded(
        answer(
            ReasoningPart("hm", signature="sig"),
            TextPart("Hello"),
            RefusalPart("No."),
            ToolCallPart("c1", "look", '{"at": 1}'),
            reason="tool_calls",
        )
    )

    assert [block.type for block in message.content] == ["thinking", "text", "text", "tool_use"]
    assert message.content[3].model_dump()["input"] == {"at": 1}
    assert message.stop_reason == "tool_use"
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens) == (15, 10)
    assert (usage.cache_creation_input_tokens, usage.output_tokens) == (5, 12)


def test_malformed_arguments_are_passed_on_as_text():
    """This API has objects only; what is none must not be lost, nor made an empty call."""
    message = encoded(answer(ToolCallPart("c1", "look", '{"at": '), reason="tool_calls"))

    assert message.content[0].model_dump()["input"] == {"malformed_arguments": '{"at": '}


def test_a_stream_opens_and_closes_each_block_once():
    """Blocks are numbered; each delta belongs to the open one; the end tells reason and tokens."""
    events = streamed(
        Started("msg_1", "m", 1, Usage(input_tokens=30)),
        ReasoningDelta("h"),
        ReasoningDelta("m", signature="sig"),
        TextDelta("Hel"),
        TextDelta("lo"),
        ToolCallStarted("c1", "look", 0),
        ToolCallDelta('{"at"', 0),
        ToolCallDelta(": 1}", 0),
        ToolCallStarted("c2", "look", 1),
        ToolCallDelta("{}", 1),
        Finished("tool_calls"),
        UsageReported(USAGE),
    )

    kinds = [(event.type, getattr(event, "index", None)) for event in events]
    assert kinds == [
        ("message_start", None),
        ("content_block_start", 0),
        *[("content_block_delta", 0)] * 3,
        ("content_block_stop", 0),
        ("content_block_start", 1),
        *[("content_block_delta", 1)] * 2,
        ("content_block_stop", 1),
        ("content_block_start", 2),
        *[("content_block_delta", 2)] * 2,
        ("content_block_stop", 2),
        ("content_block_start", 3),
        ("content_block_delta", 3),
        ("content_block_stop", 3),
        ("message_delta", None),
        ("message_stop", None),
    ]
    end = events[-2].model_dump()
    assert (end["delta"]["stop_reason"], end["usage"]["output_tokens"]) == ("tool_use", 12)


def test_thoughts_with_proofs_of_their_own_stay_apart():
    """Each block goes back with its own signature, or its provider refuses it."""
    events = streamed(
        Started("msg_1", "m", 1),
        ReasoningDelta("a", signature="sig a"),
        ReasoningDelta("b", signature="sig b"),
        Finished("stop"),
    )

    assert [event.index for event in events if event.type == "content_block_start"] == [0, 1]


@given(st.lists(st.sampled_from(["text", "thinking", "call"]), max_size=12))
def test_any_order_of_content_is_a_well_formed_stream(kinds: list[str]):
    """Every block that is opened is closed before the next, whatever comes."""
    events: list[Event] = [Started("msg_1", "m", 1)]
    calls = 0
    for kind in kinds:
        if kind == "text":
            events.append(TextDelta("x"))
        elif kind == "thinking":
            events.append(ReasoningDelta("x"))
        else:
            events += [ToolCallStarted(f"c{calls}", "look", calls), ToolCallDelta("{}", calls)]
            calls += 1
    read = streamed(*events, Finished("stop"))

    opened: int | None = None
    for event in read:
        if event.type == "content_block_start":
            assert opened is None
            opened = event.index
        elif event.type in ("content_block_delta", "content_block_stop"):
            assert event.index == opened
            opened = None if event.type == "content_block_stop" else opened
    assert opened is None


def test_errors_have_this_apis_shape_and_keep_the_story():
    """The status names the type; the gateway's code and attempts stand beside it."""
    error = WireError(
        status=503,
        message="nobody",
        type="service_unavailable",
        code="no_target",
        metadata={"attempts": []},
        request_id="req_1",
    )
    told = msgspec.json.decode(DIALECT.encode_error(error))

    assert told == {
        "type": "error",
        "error": {
            "type": "overloaded_error",
            "message": "nobody",
            "code": "no_target",
            "metadata": {"attempts": []},
        },
        "request_id": "req_1",
    }
    assert DIALECT.error_frame(error).event == "error"


def test_a_streamed_message_is_put_together_again():
    """Redaction must see a value that was split over two pieces."""
    encoder = DIALECT.stream_encoder(DIALECT.decode(body()), wants_usage=True)
    events: list[Event] = [
        Started("msg_1", "m", 1),
        ReasoningDelta("think"),
        TextDelta("jo@exam"),
        TextDelta("ple.org"),
        ToolCallStarted("c1", "look", 0),
        ToolCallDelta('{"a"', 0),
        ToolCallDelta(":1}", 0),
    ]
    kept = msgspec.json.decode(DIALECT.assemble([f.data for f in encoder.encode(events)]))

    assert (kept["content"], kept["thinking"]) == ("jo@example.org", "think")
    assert kept["tool_calls"] == [{"name": "look", "arguments": '{"a":1}'}]


def test_counting_tokens_needs_no_bound_of_the_output():
    """The count is a route of its own, with the same bodies."""
    dialect = AnthropicTokenCount()
    request = msgspec.json.encode(
        {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    )

    assert dialect.read(request).facts.operation == "count_tokens"
    assert dialect.decode(request).turns == [Turn("user", [TextPart("hello")])]
    assert dialect.encode_count(7) == b'{"input_tokens":7}'
