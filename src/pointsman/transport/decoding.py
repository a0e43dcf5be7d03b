"""Undoes `Content-Encoding: gzip` and `deflate`, a bounded piece at a time.

Some servers compress although they are asked for `identity`. A small compressed body can stand for
gigabytes, so nothing is ever decompressed beyond what the reader asked for.
"""

import zlib
from typing import Protocol

_GZIP = 31
_ZLIB = 15
_RAW = -15
_MAX_MEMBERS = 256
"""Members of one gzip body (RFC 1952 §2.2): empty ones cost time and bring nothing."""

SUPPORTED = frozenset({"gzip", "x-gzip", "deflate"})


class _Decompressor(Protocol):
    """What `zlib.decompressobj` returns, a type without a public name."""

    @property
    def eof(self) -> bool: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class BodyDecoder:
    """Decodes one body. Give compressed bytes with `feed`, take decoded ones with `take`."""

    __slots__ = ("_decompressor", "_is_gzip", "_members", "_pending")

    def __init__(self, coding: str) -> None:
        self._is_gzip = coding != "deflate"
        self._decompressor: _Decompressor | None = None
        self._pending = b""
        self._members = 0

    def feed(self, piece: bytes) -> None:
        """Add compressed bytes. Only when `take` has returned nothing, or they pile up."""
        self._pending += piece

    def take(self, max_bytes: int) -> bytes:
        """Return at most `max_bytes` decoded bytes; `b""` when more must be fed first.

        Raises:
            ValueError: The bytes are not in the coding they were said to be.
        """
        while self._pending or self._decompressor is not None:
            try:
                piece = self._decompress(max_bytes)
            except zlib.error as error:
                raise ValueError(f"the compressed body is damaged: {error}") from None
            if piece or not self._pending:
                return piece

        return b""

    def is_whole(self) -> bool:
        """Tell whether the bytes so far end where the coding ends (an empty body does)."""
        return self._decompressor is None and not self._pending

    def _decompress(self, max_bytes: int) -> bytes:
        decompressor = self._decompressor
        if decompressor is None:
            decompressor = self._decompressor = self._start()
        piece = decompressor.decompress(self._pending, max_bytes)
        self._pending = decompressor.unconsumed_tail
        if decompressor.eof:
            self._pending = decompressor.unused_data
            self._decompressor = None
        return piece

    def _start(self) -> _Decompressor:
        self._members += 1
        if self._members > (_MAX_MEMBERS if self._is_gzip else 1):
            raise ValueError("the compressed body does not end where it should")

        if self._is_gzip:
            return zlib.decompressobj(_GZIP)

        # "deflate" is a zlib stream (RFC 9110 §8.4.1.2), but some servers send the bare one. The
        # low four bits of a zlib stream's first byte are 8, its compression method.
        return zlib.decompressobj(_ZLIB if self._pending[0] & 0x0F == 8 else _RAW)
