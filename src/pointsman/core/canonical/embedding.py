"""Embeddings: a request and its answer, in no vendor's words."""

from msgspec import Raw, Struct, field

from pointsman.core.usage import Usage


class EmbeddingRequest(Struct, kw_only=True, omit_defaults=True):
    """Texts to turn into vectors."""

    dialect: str
    """Whose words `extras` are in."""
    model: str | None = None
    texts: list[str] = field(default_factory=list)
    tokens: list[list[int]] = field(default_factory=list)
    """Inputs given as token ids instead of texts; exactly one of the two is not empty."""
    dimensions: int | None = None
    user: str | None = None
    extras: dict[str, Raw] = field(default_factory=dict)


class EmbeddingAnswer(Struct, kw_only=True, omit_defaults=True):
    """One vector per input, in their order."""

    model: str
    vectors: list[list[float]]
    usage: Usage | None = None
