"""Ollama's own promises, over a scripted server: contexts, memory, embeddings."""

from collections.abc import AsyncIterator, Iterator

import pytest

from pointsman.config.provider import ProviderConfig
from pointsman.core.canonical.conversation import Conversation, Turn
from pointsman.core.canonical.embedding import EmbeddingRequest
from pointsman.core.canonical.parts import TextPart
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.provider import ProviderRequest
from pointsman.core.target import LocalRun, Target
from pointsman.providers.ollama.client import OllamaProvider
from pointsman.providers.registry import build
from pointsman.resilience.classify import classify
from provider_requests import request_in
from provider_scenarios import CLOCK
from vendors import scenarios
from vendors.ollama_api import OllamaApi

MODEL = "llama3.1:8b"
F = FailureClass


@pytest.fixture
def vendor() -> Iterator[OllamaApi]:
    with OllamaApi() as server:
        yield server


@pytest.fixture
async def provider(vendor: OllamaApi) -> AsyncIterator[OllamaProvider]:
    built = build(
        "p", ProviderConfig(kind="ollama", base_url=vendor.url, max_resident=1), CLOCK, classify
    )
    assert isinstance(built, OllamaProvider)
    yield built
    await built.close()


def saying(text: str, **fields) -> Conversation:
    turns = [Turn("user", [TextPart(text)])]
    return Conversation(dialect="openai.chat", turns=turns, **fields)


def at(model: str = MODEL, *, stream: bool = False, **local) -> ProviderRequest:
    request = request_in("openai.chat", b"{}", model=model, stream=stream)
    request.target = Target(name="t", provider="p", model=model, local=LocalRun(**local))
    return request


async def drained(stream) -> list:
    events = []
    try:
        while more := await stream.next_events():
            events.extend(more)
    finally:
        stream.close()
    return events


async def test_the_window_that_fits_is_loaded_and_noted(vendor: OllamaApi, provider):
    """LO-04, LO-05: the server loads the model with what was asked for."""
    request = at(windows=(2048, 8192), keep_alive="24h")

    await provider.answer(request, saying("x" * 8000))

    assert vendor.resident == {MODEL: 8192}
    assert vendor.last.json["keep_alive"] == "24h"
    assert vendor.last.json["truncate"] is False
    assert any(line.startswith("num_ctx: 8192") for line in request.attempt.parameters_changed)


@pytest.mark.parametrize("stream", [False, True])
async def test_what_a_model_has_read_makes_the_next_window_larger(
    vendor: OllamaApi, provider, stream: bool
):
    """LO-02, LO-04: its tokenizer is not ours to know, so what it reports counts."""
    said = saying("x" * 6000, stream=stream)
    vendor.next(*[scenarios.TEXT.but(usage=scenarios.Usage(3900))] * 31)
    first: ProviderRequest | None = None
    for _ in range(31):
        request = at(stream=stream, windows=(4096, 8192))
        first = first or request
        if stream:
            await drained(await provider.answer_stream(request, said))
        else:
            await provider.answer(request, said)

    assert first is not None
    assert any(line.startswith("num_ctx: 4096") for line in first.attempt.parameters_changed)
    assert vendor.resident == {MODEL: 8192}


async def test_a_prompt_that_fits_no_window_never_reaches_the_server(vendor: OllamaApi, provider):
    """LO-02: refused as too long, so that a target with a larger context is asked instead."""
    request = at(windows=(2048,))

    with pytest.raises(UpstreamError, match="2048") as caught:
        await provider.answer(request, saying("x" * 20_000))

    assert caught.value.failure_class is F.CONTEXT_TOO_LONG
    assert caught.value.upstream_code == "context_length_exceeded"
    assert request.attempt.sends == 0
    assert vendor.resident == {}


@pytest.mark.parametrize("stream", [False, True])
async def test_a_server_that_knows_better_refuses_instead_of_cutting(
    vendor: OllamaApi, provider, stream: bool
):
    """LO-03: without a configured window its default decides, and it is told not to cut."""
    request = at(stream=stream)
    said = saying("word " * 8000, stream=stream)

    with pytest.raises(UpstreamError) as caught:
        await (provider.answer_stream(request, said) if stream else provider.answer(request, said))

    assert caught.value.failure_class is F.CONTEXT_TOO_LONG


async def test_another_model_leaves_the_memory_before_one_more_is_called(
    vendor: OllamaApi, provider
):
    """LO-11: with `max_resident: 1` two large models never share the card."""
    await provider.answer(at("qwen3:8b"), saying("hi"))
    request = at(MODEL)

    await provider.answer(request, saying("hi"))

    assert list(vendor.resident) == [MODEL]
    assert "max_resident: qwen3:8b unloaded before" in request.attempt.parameters_changed


async def test_models_in_memory_can_be_seen_and_evicted(vendor: OllamaApi, provider):
    """LO-11: as `ollama ps` and `ollama stop`."""
    await provider.answer(at(), saying("hi"))

    resident = await provider.resident_models()
    await provider.unload(MODEL)

    assert [model.model for model in resident] == [MODEL]
    assert resident[0].vram_bytes == resident[0].size_bytes > 0
    assert resident[0].context_tokens == vendor.default_context
    assert resident[0].expires_at
    assert await provider.resident_models() == []


async def test_texts_become_vectors(vendor: OllamaApi, provider):
    """`/api/embed`, with its count of tokens."""
    texts = EmbeddingRequest(dialect="openai.embeddings", texts=["a", "b"])

    answer = await provider.embed(at("nomic-embed-text"), texts)

    assert [len(vector) for vector in answer.vectors] == [8, 8]
    assert answer.usage is not None
    assert answer.usage.input_tokens


async def test_an_error_in_mid_stream_is_the_servers(vendor: OllamaApi, provider):
    """A line with `error` is no chunk."""
    vendor.next(scenarios.MID_STREAM_ERROR)
    stream = await provider.answer_stream(at(stream=True), saying("hi", stream=True))

    with pytest.raises(UpstreamError) as caught:
        await drained(stream)

    assert caught.value.failure_class is F.SERVER_ERROR


async def test_calls_have_ids_that_no_other_answer_has(vendor: OllamaApi, provider):
    """Older servers give none; ours hold the request's."""
    vendor.next(scenarios.PARALLEL_TOOLS.but(expects=()))

    answer = await provider.answer(at(), saying("weather?"))

    ids = [part.id for part in answer.choices[0].parts]
    assert ids == ["call_req_1_0", "call_req_1_1"]
