"""Embeddings through a running gateway, read by the official client, whoever makes them."""

import base64
import struct
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import openai
import pytest

from vendors.anthropic_api import AnthropicApi
from vendors.gemini_api import GeminiApi
from vendors.ollama_api import OllamaApi
from vendors.openai_api import OpenaiApi
from vendors.vectors import vector_of
from watched_gateway import WatchedGateway, client_of, story, watched_gateway

CONFIG = """
providers:
  mock: {{kind: mock}}
  openai: {{kind: openai, base_url: "{openai.url}/v1", api_key: "{openai.key}"}}
  gemini: {{kind: gemini, base_url: "{gemini.url}", api_key: "{gemini.key}"}}
  ollama: {{kind: ollama, base_url: "{ollama.url}"}}
  anthropic: {{kind: anthropic, base_url: "{anthropic.url}", api_key: "{anthropic.key}"}}
targets:
  mock: {{provider: mock, model: mock-embedding}}
  openai: {{provider: openai, model: text-embedding-3-small}}
  gemini: {{provider: gemini, model: gemini-embedding-001}}
  ollama: {{provider: ollama, model: nomic-embed-text}}
  claude: {{provider: anthropic, model: claude-haiku-4-5}}
routes:
  search: {{targets: [claude], failover: [ollama]}}
resilience: {{retry: {{max_retries: 0}}}}
"""
TARGETS = ["mock", "openai", "gemini", "ollama"]
TEXTS = ["the first text", "a second one", "Ünïcode"]
DIMENSIONS = 8


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[WatchedGateway]:
    """A gateway before every provider that is scripted here."""
    with ExitStack() as stack:
        vendors = {
            "openai": stack.enter_context(OpenaiApi()),
            "gemini": stack.enter_context(GeminiApi()),
            "ollama": stack.enter_context(OllamaApi()),
            "anthropic": stack.enter_context(AnthropicApi()),
        }
        async with watched_gateway(tmp_path, CONFIG.format(**vendors)) as running:
            yield running


@pytest.fixture
async def client(gateway: WatchedGateway) -> AsyncIterator[openai.AsyncOpenAI]:
    """The official client, which repeats nothing by itself."""
    async with client_of(gateway, max_retries=0) as made:
        yield made


def unpacked(text: str) -> list[float]:
    raw = base64.b64decode(text)
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


@pytest.mark.parametrize("target", TARGETS)
async def test_a_batch_comes_back_in_its_order_and_size(
    client: openai.AsyncOpenAI, gateway: WatchedGateway, target: str
):
    """One vector a text, as long as was asked for, with what they cost."""
    answer = await client.embeddings.create(
        model=target, input=TEXTS, dimensions=DIMENSIONS, encoding_format="float"
    )

    assert answer.object == "list"
    assert answer.model
    assert [each.index for each in answer.data] == [0, 1, 2]
    assert {each.object for each in answer.data} == {"embedding"}
    vectors = [each.embedding for each in answer.data]
    assert [len(vector) for vector in vectors] == [DIMENSIONS] * 3
    if target != "mock":
        assert vectors == [pytest.approx(vector_of(text, DIMENSIONS)) for text in TEXTS]
    (record,) = gateway.records
    assert story(record) == f"{target} first ok: success"
    assert record.operation == "embeddings"
    if target != "gemini":
        # Gemini does not tell how many tokens it has read.
        assert answer.usage.prompt_tokens == answer.usage.total_tokens > 0


@pytest.mark.parametrize("target", TARGETS)
async def test_base64_says_the_same_numbers(client: openai.AsyncOpenAI, target: str):
    """Asked for, and as the client asks by default; it unpacks the latter itself."""
    numbers = await client.embeddings.create(
        model=target, input=TEXTS, dimensions=DIMENSIONS, encoding_format="float"
    )
    packed = await client.embeddings.create(
        model=target, input=TEXTS, dimensions=DIMENSIONS, encoding_format="base64"
    )
    by_default = await client.embeddings.create(model=target, input=TEXTS, dimensions=DIMENSIONS)

    for plain, text, found in zip(numbers.data, packed.data, by_default.data, strict=True):
        assert isinstance(text.embedding, str)
        assert unpacked(text.embedding) == pytest.approx(plain.embedding, abs=1e-6)
        assert found.embedding == pytest.approx(plain.embedding, abs=1e-6)


@pytest.mark.parametrize("target", TARGETS)
async def test_one_text_is_a_batch_of_one(client: openai.AsyncOpenAI, target: str):
    """Its vector is the one that it has among others, of the model's own length."""
    alone = await client.embeddings.create(model=target, input=TEXTS[1])
    among = await client.embeddings.create(model=target, input=TEXTS)

    assert len(alone.data) == 1
    assert alone.data[0].embedding == pytest.approx(among.data[1].embedding, abs=1e-6)


async def test_a_provider_without_embeddings_refuses_them(
    client: openai.AsyncOpenAI, gateway: WatchedGateway
):
    """Anthropic has none, and the record says so."""
    with pytest.raises(openai.APIStatusError) as caught:
        await client.embeddings.create(model="claude", input=TEXTS)

    assert caught.value.status_code >= 500
    (record,) = gateway.records
    assert story(record) == "claude first model_unavailable: failure"
    assert "no embeddings" in (record.attempts[0].error or "")


async def test_the_next_target_that_has_embeddings_makes_them(
    client: openai.AsyncOpenAI, gateway: WatchedGateway
):
    """GB-01, MM-02: what one provider lacks is no failure of the request."""
    answer = await client.embeddings.create(
        model="search", input=TEXTS, dimensions=DIMENSIONS, encoding_format="float"
    )

    assert [each.embedding for each in answer.data] == [
        pytest.approx(vector_of(text, DIMENSIONS)) for text in TEXTS
    ]
    (record,) = gateway.records
    assert story(record) == ("claude first model_unavailable, ollama failover ok: success")
