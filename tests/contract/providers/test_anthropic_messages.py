"""Clients that speak Anthropic's own dialect, passed through to a scripted Anthropic."""

import json

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

from pointsman.core.canonical.conversation import Conversation, Tool, Turn
from pointsman.core.canonical.embedding import EmbeddingRequest
from pointsman.core.canonical.parts import TextPart
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.provider import StreamChunk
from provider_families import FAMILIES
from provider_requests import request_in
from provider_scenarios import collect
from vendors import scenarios
from vendors.anthropic_api import AnthropicApi

FAMILY = next(each for each in FAMILIES if each.name == "anthropic")
HELLO = {
    "model": "claude-haiku-4-5",
    "max_tokens": 3000,
    "messages": [{"role": "user", "content": "hi"}],
}
EVENT = TypeAdapter(RawMessageStreamEvent)


def asked(*, dialect: str = "anthropic.messages", **more):
    raw = json.dumps({**HELLO, **more}).encode()
    return request_in(dialect, raw, model=FAMILY.model, stream=bool(more.get("stream")))


async def test_a_plain_request_goes_through_as_it_came():
    """The bytes are left alone both ways; what the record needs is read on the way."""
    request = asked()
    with AnthropicApi() as vendor:
        vendor.next(scenarios.CACHED)
        provider = FAMILY.provider(vendor)
        answer = await provider.complete(request)
        await provider.close()

        assert vendor.last.body == request.body
        assert vendor.last.reply.body == answer.body
        assert vendor.last.headers["x-api-key"] == vendor.key
        assert vendor.last.headers["anthropic-version"] == "2023-06-01"
        assert "authorization" not in vendor.last.headers
    said = Message.model_validate_json(answer.body)
    assert said.stop_reason == "end_turn"
    assert answer.finish_reasons == ["end_turn"]
    assert answer.usage is not None
    assert answer.usage.input_tokens == scenarios.CACHED.usage.all_input_tokens
    assert request.attempt.parameters_changed == []
    assert request.attempt.upstream_request_id.startswith("req_011")


@pytest.mark.parametrize(
    "scenario",
    [scenarios.TEXT, scenarios.REDACTED_REASONING, scenarios.PARALLEL_TOOLS],
    ids=lambda each: each.name,
)
async def test_a_stream_goes_through_event_by_event(scenario):
    """Names and data are the vendor's; its own types can read every one."""
    more = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "stream": True}
    if scenario.expects:
        more["tools"] = [{"name": "get_weather", "input_schema": {"type": "object"}}]
    with AnthropicApi() as vendor:
        vendor.next(scenario)
        provider = FAMILY.provider(vendor)
        chunks, failure = await collect(provider, asked(**more))
        await provider.close()
        sent = [piece.decode() for piece in vendor.last.reply.body]

    assert failure is None
    assert all(EVENT.validate_json(chunk.data) for chunk in chunks if chunk.event != "ping")
    assert [frame(chunk) for chunk in chunks] == sent
    assert chunks[0].model == FAMILY.model
    assert sum(chunk.output_characters for chunk in chunks) > 0


def frame(chunk: StreamChunk) -> str:
    return f"event: {chunk.event}\ndata: {chunk.data.decode()}\n\n"


async def test_an_error_event_is_raised_and_not_handed_on():
    """The gateway tells of it in the client's words."""
    with AnthropicApi() as vendor:
        vendor.next(scenarios.MID_STREAM_ERROR.but(error_after=1))
        provider = FAMILY.provider(vendor)
        chunks, failure = await collect(provider, asked(stream=True))
        await provider.close()

    assert chunks == []
    assert failure is not None
    assert failure.failure_class is FailureClass.OVERLOADED


async def test_a_body_that_is_no_object_is_the_callers_fault():
    """Nothing is sent then."""
    request = request_in("anthropic.messages", b"[]", model="claude-x")
    request.requested_model = None
    with AnthropicApi() as vendor:
        provider = FAMILY.provider(vendor)
        with pytest.raises(UpstreamError) as caught:
            await provider.complete(request)
        await provider.close()

        assert vendor.received == []
    assert caught.value.failure_class is FailureClass.CALLER_FAULT


@pytest.mark.parametrize("dialect", ["anthropic.count_tokens", "openai.chat"])
async def test_tokens_are_counted_by_the_api_itself(dialect: str):
    """Whoever asks; what only an answer needs is left out."""
    said = Conversation(
        dialect=dialect,
        system=[TextPart("Be brief.")],
        turns=[Turn("user", [TextPart("hi")])],
        tools=[Tool("get_weather")],
        temperature=0.2,
        stop=["x"],
    )
    request = asked(dialect=dialect)
    with AnthropicApi() as vendor:
        provider = FAMILY.provider(vendor)
        tokens = await provider.count_tokens(request, said)
        await provider.close()

        assert vendor.last.path == "/v1/messages/count_tokens"
        assert not {"max_tokens", "temperature", "stop_sequences"} & set(vendor.last.json)
    assert tokens > 0


async def test_embeddings_are_left_to_others():
    """There are none here; another target may have them."""
    with AnthropicApi() as vendor:
        provider = FAMILY.provider(vendor)
        with pytest.raises(UpstreamError) as caught:
            await provider.embed(asked(dialect="openai.embeddings"), EmbeddingRequest(dialect="x"))
        await provider.close()

    assert caught.value.failure_class is FailureClass.MODEL_UNAVAILABLE
    assert caught.value.failure_class.allows_failover
