"""Answers of the Gemini API as the gateway reads them: partial, every field optional.

A stream is a sequence of the same objects, each with what is new.
Source: google-genai 3.4.0, the vendor's SDK, `types.GenerateContentResponse` and
`types.EmbedContentResponse` (read 2026-11).
"""

import msgspec
from msgspec import Raw, Struct, field


class ReceivedBlob(Struct, rename="camel"):
    """Data, as of a picture that the model made."""

    mime_type: str | None = None
    data: str | None = None


class ReceivedCall(Struct):
    """A call of the client's function."""

    name: str = ""
    args: Raw = field(default_factory=Raw)
    id: str | None = None
    """From Gemini 3 on."""


class ReceivedPart(Struct, rename="camel"):
    """A piece of the answer."""

    text: str | None = None
    thought: bool = False
    thought_signature: str | None = None
    inline_data: ReceivedBlob | None = None
    function_call: ReceivedCall | None = None


class ReceivedContent(Struct):
    """The parts of a candidate; none in an empty answer."""

    parts: list[ReceivedPart] | None = None


class TokenLogprob(Struct, rename="camel"):
    """How likely one token was."""

    token: str = ""
    log_probability: float | None = None


class TopCandidates(Struct):
    """The likeliest tokens at one place."""

    candidates: list[TokenLogprob] | None = None


class LogprobsResult(Struct, rename="camel"):
    """How likely the tokens of a candidate were."""

    chosen_candidates: list[TokenLogprob] | None = None
    top_candidates: list[TopCandidates] | None = None


class ReceivedCandidate(Struct, rename="camel"):
    """One alternative of the answer."""

    content: ReceivedContent | None = None
    finish_reason: str | None = None
    index: int = 0
    logprobs_result: LogprobsResult | None = None


class PromptFeedback(Struct, rename="camel"):
    """What the filters say about the prompt."""

    block_reason: str | None = None


class UsageMetadata(Struct, rename="camel", omit_defaults=True):
    """Tokens; a zero is not written, as in all JSON that was a protocol buffer."""

    prompt_token_count: int | None = None
    """With what was read from the cache."""
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    """Without thoughts."""
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    """Results of the API's own tools, given to the model; not in the prompt's count."""
    total_token_count: int | None = None


class ReceivedResponse(Struct, rename="camel"):
    """A whole answer, or a piece of a streamed one."""

    candidates: list[ReceivedCandidate] | None = None
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: UsageMetadata | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: Raw = field(default_factory=Raw)


class TokenCount(Struct, rename="camel"):
    """The answer to a request to count tokens."""

    total_tokens: int


class ContentEmbedding(Struct):
    """One vector."""

    values: list[float]


class ReceivedEmbeddings(Struct, rename="camel"):
    """One vector for each request of a batch."""

    embeddings: list[ContentEmbedding]
    usage_metadata: UsageMetadata | None = None


decode_response = msgspec.json.Decoder(ReceivedResponse).decode
decode_token_count = msgspec.json.Decoder(TokenCount).decode
decode_embeddings = msgspec.json.Decoder(ReceivedEmbeddings).decode
