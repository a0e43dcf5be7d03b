"""Responses and embeddings, passed through to a scripted OpenAI as strict as the real one."""

import json
from collections.abc import AsyncIterator

import pytest
from openai.types.responses import Response

from pointsman.config.provider import ProviderConfig
from pointsman.config.section import Secret
from pointsman.core.canonical.embedding import EmbeddingRequest
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.provider import DialectProvider, StreamChunk
from pointsman.core.usage import Usage
from pointsman.providers.registry import build
from pointsman.resilience.classify import classify
from provider_requests import request_in
from provider_scenarios import CLOCK
from vendors import scenarios
from vendors.openai_api import OpenaiApi

F = FailureClass
MODEL = "gpt-4o-mini"


@pytest.fixture
def vendor():
    with OpenaiApi() as server:
        yield server


@pytest.fixture
async def provider(vendor: OpenaiApi) -> AsyncIterator[DialectProvider]:
    config = ProviderConfig(
        kind="lmstudio", base_url=vendor.base_url, api_key=Secret(vendor.key, "...test")
    )
    built = build("p", config, CLOCK, classify)
    yield built
    await built.close()


def response_request(*, stream: bool = False, **fields):
    body = {"model": "auto", "input": "hello there", **fields}
    if stream:
        body["stream"] = True
    request = request_in("openai.responses", json.dumps(body).encode(), model=MODEL, stream=stream)
    request.requested_model = "auto"
    return request


async def drained(provider: DialectProvider, request) -> list[StreamChunk]:
    stream = await provider.stream(request)
    chunks: list[StreamChunk] = []
    try:
        while more := await stream.next_chunks():
            chunks.extend(more)
    finally:
        stream.close()
    return chunks


async def test_a_response_is_handed_on_as_it_is(vendor: OpenaiApi, provider: DialectProvider):
    """GB-01: only the model's name is changed on the way; what it says of itself is noted."""
    vendor.next(scenarios.CACHED)
    request = response_request(tenant_id="acme", metadata={"a": "b"})
    request.drop_keys = ("tenant_id",)

    answer = await provider.complete(request)

    said = Response.model_validate_json(answer.body)
    assert (answer.response_id, answer.model) == (said.id, said.model)
    assert answer.finish_reasons == ["completed"]
    assert answer.output_characters == len(said.output_text)
    assert answer.usage == Usage(1161, 12, 1024, 128, 0)
    assert vendor.last.path.endswith("/v1/responses")
    assert vendor.last.json["model"] == MODEL
    assert "tenant_id" not in vendor.last.json
    assert "stream_options" not in vendor.last.json


@pytest.mark.parametrize(
    "scenario",
    [scenarios.TEXT, scenarios.PARALLEL_TOOLS, scenarios.REASONING, scenarios.REFUSAL],
    ids=lambda each: each.name,
)
async def test_a_stream_keeps_its_event_names_and_ends_with_its_event(
    vendor: OpenaiApi, provider: DialectProvider, scenario
):
    """Every event under its name; the last has usage and the reason."""
    vendor.next(scenario)
    request = response_request(stream=True)
    if "tools" in scenario.expects:
        tool = {"type": "function", "name": "get_weather", "parameters": {}, "strict": False}
        request = response_request(stream=True, tools=[tool])
    if scenario.usage.reasoning_tokens:
        request = response_request(stream=True, reasoning={"effort": "low"})

    chunks = await drained(provider, request)

    payloads = [json.loads(chunk.data) for chunk in chunks]
    assert [chunk.event for chunk in chunks] == [payload["type"] for payload in payloads]
    assert chunks[0].event == "response.created"
    assert chunks[-1].event == "response.completed"
    assert chunks[-1].finish_reason == "completed"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.output_tokens == scenario.usage.all_output_tokens
    whole = Response.model_validate(payloads[-1]["response"])
    assert sum(chunk.output_characters for chunk in chunks) >= len(whole.output_text)
    assert request.attempt.first_token_ns is not None
    assert not any(chunk.for_gateway_only for chunk in chunks)


async def test_an_incomplete_response_is_a_complete_stream(
    vendor: OpenaiApi, provider: DialectProvider
):
    """`response.incomplete` says why; nothing was lost on the way."""
    vendor.next(scenarios.MAX_TOKENS)

    chunks = await drained(provider, response_request(stream=True, max_output_tokens=16))

    assert chunks[-1].event == "response.incomplete"
    assert chunks[-1].finish_reason == "max_output_tokens"


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        (scenarios.CUT, {F.TRUNCATED}),
        (scenarios.MID_STREAM_ERROR, {F.SERVER_ERROR}),
        (scenarios.ERROR_EVENT, {F.SERVER_ERROR}),
    ],
    ids=lambda each: getattr(each, "name", ""),
)
async def test_a_stream_without_its_end_is_never_a_success(
    vendor: OpenaiApi, provider: DialectProvider, scenario, expected: set[FailureClass]
):
    """MM-02: cut, failed, or ended by an error event."""
    vendor.next(scenario)

    with pytest.raises(UpstreamError) as caught:
        await drained(provider, response_request(stream=True))

    assert caught.value.failure_class in expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("400", F.CALLER_FAULT), ("429", F.RATE_LIMITED), ("500", F.SERVER_ERROR)],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_refusal_has_its_class(
    vendor: OpenaiApi, provider: DialectProvider, name: str, expected: FailureClass, stream: bool
):
    """As on the chat API."""
    vendor.next(scenarios.ERRORS[name])
    request = response_request(stream=stream)

    with pytest.raises(UpstreamError) as caught:
        await (provider.stream(request) if stream else provider.complete(request))

    assert caught.value.failure_class is expected


@pytest.mark.parametrize("form", ["float", "base64"])
async def test_embeddings_are_handed_on_in_the_form_asked_for(
    vendor: OpenaiApi, provider: DialectProvider, form: str
):
    """Vectors are never read on the way."""
    body = {"model": MODEL, "input": ["a", "b"], "encoding_format": form, "metadata": {"x": "y"}}
    request = request_in("openai.embeddings", json.dumps(body).encode(), model=MODEL)

    answer = await provider.complete(request)

    found = json.loads(answer.body)
    vectors = [item["embedding"] for item in found["data"]]
    assert [isinstance(vector, list) for vector in vectors] == [form == "float"] * 2
    assert answer.usage == Usage(found["usage"]["prompt_tokens"], 0)
    assert request.attempt.parameters_changed == ["metadata: dropped"]
    assert vendor.last.path.endswith("/v1/embeddings")


async def test_vectors_can_be_asked_for_in_canonical_words(
    vendor: OpenaiApi, provider: DialectProvider
):
    """In the order of the inputs."""
    request = request_in("other.embeddings", b"{}", model=MODEL)
    texts = EmbeddingRequest(dialect="other.embeddings", texts=["a", "b"], dimensions=8)

    answer = await provider.embed(request, texts)
    again = await provider.embed(request, texts)

    assert [len(vector) for vector in answer.vectors] == [8, 8]
    assert answer.vectors == again.vectors
    assert answer.vectors[0] != answer.vectors[1]


async def test_a_server_without_embeddings_says_so(vendor: OpenaiApi):
    """Groq, DeepSeek, xAI: nothing is sent."""
    config = ProviderConfig(
        kind="groq", base_url=vendor.base_url, api_key=Secret(vendor.key, "...test")
    )
    provider = build("p", config, CLOCK, classify)
    request = request_in("openai.embeddings", b"{}", model=MODEL)

    with pytest.raises(UpstreamError) as caught:
        await provider.embed(request, EmbeddingRequest(dialect="openai.embeddings", texts=["a"]))
    await provider.close()

    assert caught.value.upstream_code == "unsupported_parameter"
