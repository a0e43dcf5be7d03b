"""Embeddings: passed through, or asked for in canonical words."""

import base64
import struct

import msgspec

from pointsman.core.canonical.embedding import EmbeddingAnswer, EmbeddingRequest
from pointsman.core.failures import FailureClass
from pointsman.core.provider import Completion
from pointsman.cost.usage import from_openai_embeddings
from pointsman.providers.judge import Judge
from pointsman.providers.parameters import Parameters
from pointsman.providers.tolerant import decode_tolerantly
from pointsman.wire.malformed import MALFORMED
from pointsman.wire.openai.embeddings import EmbeddingsAnswer, decode_answer
from pointsman.wire.openai.embeddings_received import ReceivedEmbeddings, decode_received

_encode = msgspec.json.Encoder().encode
_DIALECT = "openai.embeddings"


def decode_whole_embeddings(body: bytes, status: int, judge: Judge) -> Completion:
    """Read an answer that came with a success status, but for its vectors.

    Raises:
        UpstreamError: It is an error body, not JSON, or has no vectors.
    """
    try:
        answer = decode_received(body)
    except MALFORMED:
        answer = decode_tolerantly(body, ReceivedEmbeddings) or ReceivedEmbeddings()
    if not answer.data:
        raise judge.error(status, body)
    return Completion(body=body, model=answer.model, usage=from_openai_embeddings(answer.usage))


def encode_embedding(request: EmbeddingRequest, model: str, parameters: Parameters) -> bytes:
    """Return the body that asks for the vectors."""
    fields: dict[str, object] = {
        "model": model,
        "input": request.texts or request.tokens,
        "encoding_format": "float",
    }
    if request.dimensions is not None:
        fields["dimensions"] = request.dimensions
    if request.user is not None:
        fields["user"] = request.user
    for name, value in request.extras.items():
        if request.dialect == _DIALECT:
            fields[name] = value
        else:
            parameters.drop(name)
    return _encode(fields)


def decode_embedding(body: bytes, status: int, judge: Judge) -> EmbeddingAnswer:
    """Return the vectors in the order of the inputs.

    Raises:
        UpstreamError: As `decode_whole_embeddings`, or vectors that are neither numbers nor base64.
    """
    described = decode_whole_embeddings(body, status, judge)
    try:
        answer: EmbeddingsAnswer = decode_answer(body)
        in_order = sorted(answer.data, key=lambda item: item.index)
        vectors = [_vector(item.embedding) for item in in_order]
    except (*MALFORMED, ValueError, struct.error) as error:
        raise judge.broken(FailureClass.PROTOCOL, "the vectors cannot be read") from error
    return EmbeddingAnswer(model=described.model or "", vectors=vectors, usage=described.usage)


def _vector(embedding: list[float] | str) -> list[float]:
    if isinstance(embedding, list):
        return embedding
    packed = base64.b64decode(embedding, validate=True)
    return list(struct.unpack(f"<{len(packed) // 4}f", packed))
