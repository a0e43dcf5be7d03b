"""Embeddings of a mock: the same text always has the same vector, of length one.

Deterministic and without meaning: texts that are alike have vectors that are not.
"""

import base64
import hashlib
import math
import struct

import msgspec

from pointsman.wire.openai.embeddings import EmbeddingsRequest

DEFAULT_DIMENSIONS = 64
MAX_DIMENSIONS = 4096
_CHARACTERS_PER_TOKEN = 4
_BYTES_PER_NUMBER = 4
_encode = msgspec.json.Encoder().encode


def embeddings_body(request: EmbeddingsRequest, model: str) -> bytes:
    """Return the answer to a request: numbers, or base64 where that is asked for."""
    inputs = _inputs(request)
    wanted = request.dimensions or DEFAULT_DIMENSIONS
    dimensions = min(max(1, wanted), MAX_DIMENSIONS)
    is_packed = request.encoding_format == "base64"
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": _packed(vector) if is_packed else vector,
        }
        for index, vector in enumerate(vector_of(text, dimensions) for text in inputs)
    ]
    tokens = sum(-(-len(text) // _CHARACTERS_PER_TOKEN) for text in inputs)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return _encode({"object": "list", "data": data, "model": model, "usage": usage})


def vector_of(text: str, dimensions: int) -> list[float]:
    """Return the vector of a text; its numbers are exact as 32-bit floats."""
    noise = hashlib.shake_256(text.encode()).digest(dimensions * _BYTES_PER_NUMBER)
    numbers = [value / 2**31 for value in struct.unpack(f"<{dimensions}i", noise)]
    length = math.sqrt(sum(number * number for number in numbers)) or 1.0
    packed = struct.pack(f"<{dimensions}f", *(number / length for number in numbers))
    return list(struct.unpack(f"<{dimensions}f", packed))


def _inputs(request: EmbeddingsRequest) -> list[str]:
    """Return one text per input; token ids stand for themselves."""
    if isinstance(request.input, str):
        return [request.input]
    if all(isinstance(item, int) for item in request.input):
        return [str(request.input)]
    return [item if isinstance(item, str) else str(item) for item in request.input]


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
