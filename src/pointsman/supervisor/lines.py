"""Lines out of a stream, whatever their length."""

import asyncio
from collections.abc import AsyncIterator

_READ_BYTES = 65_536


async def read_lines(stream: asyncio.StreamReader, max_bytes: int) -> AsyncIterator[bytes]:
    """Yield each line without its end; what is longer than `max_bytes` comes in pieces.

    Ends with the stream, after the last line even if nothing ends it.
    """
    rest = b""
    while chunk := await stream.read(_READ_BYTES):
        *lines, rest = (rest + chunk).split(b"\n") if b"\n" in chunk else (rest + chunk,)
        for line in lines:
            yield line
        if len(rest) > max_bytes:
            yield rest
            rest = b""
    if rest:
        yield rest
