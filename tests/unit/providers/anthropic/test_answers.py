"""Answers and streams of the Messages API: nothing is lost, and every end is told apart."""

import json

import pytest
from anthropic.types import Message
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.canonical.parts import ReasoningPart, TextPart, ToolCallPart
from pointsman.core.clock import ManualClock
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.providers.answer_stream import AnswerStream
from pointsman.providers.anthropic.decode import decode_answer, decode_native
from pointsman.providers.anthropic.stream import EventReader, NativeReader
from pointsman.providers.anthropic.whole import chunks_of
from pointsman.providers.judge import Judge
from pointsman.providers.whole_answer import events_of
from pointsman.resilience.classify import classify
from pointsman.wire.sse import EventDecoder
from provider_families import assembled
from provider_requests import request_in
from scripted_http import WrittenResponse
from vendors.anthropic_bodies import events, sse

F = FailureClass
JUDGE = Judge("claude", "anthropic", classify)
USAGE = {
    "input_tokens": 9,
    "cache_creation_input_tokens": 128,
    "cache_read_input_tokens": 1024,
    "cache_creation": {"ephemeral_5m_input_tokens": 28, "ephemeral_1h_input_tokens": 100},
    "output_tokens": 40,
    "output_tokens_details": {"thinking_tokens": 30},
}


def message(*content: dict, reason: str = "end_turn", **more) -> dict:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": list(content),
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": USAGE,
        **more,
    }


def text(words: str) -> dict:
    return {"type": "text", "text": words}


def decoded(whole: dict):
    return decode_answer(json.dumps(whole).encode(), 200, JUDGE, 1_700_000_000)


words = st.text(min_size=1, max_size=20)
blocks = st.one_of(
    st.builds(text, words),
    st.builds(lambda t, s: {"type": "thinking", "thinking": t, "signature": s}, words, words),
    st.builds(lambda d: {"type": "redacted_thinking", "data": d}, words),
    st.builds(
        lambda i, n, a: {"type": "tool_use", "id": i, "name": n, "input": a},
        words,
        words,
        st.dictionaries(words, st.integers() | words | st.none(), max_size=3),
    ),
)


@given(
    st.lists(blocks, max_size=4),
    st.sampled_from(["end_turn", "max_tokens", "tool_use", "refusal", "pause_turn"]),
    st.integers(1, 200),
)
def test_whole_and_streamed_answers_say_the_same_and_lose_nothing(content, reason, cut):
    """Round trip: what the vendor's own types read is in the canonical form, however it is cut."""
    # Two texts in a row are one in a stream.
    content = [
        block
        for index, block in enumerate(content)
        if not index or block["type"] != "text" or content[index - 1]["type"] != "text"
    ]
    whole = message(*content, reason=reason)
    oracle = Message.model_validate(whole)

    answer = decoded(whole)
    reader = EventReader(JUDGE, 200, 1_700_000_000)
    decoder, said = EventDecoder(), []
    body = b"".join(map(sse, events(whole)))
    for start in range(0, len(body), cut):
        reader.read(decoder.feed(body[start : start + cut]), said, is_last=False)

    parts = answer.choices[0].parts
    assert len(parts) == len(oracle.content)
    for part, block in zip(parts, oracle.content, strict=True):
        match part:
            case TextPart():
                assert part.text == block.text
            case ReasoningPart(encrypted=None):
                assert (part.text, part.signature) == (block.thinking, block.signature)
            case ReasoningPart():
                assert part.encrypted == block.data
            case ToolCallPart():
                assert (part.id, part.name) == (block.id, block.name)
                assert json.loads(part.arguments) == block.input
    streamed = assembled(said)
    for part in (*parts, *streamed.choices[0].parts):
        if isinstance(part, ToolCallPart):
            part.arguments = json.dumps(json.loads(part.arguments))
    assert streamed.choices == answer.choices
    assert (streamed.id, streamed.model) == (answer.id, answer.model)
    assert reader.is_done
    assert reader.is_complete


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop_sequence"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "pause"),
        ("some_reason_of_tomorrow", "stop"),
    ],
)
def test_every_end_has_a_reason(said: str, reason: str):
    """Reasons that are not known yet are an ordinary end."""
    whole = message(text("a"), reason=said, stop_sequence="x" if said == "stop_sequence" else None)

    choice = decoded(whole).choices[0]

    assert choice.finish_reason == reason
    assert choice.stop_sequence == whole["stop_sequence"]


def test_blocks_of_the_vendors_own_tools_are_left_out():
    """Their outcome is in the text; a kind of tomorrow must not break an answer."""
    whole = message(
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
        {"type": "of_tomorrow", "text": 7},
        text("found"),
    )

    assert decoded(whole).choices[0].parts == [TextPart("found")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "O"}}, F.OVERLOADED),
        ({"type": "error", "error": {"type": "api_error", "message": "I"}}, F.SERVER_ERROR),
        ({"type": "error", "error": {"type": "timeout_error", "message": "T"}}, F.SERVER_ERROR),
        ({"content": [], "error": {"type": "overloaded_error", "message": "O"}}, F.OVERLOADED),
        ({"type": "message"}, F.PROTOCOL),
        ([1], F.PROTOCOL),
    ],
)
def test_an_error_under_a_success_status_is_a_failure(body: object, expected: FailureClass):
    """MM-04, MM-05."""
    with pytest.raises(UpstreamError) as caught:
        decode_native(json.dumps(body).encode(), 200, JUDGE)

    assert caught.value.failure_class is expected


def test_a_native_answer_is_described_and_left_alone():
    """The record needs model, reason, usage and length; the client gets the bytes."""
    use = {"type": "tool_use", "id": "t", "name": "n", "input": {"a": 1}}
    body = json.dumps(message(text("häß"), use, reason="tool_use")).encode()

    answer = decode_native(body, 200, JUDGE)

    assert answer.body is body
    assert (answer.response_id, answer.model) == ("msg_1", "claude-haiku-4-5")
    assert answer.finish_reasons == ["tool_use"]
    assert answer.usage is not None
    assert answer.usage.input_tokens == 9 + 128 + 1024
    assert answer.output_characters == 3 + len('{"a": 1}')


async def played(*pieces: bytes, native: bool = True):
    """Return what the stream handed on, read by read, and the failure or None."""
    request = request_in("anthropic.messages", b"{}", stream=True)
    reader = NativeReader(JUDGE, 200) if native else EventReader(JUDGE, 200, 1)
    stream = AnswerStream(
        WrittenResponse(list(pieces)),
        request,
        decoder=EventDecoder(),
        reader=reader,
        judge=JUDGE,
        clock=ManualClock(),
    )
    reads = []
    try:
        while more := await stream.next_chunks():
            reads.append(more)
    except UpstreamError as error:
        return reads, error
    return reads, None


WHOLE = events(
    message(text("Hello there"), {"type": "tool_use", "id": "t", "name": "n", "input": {}})
)
PING = sse({"type": "ping"})
OVERLOADED = sse({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})


async def test_a_native_stream_is_handed_on_with_its_names_and_described():
    """Every event in its order; usage and reason are noted for the record."""
    reads, failure = await played(*map(sse, WHOLE))

    chunks = [chunk for read in reads for chunk in read]
    assert failure is None
    assert [json.loads(chunk.data) for chunk in chunks] == WHOLE
    assert [chunk.event for chunk in chunks] == [each["type"] for each in WHOLE]
    assert (chunks[0].model, chunks[0].response_id) == ("claude-haiku-4-5", "msg_1")
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["end_turn"]
    begun, usage = [chunk.usage for chunk in chunks if chunk.usage]
    # One that is left early knows its input; the output is not what the start says of it.
    assert (begun.input_tokens, begun.output_tokens, begun.cache_write_1h_tokens) == (
        1161,
        None,
        100,
    )
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens) == (1161, 40, 30)
    assert usage.cache_write_1h_tokens == 100
    assert sum(chunk.output_characters for chunk in chunks) == len("Hello there{}")


@pytest.mark.parametrize("native", [True, False])
async def test_nothing_is_handed_on_before_content_so_that_another_target_may_answer(native: bool):
    """FO: an overload right behind the start, pings before it, costs no failover."""
    reads, failure = await played(sse(WHOLE[0]), PING, OVERLOADED, native=native)

    assert reads == []
    assert failure is not None
    assert failure.failure_class is F.OVERLOADED
    assert failure.upstream_status is None


@pytest.mark.parametrize("native", [True, False])
async def test_what_came_before_an_error_is_handed_on(native: bool):
    """MM-02: it is lost to nobody, and the end is no success."""
    reads, failure = await played(*map(sse, WHOLE[:5]), OVERLOADED, native=native)

    assert reads
    assert failure is not None
    assert failure.failure_class is F.OVERLOADED


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("missing", [1, 2, 5])
async def test_a_stream_without_its_end_is_truncated(native: bool, missing: int):
    """MM-02: `message_stop` and a stop reason, or it was cut."""
    reads, failure = await played(*map(sse, WHOLE[:-missing]), native=native)

    assert reads
    assert failure is not None
    assert failure.failure_class is F.TRUNCATED


@pytest.mark.parametrize("native", [True, False])
async def test_a_stream_that_stops_without_a_reason_is_truncated(native: bool):
    """The marker alone says nothing about the answer."""
    pieces = [sse(each) for each in WHOLE if each["type"] != "message_delta"]

    _, failure = await played(*pieces, native=native)

    assert failure is not None
    assert failure.failure_class is F.TRUNCATED


async def test_a_call_without_arguments_has_an_empty_object():
    """The API sends no piece of them; whoever reads JSON needs one."""
    pieces = [
        sse(each) for each in WHOLE if each.get("delta", {}).get("type") != "input_json_delta"
    ]

    reads, failure = await played(*pieces, native=False)

    said = assembled([event for read in reads for event in read])
    assert failure is None
    assert said.choices[0].parts[1] == ToolCallPart("t", "n", "{}")


@pytest.mark.parametrize("native", [True, False])
async def test_rubbish_in_a_stream_is_a_protocol_failure(native: bool):
    """It is nothing that a client could read."""
    _, failure = await played(sse(WHOLE[0]), b"data: oops\n\n", native=native)

    assert failure is not None
    assert failure.failure_class is F.PROTOCOL


def test_a_message_that_came_whole_becomes_the_events_of_a_stream():
    """Some servers ignore `stream: true`."""
    whole = message(text("hi"), {"type": "tool_use", "id": "t", "name": "n", "input": {"a": 1}})
    chunks = chunks_of(decode_native(json.dumps(whole).encode(), 200, JUDGE))

    reader, said = EventReader(JUDGE, 200, 1_700_000_000), []
    reader.read([chunk.data for chunk in chunks], said, is_last=False)

    assert assembled(said).choices == decoded(whole).choices
    assert reader.is_complete


def test_an_answer_that_came_whole_becomes_events():
    """The same for whoever awaits events; every call keeps its place."""
    calls = [{"type": "tool_use", "id": name, "name": name, "input": {"a": 1}} for name in "xy"]
    answer = decoded(message(text("hi"), *calls, reason="tool_use"))

    said = assembled(events_of(answer))

    assert said.choices == answer.choices
    assert said.usage == answer.usage
