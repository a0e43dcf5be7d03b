"""`POST /v1/embeddings`."""

import base64
import struct
from collections.abc import Sequence

import msgspec
from msgspec import Raw

from pointsman.core.canonical.embedding import EmbeddingAnswer, EmbeddingRequest
from pointsman.core.dialect import Asked, Frame, Operation, WireError
from pointsman.core.usage import Usage
from pointsman.dialects.openai_embeddings.read import inputs_of, read_embeddings
from pointsman.dialects.openai_errors import encode_openai_error, openai_error_frame
from pointsman.dialects.reading import read_body
from pointsman.wire.openai.embeddings import (
    Embedding,
    EmbeddingsAnswer,
    EmbeddingsRequest,
    EmbeddingsUsage,
    decode_request,
)

_encode = msgspec.json.Encoder().encode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_LARGEST = 3.4028234663852886e38
"""The largest 32-bit float: IEEE 754."""
_KNOWN = frozenset(EmbeddingsRequest.__struct_encode_fields__)


class OpenAiEmbeddings:
    """OpenAI's embeddings; see `core.dialect.EmbeddingDialect`."""

    name = "openai.embeddings"
    operation: Operation = "embeddings"
    passed_headers: tuple[str, ...] = ()
    closing_frames = b""
    path = "/v1/embeddings"

    def read(self, body: bytes) -> Asked:
        """Read what deciding needs; see `Dialect.read`."""
        return read_embeddings(body, path=self.path, dialect=self.name)

    def decode_embedding(self, body: bytes) -> EmbeddingRequest:
        """Decode a body; see `EmbeddingDialect.decode_embedding`."""
        request = read_body(decode_request, body, "an embeddings request")
        texts, tokens = inputs_of(request)
        fields = _decode_fields(body)
        return EmbeddingRequest(
            dialect=self.name,
            model=request.model,
            texts=texts,
            tokens=tokens,
            dimensions=request.dimensions,
            user=request.user,
            extras={key: value for key, value in fields.items() if key not in _KNOWN},
        )

    def encode_embedding(self, answer: EmbeddingAnswer, body: bytes) -> bytes:
        """Return a list of embeddings, as numbers or in base64, as the request asked."""
        wants_base64 = decode_request(body).encoding_format == "base64"
        return _encode(
            EmbeddingsAnswer(
                data=[
                    Embedding(index, _base64(vector) if wants_base64 else vector)
                    for index, vector in enumerate(answer.vectors)
                ],
                model=answer.model,
                usage=_usage(answer.usage),
            )
        )

    def encode_error(self, error: WireError) -> bytes:
        """Return the body of an error answer."""
        return encode_openai_error(error)

    def error_frame(self, error: WireError) -> Frame:
        """Return the error as an event; embeddings are never streamed."""
        return openai_error_frame(error)

    def assemble(self, payloads: Sequence[bytes]) -> bytes:
        """Return nothing: embeddings are never streamed."""
        return b"".join(payloads)


def _base64(vector: Sequence[float]) -> str:
    # What 32 bits cannot hold becomes the largest that they can.
    held = [min(max(number, -_LARGEST), _LARGEST) for number in vector]
    return base64.b64encode(struct.pack(f"<{len(held)}f", *held)).decode()


def _usage(usage: Usage | None) -> EmbeddingsUsage | None:
    if usage is None:
        return None
    return EmbeddingsUsage(usage.input_tokens, usage.input_tokens)
