"""Servers that answer in another way than asked, over a written exchange."""

import json

import pytest
from msgspec import Raw

from pointsman.core.canonical.conversation import Conversation, Turn
from pointsman.core.canonical.embedding import EmbeddingRequest
from pointsman.core.canonical.events import Finished, TextDelta
from pointsman.core.canonical.parts import TextPart
from pointsman.core.clock import ManualClock
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.providers.gemini.client import GeminiProvider, GeminiSettings
from pointsman.resilience.classify import classify
from provider_requests import request_in
from scripted_http import ScriptedHttp, WrittenResponse

HELLO = Conversation(dialect="openai.chat", turns=[Turn("user", [TextPart("hello")])], stream=True)
ANSWER = {
    "candidates": [{"content": {"parts": [{"text": "hi"}]}, "finishReason": "STOP"}],
    "modelVersion": "gemini-2.5-flash",
}
PICTURE = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}


def provider_over(*pieces: bytes, kind: str = "application/json") -> GeminiProvider:
    settings = GeminiSettings(name="g", origin="https://g.example", path="/v1beta")
    response = WrittenResponse(list(pieces), headers={"content-type": kind})
    return GeminiProvider(settings, ScriptedHttp(response), ManualClock(), classify)


async def events_of(provider: GeminiProvider, request) -> list:
    stream = await provider.answer_stream(request, HELLO)
    events = []
    while more := await stream.next_events():
        events.extend(more)
    return events


async def test_an_answer_that_came_whole_is_handed_on_as_events():
    """Some proxies ignore that a stream was asked for."""
    events = await events_of(provider_over(json.dumps(ANSWER).encode()), request_in("d", b"{}"))

    assert [event.text for event in events if isinstance(event, TextDelta)] == ["hi"]
    assert [event.reason for event in events if isinstance(event, Finished)] == ["stop"]
    assert events[0].id == "req_1"


async def test_events_under_a_wrong_type_are_read_as_such():
    """A proxy may lose the type of the answer."""
    body = b"data: " + json.dumps(ANSWER).encode() + b"\n\n"

    events = await events_of(provider_over(body, kind="text/plain"), request_in("d", b"{}"))

    assert [event.text for event in events if isinstance(event, TextDelta)] == ["hi"]


async def test_a_picture_that_a_stream_cannot_carry_is_told_once():
    """Field notes 8.14: nothing is dropped silently."""
    answer = {"candidates": [{"content": {"parts": [PICTURE, PICTURE]}, "finishReason": "STOP"}]}
    body = b"data: " + json.dumps(answer).encode() + b"\n\n"
    request = request_in("d", b"{}")

    await events_of(provider_over(body, kind="text/event-stream"), request)

    dropped = [line for line in request.attempt.parameters_changed if "images" in line]
    assert dropped == ["answer.images: dropped from the stream"]


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (b'{"embeddings": [{"values": [1.0]}]}', FailureClass.PROTOCOL),
        (b"{}", FailureClass.PROTOCOL),
        (b'{"error": {"code": 503, "status": "UNAVAILABLE"}}', FailureClass.OVERLOADED),
    ],
)
async def test_another_number_of_vectors_than_texts_is_no_answer(body: bytes, failure):
    """A vector at another's place would be worse than none."""
    texts = EmbeddingRequest(dialect="openai.embeddings", texts=["a", "b"])

    with pytest.raises(UpstreamError) as caught:
        await provider_over(body).embed(request_in("d", b"{}"), texts)

    assert caught.value.failure_class is failure


async def test_vectors_are_asked_for_with_googles_own_parameters():
    """What OpenAI has no word for may be said in Google's; the rest is named."""
    texts = EmbeddingRequest(
        dialect="openai.embeddings", texts=["a"], user="u", extras={"task_type": Raw(b"1")}
    )
    texts.extras["other"] = Raw(b"1")
    request = request_in("d", b"{}")
    usage = b'{"embeddings": [{"values": [1.0]}], "usageMetadata": {"promptTokenCount": 3}}'

    answer = await provider_over(usage).embed(request, texts)

    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.estimated) == (3, False)
    assert request.attempt.parameters_changed == ["user: dropped", "other: dropped"]


async def test_a_count_that_is_none_is_told_as_such():
    """The client must not be told a made-up number as the vendor's."""
    with pytest.raises(UpstreamError) as caught:
        await provider_over(b'{"tokens": 1}').count_tokens(request_in("d", b"{}"), HELLO)

    assert caught.value.failure_class is FailureClass.PROTOCOL
