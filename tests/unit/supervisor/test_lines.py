"""Lines out of a stream."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from pointsman.supervisor.lines import read_lines


def _read(pieces: list[bytes], max_bytes: int) -> list[bytes]:
    async def run() -> list[bytes]:
        stream = asyncio.StreamReader()
        for piece in pieces:
            stream.feed_data(piece)
        stream.feed_eof()
        return [line async for line in read_lines(stream, max_bytes)]

    return asyncio.run(run())


@given(st.lists(st.binary(max_size=20), max_size=10))
def test_lines_come_whole_however_they_were_cut(pieces: list[bytes]):
    """Nothing is lost, nothing is added."""
    whole = b"".join(pieces)
    expected = whole.split(b"\n")
    if expected[-1] == b"":
        expected.pop()

    assert _read(pieces, 1_000_000) == expected


def test_an_endless_line_comes_in_pieces():
    """Memory is bounded by the longest line and one read."""
    lines = _read([b"x" * 300_000], 65_536)

    assert b"".join(lines) == b"x" * 300_000
    assert max(map(len, lines)) <= 65_536 * 2
