"""Content codings: the same however fed, and never more than was asked for."""

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.transport.decoding import BodyDecoder

CODINGS = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "bare deflate": ("deflate", lambda body: zlib.compress(body, wbits=-15)),
}


def _decode(coding: str, wire: bytes, feed: int, take: int) -> bytes:
    decoder = BodyDecoder(coding)
    body = b""
    for start in range(0, len(wire), feed):
        decoder.feed(wire[start : start + feed])
        while piece := decoder.take(take):
            assert len(piece) <= take
            body += piece
    assert decoder.is_whole()
    return body


@settings(deadline=None)
@given(
    name=st.sampled_from(sorted(CODINGS)),
    body=st.binary(max_size=3000) | st.binary(max_size=9).map(lambda piece: piece * 500),
    feed=st.integers(1, 500),
    take=st.integers(1, 5000),
)
def test_a_body_is_the_same_however_it_is_fed_and_taken(name, body, feed, take):
    """Every piece within the size that was asked for."""
    coding, encode = CODINGS[name]
    assert _decode(coding, encode(body), feed, take) == body


@settings(deadline=None)
@given(st.sampled_from(["gzip", "deflate"]), st.lists(st.binary(max_size=40), max_size=6))
def test_arbitrary_bytes_decode_or_are_refused(coding, pieces):
    """With ValueError only."""
    decoder = BodyDecoder(coding)
    try:
        for piece in pieces:
            decoder.feed(piece)
            while decoder.take(1000):
                pass
    except ValueError:
        return
    assert decoder.is_whole() in (True, False)


def test_a_bomb_costs_the_piece_that_was_asked_for():
    """64 MiB of zeros in 64 KiB."""
    wire = gzip.compress(bytes(1 << 26))
    decoder = BodyDecoder("gzip")
    tracemalloc.start()
    decoder.feed(wire)
    for _ in range(3):
        assert len(decoder.take(1000)) == 1000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * len(wire)


def test_an_unfinished_body_is_not_whole():
    """The check value at the end counts."""
    for cut in (1, 4, 8, 12):
        decoder = BodyDecoder("gzip")
        decoder.feed(gzip.compress(b"hello")[:-cut])
        while decoder.take(100):
            pass
        assert not decoder.is_whole()


def test_members_are_counted():
    """Thousands of empty ones are time for nothing."""
    decoder = BodyDecoder("gzip")
    decoder.feed(gzip.compress(b"") * 1000)
    with pytest.raises(ValueError, match="does not end"):
        decoder.take(100)
