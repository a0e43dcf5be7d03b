"""Normalising what vendors report about tokens."""

import msgspec
from genai_prices import extract_usage
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.usage import Usage
from pointsman.cost.usage import (
    MAX_TOKENS,
    estimate,
    from_anthropic,
    from_gemini,
    from_openai_chat,
)
from pointsman.wire.anthropic.answer import CacheCreation, OutputTokensDetails
from pointsman.wire.anthropic.answer import Usage as AnthropicUsage
from pointsman.wire.gemini.received import UsageMetadata
from pointsman.wire.openai.chat import ChatUsage, CompletionTokensDetails, PromptTokensDetails

counts = st.none() | st.integers(-(10**12), 10**12)


def reported(prompt, completion, total=None, cached=None, reasoning=None) -> ChatUsage:
    return ChatUsage(
        prompt, completion, total, PromptTokensDetails(cached), CompletionTokensDetails(reasoning)
    )


def test_cached_and_reasoning_tokens_are_parts_and_never_added():
    """OBS-24: cached ⊂ input and reasoning ⊂ output."""
    usage = from_openai_chat(reported(1200, 340, 1540, cached=1024, reasoning=120))

    assert usage == Usage(1200, 340, cache_read_tokens=1024, reasoning_tokens=120)


def test_reasoning_reported_beside_the_completion_is_added_when_the_total_says_so():
    """MM-03: xAI reports reasoning tokens outside `completion_tokens`."""
    usage = from_openai_chat(reported(100, 20, 420, reasoning=300))

    assert usage == Usage(100, 320, reasoning_tokens=300)


def test_reasoning_larger_than_the_completion_is_unknown_when_no_total_explains_it():
    """A part cannot be larger than its whole."""
    usage = from_openai_chat(reported(100, 20, 120, reasoning=300))

    assert usage == Usage(100, 20)


def test_no_usage_is_none():
    """Nothing reported is unknown, not zero."""
    assert from_openai_chat(None) is None
    assert from_openai_chat(ChatUsage()) is None


def test_zero_is_zero():
    """Zero reported tokens stay zero."""
    assert from_openai_chat(reported(0, 0, 0, 0, 0)) == Usage(
        0, 0, cache_read_tokens=0, reasoning_tokens=0
    )


def test_absurd_counts_are_unknown_field_by_field():
    """Negative and impossible counts are dropped; the rest is kept."""
    assert from_openai_chat(reported(-1, 20)) == Usage(None, 20)
    assert from_openai_chat(reported(10, MAX_TOKENS + 1)) == Usage(10, None)
    assert from_openai_chat(reported(10, 5, cached=11)) == Usage(10, 5)
    assert from_openai_chat(reported(10, 5, cached=-3)) == Usage(10, 5)


@given(counts, counts, counts, counts, counts)
def test_no_count_is_ever_negative_or_larger_than_its_whole(prompt, completion, total, cached, r):
    """MM-03: whatever a vendor sends, the normalised figures are consistent."""
    usage = from_openai_chat(reported(prompt, completion, total, cached, r))

    if usage is None:
        return
    for count in (usage.input_tokens, usage.output_tokens):
        assert count is None or 0 <= count <= MAX_TOKENS
    for part, whole in (
        (usage.cache_read_tokens, usage.input_tokens),
        (usage.reasoning_tokens, usage.output_tokens),
    ):
        assert part is None or (whole is not None and 0 <= part <= whole)
    assert not usage.estimated


def test_an_estimate_counts_four_characters_a_token_rounded_up_and_says_so():
    """AP-17: aborted streams record an estimate flagged as such."""
    assert estimate(7, 9) == Usage(7, 3, estimated=True)
    assert estimate(7, 0) == Usage(7, 0, estimated=True)
    assert estimate(None, 8) == Usage(None, 2, estimated=True)


small = st.integers(0, 10**6)


@given(small, small, small, small, small, small)
def test_anthropics_counts_are_added_as_the_price_data_does(
    fresh, read, short, long, said, thought
):
    """OBS-21, OBS-24: cache tokens stand beside `input_tokens`; genai-prices is the oracle."""
    thought = min(thought, said)
    wire = AnthropicUsage(
        fresh,
        said,
        short + long,
        read,
        CacheCreation(short, long),
        OutputTokensDetails(thought),
    )
    body = {"model": "claude-haiku-4-5", "usage": msgspec.to_builtins(wire)}

    usage = from_anthropic(wire)
    oracle = extract_usage(body, provider_id="anthropic").usage

    assert usage is not None
    assert usage.input_tokens == oracle.input_tokens
    assert usage.output_tokens == oracle.output_tokens
    assert usage.cache_read_tokens == oracle.cache_read_tokens
    assert usage.cache_write_tokens == oracle.cache_write_tokens
    assert usage.cache_write_1h_tokens == oracle.cache_write_1h_tokens
    assert usage.reasoning_tokens == oracle.output_reasoning_tokens


@given(counts, counts, counts, counts, counts)
def test_no_count_of_anthropics_makes_an_impossible_usage(fresh, said, written, read, thought):
    """Whatever is reported, parts are no larger than their whole and nothing is negative."""
    wire = AnthropicUsage(fresh, said, written, read, None, OutputTokensDetails(thought))

    usage = from_anthropic(wire)

    if usage is not None:
        for part in (usage.cache_read_tokens, usage.cache_write_tokens):
            assert part is None or 0 <= part <= (usage.input_tokens or 0)
        assert usage.reasoning_tokens is None or usage.reasoning_tokens <= (
            usage.output_tokens or 0
        )


def test_nothing_reported_by_anthropic_is_none():
    """Unknown is not zero."""
    assert from_anthropic(None) is None
    assert from_anthropic(AnthropicUsage()) is None
    assert from_anthropic(AnthropicUsage(3, 0)) == Usage(3, 0)


@given(small, small, small, small, small)
def test_geminis_counts_are_added_as_the_price_data_does(prompt, read, said, thought, tools):
    """OBS-21, OBS-24: thoughts and the API's own tools stand beside; genai-prices is the oracle."""
    read = min(read, prompt)
    wire = UsageMetadata(prompt, read, said, thought, tools, prompt + said + thought + tools)
    told = {name: count for name, count in msgspec.to_builtins(wire).items() if count}
    body = {"modelVersion": "gemini-2.5-flash", "usageMetadata": told}
    if not told:
        return

    usage = from_gemini(msgspec.convert(told, UsageMetadata))
    oracle = extract_usage(body, provider_id="google").usage

    assert usage is not None
    assert usage.input_tokens == (oracle.input_tokens or 0)
    assert usage.output_tokens == (oracle.output_tokens or 0)
    assert (usage.cache_read_tokens or 0) == (oracle.cache_read_tokens or 0)
    assert (usage.reasoning_tokens or 0) == (oracle.output_reasoning_tokens or 0)


@given(counts, counts, counts, counts, counts)
def test_no_count_of_geminis_makes_an_impossible_usage(prompt, read, said, thought, tools):
    """Whatever is reported, parts are no larger than their whole and nothing is negative."""
    usage = from_gemini(UsageMetadata(prompt, read, said, thought, tools))

    if usage is not None:
        assert (usage.input_tokens or 0) >= 0
        assert (usage.output_tokens or 0) >= 0
        assert (usage.cache_read_tokens or 0) <= (usage.input_tokens or 0)
        assert (usage.reasoning_tokens or 0) <= (usage.output_tokens or 0)
