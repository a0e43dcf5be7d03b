"""The answer parser alone: every cut gives the same, nothing raises, every part is bounded."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pointsman.transport.answer import AnswerParser
from pointsman.transport.settings import TransportSettings

CORPUS = [
    path.read_bytes()
    for path in sorted((Path(__file__).parents[2] / "fuzz_corpus" / "http_answers").glob("*.bin"))
]
OK = b"HTTP/1.1 200 OK\r\n"
OLD_AND_CHUNKED = (
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
)
DEFAULT = TransportSettings()
SMALL = TransportSettings(max_head_bytes=1000, max_trailer_bytes=100)


def _parse(pieces, settings=DEFAULT, *, is_head_request=False):
    """Return the parser after these pieces and the end of the connection, and the body."""
    parser = AnswerParser(settings, is_head_request=is_head_request)
    for piece in pieces:
        if piece:
            parser.feed(piece)
    parser.feed_end()
    return parser, parser.take()


def _outcome(pieces):
    parser, body = _parse(pieces)
    if parser.error is not None:
        return "protocol"
    if not parser.is_head_complete:
        return "no head"
    return parser.status, parser.headers, body, parser.is_complete


def _cut(answer: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(answer) + 1) for place in places), len(answer)]
    return [answer[start:end] for start, end in pairwise(edges)]


@settings(max_examples=400, deadline=None)
@given(answer=st.sampled_from(CORPUS), places=st.lists(st.integers(0, 1 << 16), max_size=12))
def test_cuts_do_not_change_an_answer(answer, places):
    """Valid or not."""
    assert _outcome(_cut(answer, places)) == _outcome([answer])


@pytest.mark.parametrize("answer", CORPUS)
def test_every_byte_alone_gives_the_same_answer(answer):
    """The slowest of networks."""
    assert _outcome([answer[at : at + 1] for at in range(len(answer))]) == _outcome([answer])


MUTATION = st.tuples(
    st.integers(0, 1 << 16), st.integers(0, 10), st.binary(max_size=10) | st.sampled_from(CORPUS)
)


@settings(max_examples=600, deadline=None)
@example(CORPUS[0], [], [])
@given(
    answer=st.sampled_from(CORPUS),
    mutations=st.lists(MUTATION, min_size=1, max_size=4),
    places=st.lists(st.integers(0, 1 << 16), max_size=6),
)
def test_damaged_answers_never_raise_and_do_not_depend_on_cuts(answer, mutations, places):
    """What the network's timing can change is not a meaning."""
    damaged = bytearray(answer)
    for place, length, bytes_in in mutations:
        start = place % (len(damaged) + 1)
        damaged[start : start + length] = bytes_in
    answer = bytes(damaged)
    assert _outcome(_cut(answer, places)) == _outcome([answer])


@settings(deadline=None)
@given(st.lists(st.binary(max_size=50), max_size=10))
def test_arbitrary_bytes_never_raise(pieces):
    """Nor are they an answer, unless they begin like one."""
    answer = b"".join(pieces)
    outcome = _outcome(pieces)
    assert outcome in ("protocol", "no head") or answer.startswith(b"HTTP/1.")


@settings(deadline=None)
@given(
    body=st.binary(max_size=2000),
    sizes=st.lists(st.integers(1, 300), min_size=1, max_size=20),
    places=st.lists(st.integers(0, 5000), max_size=10),
)
def test_a_body_comes_through_chunking_and_cutting_unchanged(body, sizes, places):
    """Round trip."""
    wire, rest = OK + b"Transfer-Encoding: chunked\r\n\r\n", body
    for size in sizes:
        piece, rest = rest[:size], rest[size:]
        if piece:
            wire += b"%x\r\n%s\r\n" % (len(piece), piece)
    if rest:
        wire += b"%x\r\n%s\r\n" % (len(rest), rest)
    wire += b"0\r\n\r\n"
    parser, received = _parse(_cut(wire, places))
    assert (received, parser.is_complete, parser.may_reuse) == (body, True, True)


@pytest.mark.parametrize("size", [999, 1000, 1001])
def test_the_bound_of_the_head_is_exact(size):
    """Body bytes in the same segment do not count."""
    head = OK + b"Content-Length: 2000\r\nX: "
    head += b"x" * (size - len(head) - 4) + b"\r\n\r\n"
    parser, body = _parse([head + bytes(2000)], SMALL)
    assert (parser.error is None) == (size <= 1000)
    assert len(body) == (2000 if size <= 1000 else 0)


def test_a_head_that_never_ends_is_refused_without_being_kept():
    """60 MB of header in one piece."""
    parser, _ = _parse([OK + b"X: " + b"x" * 60_000_000], SMALL)
    assert "head is over 1000 bytes" in parser.error


def test_small_chunks_are_not_taken_for_extensions():
    """A stream of single bytes has more framing than content, for hours."""
    head = OK + b"Transfer-Encoding: chunked\r\n\r\n"
    parser, body = _parse([head, *[b"1\r\nx\r\n"] * 5000, b"0\r\n\r\n"], SMALL)
    assert (parser.error, body, parser.is_complete) == (None, b"x" * 5000, True)


@pytest.mark.parametrize(
    "piece", [b"1;" + b"e" * 200 + b"\r\nx\r\n", b"0\r\nX: " + b"t" * 200 + b"\r\n\r\n"]
)
def test_extensions_and_trailers_share_a_bound(piece):
    """In one answer, however they are spread."""
    head = OK + b"Transfer-Encoding: chunked\r\n\r\n"
    parser, _ = _parse([head, piece], SMALL)
    assert "too long" in parser.error
    parser, _ = _parse([head, *[piece[at : at + 7] for at in range(0, len(piece), 7)]], SMALL)
    assert "too long" in parser.error


def test_head_requests_take_no_body_and_keep_the_connection_only_if_none_comes():
    """Some servers send one all the same."""
    head = OK + b"Content-Length: 3\r\n\r\n"
    parser, body = _parse([head], is_head_request=True)
    assert (parser.is_complete, parser.may_reuse, body) == (True, True, b"")
    parser, body = _parse([head + b"abc"], is_head_request=True)
    assert (parser.is_complete, parser.may_reuse, body) == (True, False, b"")


@pytest.mark.parametrize(
    ("head", "may_reuse"),
    [
        (OLD_AND_CHUNKED, False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\n\r\n", False),
        (b"HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\nx", False),
    ],
)
def test_a_connection_is_reused_only_when_the_answer_allows_it(head, may_reuse):
    """By version, by header, by framing, by surplus bytes."""
    assert _parse([head])[0].may_reuse is may_reuse
