"""Taking the chunked coding off, however the bytes are cut."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.server.chunked import ChunkDecoder
from pointsman.server.rejections import RequestRefusedError

chunks = st.lists(st.binary(min_size=1, max_size=40), max_size=6)


def encode(parts, extension=b"", trailer=b""):
    body = b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts)
    return body + b"0\r\n" + trailer + b"\r\n"


def feed_all(decoder, pieces):
    body, rest = b"", b""
    for piece in pieces:
        if decoder.is_done:
            rest += piece
            continue
        content, rest = decoder.feed(piece)
        body += content
    return body, rest


@given(
    parts=chunks,
    cuts=st.lists(st.integers(0, 400), max_size=10),
    extension=st.sampled_from([b"", b";a=b", b" ; c"]),
    trailer=st.sampled_from([b"", b"X-Sum: 1\r\n", b"a:\r\nb: c\r\n"]),
)
def test_the_body_is_the_same_however_its_bytes_are_cut(parts, cuts, extension, trailer):
    """What follows the last chunk is left alone."""
    whole = encode(parts, extension, trailer) + b"NEXT"
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    decoder = ChunkDecoder(1000, 1000)

    body, rest = feed_all(decoder, [whole[a:b] for a, b in itertools.pairwise(edges)])

    assert body == b"".join(parts)
    assert rest == b"NEXT"
    assert decoder.is_done


@given(data=st.binary(max_size=300), cut=st.integers(0, 300))
def test_any_bytes_are_decoded_within_the_bound_or_refused(data, cut):
    """Nothing else can happen."""
    decoder = ChunkDecoder(50, 50)
    body, status = b"", None
    try:
        body, _ = feed_all(decoder, [data[:cut], data[cut:]])
    except RequestRefusedError as refused:
        status = refused.rejection.status
    assert status in {None, 400, 413}
    assert len(body) <= 50


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"33\r\n", 413),
        (b"5;" + b"x" * 60 + b"\r\n", 400),
        (b"0\r\n" + b"a: b\r\n" * 20, 400),
        (b"1\r\nx" * 2, 400),
        (b"1\r\nx\r\n" * 20, 400),
    ],
)
def test_bounds_and_framing_are_kept(data, status):
    """50 bytes of body, 50 of small chunks, extensions and trailers."""
    with pytest.raises(RequestRefusedError) as caught:
        ChunkDecoder(50, 50).feed(data + b"\r\n")
    assert caught.value.rejection.status == status


def test_the_bound_itself_is_accepted():
    """Exactly as much as allowed."""
    assert ChunkDecoder(50, 5).feed(encode([b"x" * 50])) == (b"x" * 50, b"")
