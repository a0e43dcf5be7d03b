"""Texts to vectors: `batchEmbedContents`, one request of the batch for each text.

Each text is a content of its own: the parts of one content become one vector (from
gemini-embedding-2 on, https://github.com/vectorize-io/hindsight/pull/4001).
Source: google-genai 3.4.0, the vendor's SDK, `models.embed_content` (read 2026-11).
"""

import msgspec

from pointsman.core.canonical.embedding import EmbeddingAnswer, EmbeddingRequest
from pointsman.core.failures import FailureClass
from pointsman.core.usage import Usage
from pointsman.cost.usage import CHARACTERS_PER_TOKEN, estimate, from_gemini
from pointsman.providers.gemini.encode import resource
from pointsman.providers.judge import Judge
from pointsman.providers.parameters import Parameters
from pointsman.wire.gemini.received import decode_embeddings
from pointsman.wire.malformed import MALFORMED

_OWN = {
    "task_type": "taskType",
    "taskType": "taskType",
    "input_type": "taskType",
    "title": "title",
}
"""Parameters beside OpenAI's that clients may add, by their name here."""
_encode = msgspec.json.Encoder().encode


def encode_embeddings(texts: EmbeddingRequest, model: str, parameters: Parameters) -> bytes:
    """Return the body to send.

    Raises:
        UpstreamError: The request has token ids, or says what cannot be carried.
    """
    if texts.tokens:
        raise parameters.refusal("input", "as token ids is not taken")
    shared: dict[str, object] = {"model": resource(model)}
    if texts.dimensions is not None:
        shared["outputDimensionality"] = texts.dimensions
    if texts.user is not None:
        parameters.drop("user")
    for name, value in texts.extras.items():
        own = _OWN.get(name)
        if own is None:
            parameters.drop(name)
        else:
            shared[own] = value
    requests = [{**shared, "content": {"parts": [{"text": text}]}} for text in texts.texts]
    return _encode({"requests": requests})


def decode_vectors(
    body: bytes, status: int, judge: Judge, *, texts: EmbeddingRequest, model: str
) -> EmbeddingAnswer:
    """Decode the answer: as many vectors as there were texts.

    Raises:
        UpstreamError: It is an error body, or has another number of vectors.
    """
    try:
        received = decode_embeddings(body)
    except MALFORMED as error:
        raise judge.error(status, body) from error
    if len(received.embeddings) != len(texts.texts):
        what = f"{len(received.embeddings)} vectors for {len(texts.texts)} texts"
        raise judge.broken(FailureClass.PROTOCOL, what)
    return EmbeddingAnswer(
        model=model,
        vectors=[each.values for each in received.embeddings],
        # Most models tell none, and OpenAI's clients expect numbers.
        usage=from_gemini(received.usage_metadata) or _estimated(texts),
    )


def _estimated(texts: EmbeddingRequest) -> Usage:
    characters = sum(map(len, texts.texts))
    return estimate(-(-characters // CHARACTERS_PER_TOKEN), 0)
