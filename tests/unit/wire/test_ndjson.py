"""Lines of JSON, however the body is cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.wire.ndjson import LineDecoder
from pointsman.wire.sse import EventTooLargeError


@given(st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line)), st.data())
def test_lines_are_the_same_however_the_body_is_cut(lines: list[bytes], data):
    """Pieces end anywhere; empty lines say nothing."""
    body = b"\n".join(lines)
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=5))
    edges = [0, *sorted(cuts), len(body)]
    decoder = LineDecoder()

    found = [line for a, b in pairwise(edges) for line in decoder.feed(body[a:b])]

    assert found + decoder.close() == [line.strip() for line in lines if line.strip()]


def test_a_line_is_bounded():
    """A peer cannot make us collect without end."""
    decoder = LineDecoder(max_line_bytes=8)
    decoder.feed(b"12345678")

    with pytest.raises(EventTooLargeError):
        decoder.feed(b"9")
