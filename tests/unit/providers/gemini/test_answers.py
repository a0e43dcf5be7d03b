"""Answers and streams of the Gemini API: nothing is lost, and every end is told apart."""

import base64
import json

import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.canonical.parts import ImagePart, ReasoningPart, TextPart, ToolCallPart
from pointsman.core.clock import ManualClock
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.providers.answer_stream import AnswerStream
from pointsman.providers.gemini.decode import decode_answer
from pointsman.providers.gemini.signatures import marked
from pointsman.providers.gemini.stream import EventReader
from pointsman.providers.judge import Judge
from pointsman.resilience.classify import classify
from pointsman.wire.sse import EventDecoder
from provider_families import assembled
from provider_requests import request_in
from scripted_http import WrittenResponse
from vendors.gemini_bodies import chunks, sse

F = FailureClass
JUDGE = Judge("g", "gemini", classify)
USAGE = {
    "promptTokenCount": 20,
    "cachedContentTokenCount": 8,
    "candidatesTokenCount": 10,
    "thoughtsTokenCount": 30,
    "toolUsePromptTokenCount": 5,
    "totalTokenCount": 65,
}


def response(*parts: dict, reason: str = "STOP", **more) -> dict:
    content = {"role": "model", **({"parts": list(parts)} if parts else {})}
    return {
        "candidates": [{"content": content, "finishReason": reason, "index": 0}],
        "usageMetadata": USAGE,
        "modelVersion": "gemini-2.5-flash",
        "responseId": "abc",
        **more,
    }


def text(words: str, **more) -> dict:
    return {"text": words, **more}


def call(name: str, args: dict, **more) -> dict:
    return {"functionCall": {"name": name, "args": args}, **more}


def decoded(whole: dict):
    return decode_answer(json.dumps(whole).encode(), 200, JUDGE, unix_s=7, fallback_id="req_1")


async def played(*pieces: bytes):
    """Return what the stream handed on, read by read, and the failure or None."""
    request = request_in("openai.chat", b"{}", stream=True)
    stream = AnswerStream(
        WrittenResponse(list(pieces)),
        request,
        decoder=EventDecoder(),
        reader=EventReader(
            JUDGE, 200, unix_s=7, fallback_id="req_1", changed=request.attempt.parameters_changed
        ),
        judge=JUDGE,
        clock=ManualClock(),
    )
    reads = []
    try:
        while more := await stream.next_events():
            reads.append(more)
    except UpstreamError as error:
        return reads, error
    return reads, None


def failure_of(whole: dict) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        decoded(whole)
    return caught.value


words = st.text(min_size=1, max_size=20)
signatures = st.binary(min_size=1, max_size=9).map(lambda raw: base64.b64encode(raw).decode())
arguments = st.dictionaries(words, st.integers() | words | st.none(), max_size=3)
parts = st.one_of(
    st.builds(text, words),
    st.builds(lambda t: text(t, thought=True), words),
    st.builds(lambda t, s: text(t, thoughtSignature=s), words, signatures),
    st.builds(call, words, arguments),
    st.builds(lambda n, a, s: call(n, a, thoughtSignature=s), words, arguments, signatures),
)


@given(
    st.lists(parts, max_size=4),
    st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY"]),
    st.integers(1, 200),
)
def test_whole_and_streamed_answers_say_the_same_and_lose_nothing(content, reason, cut):
    """Round trip: what the vendor's own types read is in the canonical form, however it is cut."""
    whole = response(*content, reason=reason)
    oracle = types.GenerateContentResponse.model_validate(whole).candidates[0].content.parts or []

    answer = decoded(whole)
    reader = EventReader(JUDGE, 200, unix_s=7, fallback_id="req_1", changed=[])
    decoder, said = EventDecoder(), []
    body = b"".join(map(sse, chunks(whole)))
    for start in range(0, len(body), cut):
        reader.read(decoder.feed(body[start : start + cut]), said, is_last=False)
    reader.read(decoder.close(), said, is_last=True)

    found = answer.choices[0].parts
    texts = [part.text for part in found if isinstance(part, TextPart)]
    thoughts = [part.text for part in found if isinstance(part, ReasoningPart)]
    assert "".join(texts) == "".join(p.text for p in oracle if p.text and not p.thought)
    assert "".join(thoughts) == "".join(p.text for p in oracle if p.text and p.thought)
    calls = [part for part in found if isinstance(part, ToolCallPart)]
    assert [(each.name, json.loads(each.arguments)) for each in calls] == [
        (p.function_call.name, p.function_call.args) for p in oracle if p.function_call
    ]
    proofs = [part.signature for part in found if isinstance(part, ReasoningPart | ToolCallPart)]
    assert [proof.removeprefix("gemini:") for proof in proofs if proof] == [
        p["thoughtSignature"] for p in content if "thoughtSignature" in p
    ]
    streamed = assembled(said)
    assert _joined(streamed.choices[0].parts) == _joined(found)
    assert streamed.choices[0].finish_reason == answer.choices[0].finish_reason
    assert (streamed.id, streamed.model, streamed.usage) == (
        answer.id,
        answer.model,
        answer.usage,
    )
    assert reader.is_complete


def _joined(found: list) -> tuple:
    """What was said, without where one piece of a kind ends; pieces of a signed text repeat it."""
    return (
        "".join(part.text for part in found if isinstance(part, TextPart)),
        "".join(part.text for part in found if isinstance(part, ReasoningPart)),
        {part.signature for part in found if isinstance(part, ReasoningPart)} - {None},
        [
            (part.id, part.name, json.loads(part.arguments), part.signature)
            for part in found
            if isinstance(part, ToolCallPart)
        ],
    )


def test_usage_adds_thoughts_and_the_apis_own_tools():
    """OBS-20 to OBS-24: both stand beside the counts that they belong to."""
    usage = decoded(response(text("a"))).usage

    assert (usage.input_tokens, usage.output_tokens) == (25, 40)
    assert (usage.cache_read_tokens, usage.reasoning_tokens) == (8, 30)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SOMETHING_OF_TOMORROW", "stop"),
    ],
)
def test_every_end_has_a_reason(said: str, expected: str):
    """Reasons that are not known yet are an ordinary end."""
    assert decoded(response(text("a"), reason=said)).choices[0].finish_reason == expected


def test_calls_without_ids_get_ones_that_are_unique_and_stay():
    """Gemini 2.5 gives none; OpenAI's clients need them, of at most 40 characters."""
    two = response(call("a", {}), call("a", {}), responseId="jUYeafqSG6n7nsEPyOG2sQU")

    ids = [part.id for part in decoded(two).choices[0].parts]

    assert len(set(ids)) == 2
    assert ids == [part.id for part in decoded(two).choices[0].parts]
    assert max(map(len, ids)) <= 40
    assert decoded(two).choices[0].finish_reason == "tool_calls"


def test_signatures_are_kept_where_they_can_come_back():
    """That of a call with the call, that of a text as reasoning without words."""
    whole = response(
        text("hm", thought=True),
        text("a", thoughtSignature="c2ln"),
        call("f", {"x": 1}, thoughtSignature="c2ln"),
    )

    assert decoded(whole).choices[0].parts == [
        ReasoningPart("hm"),
        TextPart("a"),
        ReasoningPart(signature=marked("c2ln")),
        ToolCallPart("call_abc_0_0", "f", '{"x":1}', "c2ln"),
    ]


def test_parts_of_the_apis_own_tools_are_left_out():
    """Their outcome is in the text; a kind of tomorrow must not break an answer."""
    whole = response(
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        {"ofTomorrow": 7},
        text("found"),
        {"inlineData": {"mimeType": "image/png", "data": "a-_b"}},
    )

    assert decoded(whole).choices[0].parts == [
        TextPart("found"),
        ImagePart(data="a+/b", media_type="image/png"),
    ]


def test_log_probabilities_have_openais_shape():
    """Clients read them as if the answer was OpenAI's."""
    chosen = {"token": "ä", "tokenId": 7, "logProbability": -0.5}
    whole = response(text("ä"))
    whole["candidates"][0]["logprobsResult"] = {
        "chosenCandidates": [chosen],
        "topCandidates": [{"candidates": [chosen]}],
    }

    said = json.loads(bytes(decoded(whole).choices[0].logprobs))

    token = {"token": "ä", "logprob": -0.5, "bytes": [195, 164]}
    assert said == {"content": [{**token, "top_logprobs": [token]}], "refusal": None}


@pytest.mark.parametrize(
    ("whole", "expected"),
    [
        ({"error": {"code": 503, "message": "m", "status": "UNAVAILABLE"}}, F.OVERLOADED),
        ({"error": {"code": 500, "message": "m", "status": "INTERNAL"}}, F.SERVER_ERROR),
        ({"promptFeedback": {"blockReason": "SAFETY"}}, F.CONTENT_FILTERED),
        ({"usageMetadata": USAGE}, F.PROTOCOL),
        (response(reason="MALFORMED_FUNCTION_CALL"), F.PROTOCOL),
        (response(reason="UNEXPECTED_TOOL_CALL"), F.PROTOCOL),
        (response(reason="MISSING_THOUGHT_SIGNATURE"), F.CALLER_FAULT),
    ],
)
async def test_what_is_no_answer_is_a_failure_whole_and_streamed(whole: dict, expected):
    """MM-04, MM-05: under a success status, too."""
    reads, failure = await played(sse(whole))

    assert failure_of(whole).failure_class is expected
    assert reads in ([], [[]])
    assert failure is not None
    assert failure.failure_class is (F.TRUNCATED if whole == {"usageMetadata": USAGE} else expected)


def test_a_blocked_prompt_tells_the_client_why():
    """The vendor's reason is the code of the record; the client gets OpenAI's."""
    failure = failure_of({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})

    assert failure.upstream_code == "PROHIBITED_CONTENT"
    assert failure.upstream_status == 400
    assert json.loads(failure.upstream_body)["error"]["code"] == "content_filter"


def test_what_is_not_json_is_a_protocol_failure():
    """A proxy's page, or half an answer."""
    with pytest.raises(UpstreamError) as caught:
        decode_answer(b"<html>", 200, JUDGE, unix_s=7, fallback_id="x")

    assert caught.value.failure_class is F.PROTOCOL


async def test_candidates_that_come_mixed_are_told_apart():
    """Several choices: each with its own calls and its own end."""
    one = response(text("a"))
    other = response(call("f", {}), reason="STOP")
    other["candidates"][0]["index"] = 1
    begun = response(text("b"))
    del begun["candidates"][0]["finishReason"]

    reads, failure = await played(sse(begun), sse(other), sse(one))

    events = [event for read in reads for event in read]
    ends = {event.choice: event.reason for event in events if hasattr(event, "reason")}
    assert failure is None
    assert ends == {0: "stop", 1: "tool_calls"}


async def test_one_candidate_without_its_end_is_truncated():
    """MM-02: the others being whole does not make it so."""
    begun = response(text("b"))
    del begun["candidates"][0]["finishReason"]
    other = response(text("a"))
    other["candidates"][0]["index"] = 1

    reads, failure = await played(sse(begun), sse(other))

    assert reads
    assert failure is not None
    assert failure.failure_class is F.TRUNCATED


async def test_usage_behind_the_reason_counts():
    """The API has no mark for the end; the last report is the whole."""
    late = {"usageMetadata": {**USAGE, "candidatesTokenCount": 11}, "responseId": "abc"}

    reads, failure = await played(sse(response(text("a"))), sse(late))

    assert failure is None
    assert assembled([event for read in reads for event in read]).usage.output_tokens == 41


async def test_what_came_before_an_error_is_handed_on():
    """MM-02: it is lost to nobody, and the end is no success."""
    begun = response(text("b"))
    del begun["candidates"][0]["finishReason"]
    error = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}

    reads, failure = await played(sse(begun), sse(error))

    assert reads
    assert failure is not None
    assert failure.failure_class is F.OVERLOADED


async def test_rubbish_in_a_stream_is_a_protocol_failure():
    """It is nothing that a client could read."""
    _, failure = await played(b"data: oops\n\n")

    assert failure is not None
    assert failure.failure_class is F.PROTOCOL
