"""The Responses API as clients speak it, read back with the official client's own types."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from pointsman.core.canonical.answer import Answer, AnswerChoice, FinishReason
from pointsman.core.canonical.conversation import (
    OutputFormat,
    ReasoningWish,
    Tool,
    ToolChoice,
    Turn,
)
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
from pointsman.core.canonical.parts import (
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
from pointsman.dialects.openai_responses.dialect import OpenAiResponses
from pointsman.dialects.openai_responses.sealed import seal, unseal

DIALECT = OpenAiResponses()
EVENT: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
USAGE = Usage(input_tokens=30, output_tokens=12, cache_read_tokens=10, reasoning_tokens=4)


def body(**fields: object) -> bytes:
    return msgspec.json.encode({"model": "m", "input": "hi", **fields})


def encoded(*parts: Part, reason: FinishReason = "stop", request: bytes = body()) -> Response:
    choice = AnswerChoice(parts=list(parts), finish_reason=reason)
    answer = Answer(id="a1", model="m", created_unix_s=1, choices=[choice], usage=USAGE)
    return Response.model_validate_json(DIALECT.encode(answer, DIALECT.decode(request)))


def streamed(*events: Event) -> list[ResponseStreamEvent]:
    """Return the events of a stream as the official client's types read them."""
    encoder = DIALECT.stream_encoder(DIALECT.decode(body()), wants_usage=True)
    frames = [frame for event in events for frame in encoder.encode([event])]
    frames += encoder.end()
    read = [EVENT.validate_json(frame.data) for frame in frames]
    assert [frame.event for frame in frames] == [event.type for event in read]
    assert [event.sequence_number for event in read] == list(range(len(read)))
    return read


def test_what_decides_is_read_of_a_request():
    """Characters of instructions, messages and results; tools, images, schema."""
    items = [
        {"role": "developer", "content": "be"},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "ωέλ"},
                {"type": "input_image", "image_url": "https://x/y.png", "detail": "auto"},
            ],
        },
        {"type": "function_call_output", "call_id": "c1", "output": "12345"},
    ]
    asked = DIALECT.read(
        body(
            input=items,
            instructions="brief",
            max_output_tokens=9,
            stream=True,
            tools=[{"type": "function", "name": "look"}, {"type": "web_search"}],
            text={"format": {"type": "json_schema", "name": "n", "schema": {}}},
            user="u1",
        )
    )
    facts = asked.facts

    assert (facts.characters, facts.message_count, facts.image_count) == (15, 3, 1)
    assert (facts.tool_count, facts.provider_tool_count, facts.json_schema) == (2, 1, True)
    assert (facts.stream, facts.max_output_tokens, facts.endpoint) == (True, 9, "/v1/responses")
    assert (asked.user, asked.system_text, asked.tool_names) == ("u1", "brief\nbe", ["look"])


def test_items_become_turns():
    """Reasoning, text and calls of one side belong to one turn."""
    items = [
        {"role": "system", "content": "brief"},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "look"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA=="},
                {
                    "type": "input_file",
                    "filename": "t.pdf",
                    "file_data": "data:application/pdf;base64,AA==",
                },
            ],
        },
        {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "hm"}]},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "ok"}],
        },
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
        {"type": "function_call", "call_id": "c2", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {"type": "function_call_output", "call_id": "c2", "output": "two"},
        {"role": "user", "content": "and?"},
    ]
    conversation = DIALECT.decode(body(input=items, instructions="be kind"))

    assert conversation.system == [TextPart("be kind"), TextPart("brief")]
    assert conversation.turns == [
        Turn(
            "user",
            [
                TextPart("look"),
                ImagePart(data="AA==", media_type="image/png"),
                FilePart(data="AA==", media_type="application/pdf", filename="t.pdf"),
            ],
        ),
        Turn(
            "assistant",
            [
                ReasoningPart("hm"),
                TextPart("ok"),
                ToolCallPart("c1", "look", "{}"),
                ToolCallPart("c2", "look", "{}"),
            ],
        ),
        Turn(
            "user",
            [ToolResultPart("c1", [TextPart("one")]), ToolResultPart("c2", [TextPart("two")])],
        ),
        Turn("user", [TextPart("and?")]),
    ]


def test_parameters_are_decoded_and_the_rest_is_kept_by_name():
    """What has no place in the canonical form is told to the provider's folder, not dropped."""
    conversation = DIALECT.decode(
        body(
            tools=[
                {
                    "type": "function",
                    "name": "look",
                    "parameters": {"type": "object"},
                    "strict": True,
                }
            ],
            tool_choice={"type": "function", "name": "look"},
            reasoning={"effort": "high", "summary": "auto"},
            text={"format": {"type": "json_object"}, "verbosity": "low"},
            truncation="disabled",
            background=False,
            previous_response_id=None,
            max_tool_calls=3,
            tenant_id="acme",
        )
    )

    assert conversation.tools == [
        Tool("look", None, msgspec.Raw(b'{"type":"object"}'), strict=True)
    ]
    assert conversation.tool_choice == ToolChoice("named", "look")
    assert conversation.reasoning == ReasoningWish("high", summary="auto")
    assert (conversation.output, conversation.verbosity) == (OutputFormat("json"), "low")
    assert list(conversation.extras) == ["max_tool_calls"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"input": []}, "input"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"tool_choice": {"type": "mcp"}}, "tool_choice"),
    ],
)
def test_what_another_provider_cannot_be_told_is_refused_by_name(
    fields: dict[str, object], param: str
):
    """A response that only one provider keeps must not be answered without it."""
    with pytest.raises(InvalidRequestError) as raised:
        DIALECT.decode(body(**fields))

    assert raised.value.param == param


def test_an_answer_is_a_response():
    """Reasoning, messages and calls are items of their own, in the order they came."""
    request = body(instructions="brief", temperature=0.5, reasoning={"effort": "low"})
    response = encoded(
        ReasoningPart("hm"),
        TextPart("Hello"),
        RefusalPart("No."),
        ToolCallPart("c1", "look", '{"at":1}'),
        reason="tool_calls",
        request=request,
    )

    assert [item.type for item in response.output] == ["reasoning", "message", "function_call"]
    assert response.output_text == "Hello"
    assert (response.status, response.instructions, response.temperature) == (
        "completed",
        "brief",
        0.5,
    )
    usage = response.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (30, 12, 42)
    assert usage.input_tokens_details.cached_tokens == 10


@pytest.mark.parametrize(
    ("reason", "told"), [("length", "max_output_tokens"), ("content_filter", "content_filter")]
)
def test_an_answer_that_was_cut_is_incomplete(reason: FinishReason, told: str):
    """A truncation must not look like a whole answer."""
    response = encoded(TextPart("Hel"), reason=reason)

    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == told


def test_a_stream_tells_every_item_begun_in_pieces_and_whole():
    """The events of the API in their order, numbered without a gap."""
    events = streamed(
        Started("a1", "m", 1),
        ReasoningDelta("hm"),
        TextDelta("Hel"),
        TextDelta("lo"),
        ToolCallStarted("c1", "look", 0),
        ToolCallDelta('{"at"', 0),
        ToolCallDelta(":1}", 0),
        ToolCallStarted("c2", "look", 1),
        Finished("tool_calls"),
        UsageReported(USAGE),
    )

    assert [event.type.removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.output_text == "Hello"
    calls = [item for item in last.response.output if item.type == "function_call"]
    assert [(call.call_id, call.arguments) for call in calls] == [("c1", '{"at":1}'), ("c2", "{}")]


@given(st.lists(st.sampled_from("trfc"), max_size=12))
def test_a_stream_says_what_the_whole_answer_says(kinds: list[str]):
    """Items, their order and their content are the same, however they came."""
    events: list[Event] = [Started("a1", "m", 1)]
    parts: list[Part] = []
    for position, kind in enumerate(kinds):
        calls = sum(isinstance(part, ToolCallPart) for part in parts)
        if kind == "t":
            events.append(TextDelta("x"))
            _join(parts, TextPart("x"))
        elif kind == "f":
            events.append(RefusalDelta("y"))
            _join(parts, RefusalPart("y"))
        elif kind == "r":
            events.append(ReasoningDelta("z"))
            _join(parts, ReasoningPart("z"))
        else:
            name = f"c{position}"
            events += [ToolCallStarted(name, "look", calls), ToolCallDelta("{}", calls)]
            parts.append(ToolCallPart(name, "look", "{}"))
    events += [Finished("stop"), UsageReported(USAGE)]
    last = streamed(*events)[-1]

    assert last.type == "response.completed"
    assert last.response == encoded(*parts)


def _join(parts: list[Part], part: TextPart | RefusalPart | ReasoningPart) -> None:
    before = parts[-1] if parts else None
    if isinstance(before, type(part)) and isinstance(
        before, TextPart | RefusalPart | ReasoningPart
    ):
        before.text += part.text
    else:
        parts.append(part)


@pytest.mark.parametrize(
    ("signature", "encrypted"), [("sig", None), (None, "cipher"), ("sig", "cipher")]
)
def test_proofs_of_other_providers_come_back_with_the_item(
    signature: str | None, encrypted: str | None
):
    """The client sends one opaque text back; both are in it."""
    content = seal(signature, encrypted)

    assert unseal("hm", content) == ReasoningPart("hm", signature=signature, encrypted=encrypted)


@pytest.mark.parametrize("content", ["gAAAA-of-openai", "pointsman1:not base64", "pointsman1:AAAA"])
def test_a_cipher_that_is_not_ours_stays_what_it_is(content: str):
    """OpenAI's own reasoning goes back to OpenAI unchanged."""
    assert unseal("", content) == ReasoningPart("", encrypted=content)


def test_an_error_in_a_stream_is_one_that_the_official_client_raises():
    """It raises where the event holds an `error` object."""
    error = WireError(status=502, message="cut", type="upstream_error", code="truncated")
    frame = DIALECT.error_frame(error)
    told = msgspec.json.decode(frame.data)

    assert (frame.event, told["type"], told["code"]) == ("error", "error", "truncated")
    assert told["error"]["message"] == "cut"


def test_a_streamed_response_is_kept_whole_or_in_pieces():
    """The items of one that ended; the pieces of one that was cut."""
    encoder = DIALECT.stream_encoder(DIALECT.decode(body()), wants_usage=True)
    begun = [
        f.data for f in encoder.encode([Started("a1", "m", 1), TextDelta("jo@"), TextDelta("x")])
    ]
    ended = [f.data for f in encoder.end()]

    assert msgspec.json.decode(DIALECT.assemble(begun))["pieces"] == "jo@x"
    kept = msgspec.json.decode(DIALECT.assemble(begun + ended))
    assert kept["output"][0]["content"][0]["text"] == "jo@x"
