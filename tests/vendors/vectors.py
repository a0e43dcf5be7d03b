"""Embeddings that a test can foresee: the same text has the same vector, of length one."""

import base64
import hashlib
import math
import struct


def vector_of(text: str, dimensions: int) -> list[float]:
    """Return a vector of single-precision numbers that depends on every character of the text."""
    raw = hashlib.shake_128(text.encode()).digest(dimensions * 2)
    numbers = [value / 32768 for value in struct.unpack(f"<{dimensions}h", raw)]
    length = math.sqrt(sum(value * value for value in numbers)) or 1.0
    packed = struct.pack(f"<{dimensions}f", *(value / length for value in numbers))
    return list(struct.unpack(f"<{dimensions}f", packed))


def packed(vector: list[float]) -> str:
    """Return the vector as base64 of little-endian single-precision numbers."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def tokens_of(text: str) -> int:
    """Return a token count: four characters make one."""
    return max(1, math.ceil(len(text) / 4))
