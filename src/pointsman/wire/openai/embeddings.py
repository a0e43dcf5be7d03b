"""Embeddings, as they are on the wire.

Source: https://platform.openai.com/docs/api-reference/embeddings (read 2026-11).
"""

import msgspec
from msgspec import Struct


class EmbeddingsRequest(Struct):
    """What the gateway reads of a request."""

    input: str | list[str | int | list[int]]
    """A text, several, the token ids of one, or the token ids of several."""
    model: str | None = None
    dimensions: int | None = None
    encoding_format: str | None = None
    """`float` or `base64`."""
    user: str | None = None
    tenant_id: str | None = None
    metadata: dict[str, object] | None = None


class Embedding(Struct):
    """One vector: numbers, or little-endian 32-bit floats in base64."""

    index: int
    embedding: list[float] | str
    object: str = "embedding"


class EmbeddingsUsage(Struct):
    """Tokens of the inputs; there are no others."""

    prompt_tokens: int | None = None
    total_tokens: int | None = None


class EmbeddingsAnswer(Struct):
    """A whole answer."""

    data: list[Embedding]
    model: str | None = None
    usage: EmbeddingsUsage | None = None
    object: str = "list"


decode_request = msgspec.json.Decoder(EmbeddingsRequest).decode
decode_answer = msgspec.json.Decoder(EmbeddingsAnswer).decode
