"""How much of a stream is held back before the first byte goes to the client."""

import pytest

from pointsman.config.resilience import StreamConfig
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.provider import StreamChunk
from pointsman.resilience.held_back import first_chunks

EMPTY = StreamChunk(b"{}")
TEXT = StreamChunk(b'{"x":1}', output_characters=1)
END = StreamChunk(b"{}", finish_reason="stop")
CUT = UpstreamError("cut", FailureClass.TRUNCATED)


class Told:
    """A stream that brings what it is told."""

    def __init__(self, *reads) -> None:
        self.reads = list(reads)

    async def next_chunks(self) -> list[StreamChunk]:
        read = self.reads.pop(0)
        if isinstance(read, Exception):
            raise read
        return read

    def close(self) -> None:
        self.reads = [CUT]


@pytest.mark.parametrize(
    ("reads", "held", "left"),
    [
        ([[TEXT], [TEXT]], 1, 1),
        ([[EMPTY], [EMPTY], [TEXT], [TEXT]], 3, 1),
        ([[EMPTY, TEXT], [TEXT]], 2, 1),
        ([[EMPTY], [END], []], 2, 1),
        ([[EMPTY], []], 1, 0),
    ],
)
async def test_it_is_held_until_something_is_in_it(reads, held: int, left: int):
    """Content, an end, or nothing more to come."""
    stream = Told(*reads)

    assert len(await first_chunks(stream, StreamConfig(), 5)) == held
    assert len(stream.reads) == left


async def test_what_breaks_before_it_is_raised_as_what_it_is():
    """FO-20: it can still move on."""
    with pytest.raises(UpstreamError) as caught:
        await first_chunks(Told([EMPTY], CUT), StreamConfig(), 5)

    assert caught.value.failure_class is FailureClass.TRUNCATED


async def test_a_stream_that_held_nothing_is_no_answer():
    """A bare end marker is not a success."""
    with pytest.raises(UpstreamError) as caught:
        await first_chunks(Told([]), StreamConfig(), 5)

    assert caught.value.failure_class is FailureClass.PROTOCOL


@pytest.mark.parametrize(
    ("config", "held"),
    [
        (StreamConfig(hold_chunks=0), 1),
        (StreamConfig(hold_chunks=3), 4),
        (StreamConfig(hold_bytes=5), 3),
    ],
)
async def test_it_is_held_within_bounds(config: StreamConfig, held: int):
    """Events and bytes."""
    stream = Told(*[[EMPTY] for _ in range(50)])

    assert len(await first_chunks(stream, config, 5)) == held
