"""Token usage: from a vendor's fields to ours, or estimated when the vendor reported none.

Owns the question what each vendor's counts include. Knows no price. A field that cannot be true
becomes None (unknown); it is never corrected to a number that nobody reported.
"""

from pointsman.core.usage import Usage
from pointsman.wire.anthropic.answer import Usage as AnthropicUsage
from pointsman.wire.gemini.received import UsageMetadata
from pointsman.wire.openai.chat import ChatUsage
from pointsman.wire.openai.embeddings import EmbeddingsUsage
from pointsman.wire.openai.responses_received import ResponsesUsage

MAX_TOKENS = 1_000_000_000
"""A count above this is a fault of the reporter, not usage: no context is near it."""
CHARACTERS_PER_TOKEN = 4
"""The estimate for text whose tokens nobody counted; `Facts.estimated_input_tokens` uses it too."""


def from_openai_chat(usage: ChatUsage | None) -> Usage | None:
    """Normalise the `usage` of an OpenAI-compatible chat completion.

    Cached tokens are part of `prompt_tokens` and reasoning tokens part of `completion_tokens`, so
    neither is added. Some servers (xAI, and Gemini behind its OpenAI surface) report reasoning
    beside `completion_tokens`; `total_tokens` tells the two apart, and only then it is added.
    Sources: https://platform.openai.com/docs/api-reference/chat/object and
    https://docs.x.ai/docs/guides/reasoning (read 2026-11).

    Returns:
        None when nothing usable was reported. A single field is None when it is absent, negative,
        beyond `MAX_TOKENS`, or larger than the count it is part of.
    """
    if usage is None:
        return None

    input_tokens = _plausible(usage.prompt_tokens)
    output_tokens = _plausible(usage.completion_tokens)
    if input_tokens is None and output_tokens is None:
        return None

    prompt = usage.prompt_tokens_details
    completion = usage.completion_tokens_details
    reasoning_tokens = _plausible(completion.reasoning_tokens) if completion is not None else None
    if reasoning_tokens and _reports_reasoning_apart(usage, reasoning_tokens):
        output_tokens = _plausible((usage.completion_tokens or 0) + reasoning_tokens)
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=_part(prompt.cached_tokens if prompt is not None else None, input_tokens),
        cache_write_tokens=_part(
            prompt.cache_write_tokens if prompt is not None else None, input_tokens
        ),
        reasoning_tokens=_part(reasoning_tokens, output_tokens),
    )


def from_openai_responses(usage: ResponsesUsage | None) -> Usage | None:
    """Normalise the `usage` of a response of the Responses API.

    Cached and written tokens are part of `input_tokens`, reasoning tokens of `output_tokens`.
    Source: https://platform.openai.com/docs/api-reference/responses/object (read 2026-11).

    Returns:
        As `from_openai_chat` does.
    """
    if usage is None:
        return None
    input_tokens = _plausible(usage.input_tokens)
    output_tokens = _plausible(usage.output_tokens)
    if input_tokens is None and output_tokens is None:
        return None
    taken, made = usage.input_tokens_details, usage.output_tokens_details
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=_part(taken.cached_tokens if taken else None, input_tokens),
        cache_write_tokens=_part(taken.cache_write_tokens if taken else None, input_tokens),
        reasoning_tokens=_part(made.reasoning_tokens if made else None, output_tokens),
    )


def from_openai_embeddings(usage: EmbeddingsUsage | None) -> Usage | None:
    """Normalise the `usage` of embeddings: there is no output.

    Some servers give only one of the two counts, which are the same.
    Source: https://platform.openai.com/docs/api-reference/embeddings (read 2026-11).

    Returns:
        None when nothing usable was reported.
    """
    if usage is None:
        return None
    counts = (_plausible(usage.prompt_tokens), _plausible(usage.total_tokens))
    input_tokens = next((count for count in counts if count is not None), None)
    return Usage(input_tokens=input_tokens, output_tokens=0) if input_tokens is not None else None


def from_anthropic(usage: AnthropicUsage | None) -> Usage | None:
    """Normalise the `usage` of an answer of the Messages API.

    `input_tokens` there holds neither tokens read from the cache nor those written to it, so both
    are added; thinking tokens are part of `output_tokens`. The split of the written ones by how
    long they stay is given only where the caller chose that.
    Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching (read 2026-11).

    Returns:
        None when nothing usable was reported. A single field is None when it is absent, negative,
        beyond `MAX_TOKENS`, or larger than the count it is part of.
    """
    if usage is None:
        return None
    fresh_tokens = _plausible(usage.input_tokens)
    output_tokens = _plausible(usage.output_tokens)
    if fresh_tokens is None and output_tokens is None:
        return None

    read_tokens = _plausible(usage.cache_read_input_tokens)
    written_tokens = _plausible(usage.cache_creation_input_tokens)
    input_tokens: int | None = None
    if fresh_tokens is not None:
        input_tokens = _plausible(fresh_tokens + (read_tokens or 0) + (written_tokens or 0))
    kept, details = usage.cache_creation, usage.output_tokens_details
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=_part(read_tokens, input_tokens),
        cache_write_tokens=_part(written_tokens, input_tokens),
        reasoning_tokens=_part(details.thinking_tokens if details else None, output_tokens),
        cache_write_1h_tokens=_part(
            kept.ephemeral_1h_input_tokens if kept else None, written_tokens
        ),
    )


def from_ollama(prompt_eval_count: int | None, eval_count: int | None) -> Usage | None:
    """Normalise the counts of Ollama's own API; thoughts are part of `eval_count`.

    Source: https://docs.ollama.com/api/usage (read 2026-11).

    Returns:
        None when nothing usable was reported.
    """
    input_tokens, output_tokens = _plausible(prompt_eval_count), _plausible(eval_count)
    if input_tokens is None and output_tokens is None:
        return None
    return Usage(input_tokens=input_tokens, output_tokens=output_tokens)


def from_gemini(usage: UsageMetadata | None) -> Usage | None:
    """Normalise the `usageMetadata` of an answer of the Gemini API.

    Cached tokens are part of `promptTokenCount`; thoughts stand beside `candidatesTokenCount`, and
    results of the API's own tools beside the prompt, so both are added. A count that is zero is not
    written at all.
    Source: google-genai 3.4.0, the vendor's SDK, `GenerateContentResponseUsageMetadata`.

    Returns:
        None when nothing usable was reported. A single field is None when it is negative, beyond
        `MAX_TOKENS`, or larger than the count it is part of.
    """
    if usage is None:
        return None
    counts = (usage.prompt_token_count, usage.candidates_token_count, usage.total_token_count)
    if all(_plausible(count) is None for count in counts):
        return None
    thoughts = usage.thoughts_token_count or 0
    input_tokens = _sum(usage.prompt_token_count, usage.tool_use_prompt_token_count)
    output_tokens = _sum(usage.candidates_token_count, thoughts)
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=_part(usage.cached_content_token_count, input_tokens),
        reasoning_tokens=_part(thoughts, output_tokens),
    )


def estimate(input_tokens: int | None, output_characters: int) -> Usage:
    """Return estimated usage for an answer whose provider reported none.

    Args:
        input_tokens: The estimate made before the call; None is unknown.
        output_characters: Code points of the text that the answer carried, as far as it came.
    """
    output_tokens = -(-max(0, output_characters) // CHARACTERS_PER_TOKEN)
    return Usage(input_tokens=_plausible(input_tokens), output_tokens=output_tokens, estimated=True)


def _plausible(count: int | None) -> int | None:
    return count if count is not None and 0 <= count <= MAX_TOKENS else None


def _sum(*counts: int | None) -> int | None:
    """Return a sum in which absent counts are zero; None when one of them cannot be true."""
    known = [_plausible(count or 0) for count in counts]
    return None if None in known else _plausible(sum(each or 0 for each in known))


def _part(count: int | None, whole: int | None) -> int | None:
    """Return a count that is part of `whole`, or None when it cannot be."""
    known = _plausible(count)
    return known if known is not None and whole is not None and known <= whole else None


def _reports_reasoning_apart(usage: ChatUsage, reasoning_tokens: int) -> bool:
    prompt, completion, total = usage.prompt_tokens, usage.completion_tokens, usage.total_tokens
    if prompt is None or completion is None:
        return False
    return total == prompt + completion + reasoning_tokens
