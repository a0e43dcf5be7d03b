"""Usage of Responses, embeddings and Ollama; the extractors of genai-prices are the oracle."""

import msgspec
import pytest
from genai_prices import extract_usage
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.usage import Usage
from pointsman.cost.usage import (
    MAX_TOKENS,
    from_ollama,
    from_openai_chat,
    from_openai_embeddings,
    from_openai_responses,
)
from pointsman.wire.openai.chat import decode_completion
from pointsman.wire.openai.embeddings import EmbeddingsUsage
from pointsman.wire.openai.responses_received import ResponsesUsage, decode_response

parts = st.integers(0, 1000)


@given(read=parts, written=parts, fresh=parts, reasoning=parts, visible=parts)
def test_responses_count_as_the_oracle_counts(read, written, fresh, reasoning, visible):
    """OBS-24: cached and reasoning tokens are parts of the wholes."""
    usage = {
        "input_tokens": read + written + fresh,
        "input_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
        "output_tokens": reasoning + visible,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": read + written + fresh + reasoning + visible,
    }
    body = {"model": "gpt-4o-mini", "usage": usage}

    ours = from_openai_responses(decode_response(msgspec.json.encode(body)).usage)
    oracle = extract_usage(body, provider_id="openai", api_flavor="responses").usage

    assert ours is not None
    assert (ours.input_tokens, ours.output_tokens) == (oracle.input_tokens, oracle.output_tokens)
    assert ours.cache_read_tokens == (oracle.cache_read_tokens or 0)
    assert ours.cache_write_tokens == (oracle.cache_write_tokens or 0)
    assert ours.reasoning_tokens == reasoning


@given(read=parts, written=parts, fresh=parts)
def test_chats_count_what_was_written_to_the_cache(read, written, fresh):
    """A part of `prompt_tokens` as well."""
    usage = {
        "prompt_tokens": read + written + fresh,
        "completion_tokens": 1,
        "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
    }
    body = {"model": "gpt-4o-mini", "usage": usage}

    ours = from_openai_chat(decode_completion(msgspec.json.encode(body)).usage)
    oracle = extract_usage(body, provider_id="openai", api_flavor="chat").usage

    assert ours is not None
    assert ours.cache_write_tokens == (oracle.cache_write_tokens or 0)


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        (EmbeddingsUsage(8, 8), Usage(8, 0)),
        (EmbeddingsUsage(None, 8), Usage(8, 0)),
        (EmbeddingsUsage(0, 0), Usage(0, 0)),
        (EmbeddingsUsage(-1, None), None),
        (None, None),
    ],
)
def test_embeddings_have_input_alone(reported, usage):
    """Some servers give one of the two counts only."""
    assert from_openai_embeddings(reported) == usage


def test_embeddings_count_as_the_oracle_counts():
    """The same body, the same count."""
    body = {
        "model": "text-embedding-3-small",
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    }
    oracle = extract_usage(body, provider_id="openai", api_flavor="embeddings").usage

    assert from_openai_embeddings(EmbeddingsUsage(8, 8)) == Usage(oracle.input_tokens, 0)


def test_what_cannot_be_true_is_unknown():
    """Never corrected to a number that nobody reported."""
    assert from_openai_responses(None) is None
    assert from_openai_responses(ResponsesUsage()) is None
    assert from_openai_responses(ResponsesUsage(-1, MAX_TOKENS + 1)) is None
    assert from_ollama(None, None) is None
    assert from_ollama(26, None) == Usage(26)
    assert from_ollama(26, 298) == Usage(26, 298)
