"""Reading heads strictly, however the bytes are cut."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.server.head import CHUNKED, HeadReader, read_framing, split_target
from pointsman.server.rejections import RequestRefusedError

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost:3100\r\nContent-Length: 2\r\n\r\n"


def take_all(reader, pieces):
    """Feed `pieces` until a head is complete; return head, rest and the pieces not fed."""
    left = list(pieces)
    while left:
        piece = left.pop(0)
        taken = reader.take(piece) if piece else None
        if taken is not None:
            return taken[0], taken[1] + b"".join(left)
    return None


@given(
    cuts=st.lists(st.integers(0, len(HEAD) + 4), max_size=8),
    lead=st.sampled_from([b"", b"\r\n"]),
)
def test_a_head_is_the_same_however_it_is_cut(cuts, lead):
    """One empty line may come before it."""
    whole = lead + HEAD + b"{}"
    edges = [0, *sorted(cuts), len(whole)]
    pieces = [whole[a:b] for a, b in itertools.pairwise(edges)]

    assert take_all(HeadReader(1000, 10), pieces) == (HEAD, b"{}")


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_any_bytes_are_held_within_the_bound_refused_or_taken(data, cuts):
    """Nothing else can happen, and no more than the bound is kept."""
    reader = HeadReader(100, 10)
    edges = [0, *sorted(cuts), len(data)]
    status = None
    try:
        take_all(reader, [data[a:b] for a, b in itertools.pairwise(edges)])
    except RequestRefusedError as refused:
        status = refused.rejection.status
    assert status in {None, 400, 431}
    assert reader.held_bytes <= 100


def test_a_reader_reads_one_head_after_another():
    """State of the first does not reach the second."""
    reader = HeadReader(1000, 10)
    for _ in range(3):
        assert reader.take(HEAD[:20]) is None
        assert reader.take(HEAD[20:] + b"rest") == (HEAD, b"rest")
        assert reader.held_bytes == 0


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\nHost", b"\x16\x03\x01", b"\n", b"\r\n\r\n", b" "]
)
def test_what_cannot_become_a_head_is_refused_without_waiting(data):
    """A deadline is not needed to see these."""
    with pytest.raises(RequestRefusedError) as caught:
        HeadReader(1000, 10).take(data)
    assert caught.value.rejection.status == 400


def test_a_carriage_return_and_its_line_feed_may_be_cut():
    """The cut between them is no bare line feed."""
    reader = HeadReader(1000, 10)
    assert reader.take(b"GET / HTTP/1.1\r") is None
    assert reader.take(b"\nHost: a\r") is None
    assert reader.take(b"\n\r") is None
    assert reader.take(b"\n") == (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"")


def test_an_empty_line_before_each_request_is_skipped():
    """However it is cut; some clients end every body with one."""
    reader = HeadReader(1000, 10)
    for pieces in (
        [b"\r", b"\n", HEAD],
        [b"\r\n", HEAD],
        [b"\r\n" + HEAD],
        [HEAD],
        [b"\r\n", HEAD],
    ):
        assert take_all(reader, pieces) == (HEAD, b"")
    with pytest.raises(RequestRefusedError):
        take_all(reader, [b"\r\n", b"\r\n", HEAD])


def test_the_bounds_are_exact():
    """The size and count named in the settings are still accepted."""
    lines = b"".join(b"h%04d: v\r\n" % number for number in range(300))
    head = b"GET / HTTP/1.1\r\n" + lines + b"\r\n"

    assert HeadReader(len(head), 300).take(head) is not None
    for reader in (HeadReader(len(head) - 1, 300), HeadReader(len(head), 299)):
        with pytest.raises(RequestRefusedError) as caught:
            reader.take(head)
        assert caught.value.rejection.status == 431


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([(b"host", b"a")], (0, b"a", False)),
        ([(b"host", b"[::1]:80"), (b"content-length", b"12")], (12, b"[::1]:80", False)),
        ([(b"host", b"a"), (b"transfer-encoding", b"Chunked")], (CHUNKED, b"a", False)),
        ([(b"host", b"a"), (b"expect", b"100-Continue")], (0, b"a", True)),
    ],
)
def test_framing_is_read_from_the_headers(headers, expected):
    """Length, host and expectation."""
    assert read_framing(headers, is_http_1_0=False) == expected


def test_http_1_0_needs_no_host_and_waits_for_no_interim_answer():
    """RFC 9110 section 10.1.1 says to ignore the expectation."""
    assert read_framing([(b"expect", b"100-continue")], is_http_1_0=True) == (0, b"", False)


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/", b"/", b""),
        (b"/a?b=c?d", b"/a", b"b=c?d"),
        (b"//evil/a", b"//evil/a", b""),
        (b"http://host", b"/", b""),
        (b"HTTPS://HOST/x", b"/x", b""),
        (b"http://host?q", b"/", b"q"),
    ],
)
def test_targets_are_split(target, path, query):
    """Origin form and absolute form."""
    assert split_target(target, "GET", b"host") == (path, query)


def test_an_asterisk_is_a_target_of_options_only():
    """RFC 9112 section 3.2.4."""
    assert split_target(b"*", "OPTIONS", b"host") == (b"*", b"")
    with pytest.raises(RequestRefusedError):
        split_target(b"*", "GET", b"host")
