"""Reading request bodies within bounds, before and after decompression, and how many at once."""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping

from pointsman.collector.refusals import BusyError, UnsupportedBodyError
from pointsman.core.errors import InvalidRequestError, RequestTooLargeError

MAX_BODY_BYTES = 20_971_520
"""Of one request, as sent and after decompression; the size that OTLP recommends."""
MAX_IN_HAND_BYTES = 134_217_728
"""Of all requests being taken in. More are asked to come again."""
RETRY_AFTER_S = 1.0
SMALL_BYTES = 4_096
"""Compressed bodies up to this are taken apart on the event loop."""
_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class Intake:
    """Counts the bytes of the bodies in hand.

    Args:
        max_bytes: Bound on all of them; a single request is let in whatever its size.
    """

    def __init__(self, max_bytes: int = MAX_IN_HAND_BYTES) -> None:
        self._max_bytes = max_bytes
        self.in_hand_bytes = 0
        self.refused = 0

    @contextlib.contextmanager
    def room(self, headers: Mapping[str, str]) -> Iterator[None]:
        """Hold room for a request while it is taken in.

        Raises:
            BusyError: There is none now.
        """
        size = _declared_bytes(headers)
        if self.in_hand_bytes and self.in_hand_bytes + size > self._max_bytes:
            self.refused += 1
            raise BusyError(
                "too much is being taken in; send it again", retry_after_s=RETRY_AFTER_S
            )
        self.in_hand_bytes += size
        try:
            yield
        finally:
            self.in_hand_bytes -= size


async def read_body(
    pieces: AsyncIterator[bytes], headers: Mapping[str, str], max_bytes: int = MAX_BODY_BYTES
) -> bytes:
    """Return a body, decompressed.

    Raises:
        RequestTooLargeError: It is over the bound, as sent or decompressed.
        UnsupportedBodyError: Its coding is not gzip or deflate.
        InvalidRequestError: It is not of the coding that it names, or ends too early.
    """
    parts: list[bytes] = []
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > max_bytes:
            raise RequestTooLargeError(f"the body is over {max_bytes} bytes")
        parts.append(piece)
    body = b"".join(parts)
    coding = headers.get("content-encoding", "").strip().lower()
    if not coding or coding == "identity" or not body:
        return body
    if coding not in _WINDOW_BITS:
        raise UnsupportedBodyError("send the body plain, or as Content-Encoding gzip or deflate")
    if len(body) <= SMALL_BYTES:
        return _decompressed(body, coding, max_bytes)
    return await asyncio.to_thread(_decompressed, body, coding, max_bytes)


def _decompressed(body: bytes, coding: str, max_bytes: int) -> bytes:
    decoder = zlib.decompressobj(_WINDOW_BITS[coding])
    try:
        plain = decoder.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise InvalidRequestError(f"the body is not {coding}: {error}") from None
    if len(plain) > max_bytes:
        raise RequestTooLargeError(f"the body is over {max_bytes} bytes once decompressed")
    if not decoder.eof or decoder.unused_data:
        raise InvalidRequestError(f"the {coding} body ends too early, or more follows it")
    return plain


def _declared_bytes(headers: Mapping[str, str]) -> int:
    """Return what a request may come to hold, at most, by its own word."""
    declared = headers.get("content-length", "")
    size = min(int(declared), MAX_BODY_BYTES) if declared.isdecimal() else MAX_BODY_BYTES
    # Compressed, the body and what it becomes are held at once.
    return size + MAX_BODY_BYTES if headers.get("content-encoding") else size
