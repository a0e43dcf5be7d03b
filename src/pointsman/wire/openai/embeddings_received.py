"""Answers with embeddings, as far as they are read when they pass: not their vectors.

Source: https://platform.openai.com/docs/api-reference/embeddings/object (read 2026-11).
"""

import msgspec
from msgspec import Raw, Struct

from pointsman.wire.openai.embeddings import EmbeddingsUsage


class ReceivedEmbeddings(Struct):
    """A whole answer."""

    data: list[Raw] | None = None
    model: str | None = None
    usage: EmbeddingsUsage | None = None


decode_received = msgspec.json.Decoder(ReceivedEmbeddings).decode
