"""The begin of a stream, held back until it holds something: nothing can be retried after it.

Many providers send an empty first event (the role) at once and fail afterwards. Until the first
content, or the bounds of `resilience.stream`, nothing goes to the client, so that an error, a cut
or silence in its place still moves on to the next target.
"""

import asyncio

from pointsman.config.resilience import StreamConfig
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.provider import CompletionStream, StreamChunk


async def first_chunks(
    stream: CompletionStream, config: StreamConfig, limit_s: float
) -> list[StreamChunk]:
    """Return the chunks up to the first content, or up to the bounds.

    Args:
        stream: Just begun. Its owner closes it when this raises.
        config: How much is held.
        limit_s: What is left of the time for the first token, in seconds.

    Raises:
        UpstreamError: As `CompletionStream.next_chunks` does; `TIMEOUT` in phase `first_token` when
            events came and no content; `PROTOCOL` when the stream ended and had held no event.
    """
    chunks = await stream.next_chunks()
    if not chunks:
        raise UpstreamError("the stream ended without an answer", FailureClass.PROTOCOL)
    if _has_content(chunks) or not config.hold_chunks:
        return chunks
    is_late = False

    def give_up() -> None:
        nonlocal is_late
        is_late = True
        stream.close()

    # Closing ends what is awaited; a timer of the loop costs less than a timeout scope.
    timer = asyncio.get_running_loop().call_later(max(0.0, limit_s), give_up)
    try:
        await _hold(stream, chunks, config)
    except UpstreamError as error:
        if is_late:
            raise UpstreamError(
                "events came, but no content in time", FailureClass.TIMEOUT, phase="first_token"
            ) from error
        raise
    finally:
        timer.cancel()
    return chunks


async def _hold(stream: CompletionStream, chunks: list[StreamChunk], config: StreamConfig) -> None:
    """Add chunks until one has content, the stream ends or a bound is met."""
    held_bytes = sum(len(chunk.data) for chunk in chunks)
    while len(chunks) <= config.hold_chunks and held_bytes <= config.hold_bytes:
        more = await stream.next_chunks()
        chunks += more
        if not more or _has_content(more):
            return
        held_bytes += sum(len(chunk.data) for chunk in more)


def _has_content(chunks: list[StreamChunk]) -> bool:
    return any(chunk.output_characters or chunk.finish_reason is not None for chunk in chunks)
