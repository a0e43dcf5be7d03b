"""Names of span attributes, in one place because the conventions still move.

Pinned to OpenTelemetry semantic conventions v1.41.1 (GenAI is "development" there; the group has
moved to open-telemetry/semantic-conventions-genai since). There is no convention for gateways or
cost yet, so ours stand under `pointsman.`.
Source: github.com/open-telemetry/semantic-conventions, v1.41.1, model/gen-ai.
"""

from typing import Any

from msgspec import Struct

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_STREAM = "gen_ai.request.stream"
RESPONSE_MODEL = "gen_ai.response.model"
FINISH_REASONS = "gen_ai.response.finish_reasons"
TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS = "gen_ai.usage.cache_creation.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
CONVERSATION = "gen_ai.conversation.id"
ERROR_TYPE = "error.type"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
HTTP_STATUS = "http.response.status_code"

COST = "pointsman.cost_nano_usd"
"""Integer nano-USD; absent when unknown."""

_PROVIDER_NAMES = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex": "gcp.vertex_ai",
    "xai": "x_ai",
}
"""Usual configured name -> the convention's; others are the same or custom, which is allowed."""

_MAX_BIGINT = (1 << 63) - 1


class GenAiColumns(Struct, frozen=True):
    """What lists and sums read from a span's attributes; None when absent or of another type."""

    operation: str | None
    provider: str | None
    model: str | None
    """The model that answered, else the one that was asked."""
    error_type: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost_nano_usd: int | None


def provider_name(configured: str) -> str:
    """Return the convention's name for a provider as it is called in the configuration."""
    return _PROVIDER_NAMES.get(configured, configured)


def columns_of(attributes: dict[str, Any]) -> GenAiColumns:
    """Pick the columns out of a span's attributes."""
    return GenAiColumns(
        operation=_text(attributes.get(OPERATION)),
        provider=_text(attributes.get(PROVIDER)),
        model=_text(attributes.get(RESPONSE_MODEL)) or _text(attributes.get(REQUEST_MODEL)),
        error_type=_text(attributes.get(ERROR_TYPE)),
        input_tokens=_count(attributes.get(INPUT_TOKENS)),
        output_tokens=_count(attributes.get(OUTPUT_TOKENS)),
        cost_nano_usd=_count(attributes.get(COST)),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: object) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_BIGINT
    return value if is_count and isinstance(value, int) else None
