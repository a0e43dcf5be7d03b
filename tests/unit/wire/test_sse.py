"""The event stream decoder: whole events, whatever way the bytes arrive."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.wire.sse import EventDecoder, EventTooLargeError, ServerEvent


def decode(pieces: list[bytes]) -> list[bytes]:
    decoder = EventDecoder()
    found = [payload for piece in pieces for payload in decoder.feed(piece)]
    return found + decoder.close()


def naive(body: bytes) -> list[bytes]:
    """Decode a whole body line by line, the way the standard tells it."""
    lines = re.split(rb"\r\n|\r|\n", body.removeprefix(b"\xef\xbb\xbf"))
    events: list[bytes] = []
    data: list[bytes] = []
    for line in [*lines, b""]:
        if not line:
            if data:
                events.append(b"\n".join(data))
            data = []
        elif line == b"data" or line.startswith(b"data:"):
            value = line[5:]
            data.append(value[1:] if value.startswith(b" ") else value)
    return events


def test_a_piece_of_whole_events_is_split_into_their_payloads():
    """The common case: each event is one data line and a blank line."""
    decoder = EventDecoder()
    decoder.feed(b": start\n\n")

    assert decoder.feed(b'data: {"a":1}\n\ndata: {"b":2}\n\n') == [b'{"a":1}', b'{"b":2}']


@pytest.mark.parametrize("body", [b"data: [DONE]\n\n", b"data:[DONE]\n\n", b"data:[DONE]"])
def test_the_done_marker_is_found_with_and_without_space_and_line_end(body: bytes):
    """MM-01: no form of the marker may be lost."""
    assert decode([body]) == [b"[DONE]"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_of_the_standard_ends_a_line(end: bytes):
    """MM-02: LF, CRLF and CR, also when the piece is cut inside CRLF."""
    body = end.join([b"data: one", b"data: two", b"", b"data: three", b"", b""])

    assert decode([body]) == [b"one\ntwo", b"three"]
    assert decode([body[i : i + 1] for i in range(len(body))]) == [b"one\ntwo", b"three"]


def test_line_ends_may_be_mixed_within_an_event():
    """MM-02: a proxy that rewrites some of the lines does no harm."""
    assert decode([b"data: a\r\ndata: b\rdata: c\n\r\n"]) == [b"a\nb\nc"]


def test_comments_ids_and_retry_fields_are_not_events():
    """MM-02: a heartbeat between two chunks is invisible."""
    body = b": ping\n\nid: 7\nretry: 10\n\ndata: x\n: inside\n\n:\n\n"

    assert decode([body]) == [b"x"]


def test_event_names_are_reported_to_those_who_ask():
    """Dialects that name their events read the name beside the payload."""
    decoder = EventDecoder()

    events = decoder.feed_events(b"event: error\ndata: {}\n\ndata: {}\n\n")

    assert events == [ServerEvent(b"error", b"{}"), ServerEvent(b"", b"{}")]


def test_a_name_does_not_leak_from_an_event_without_data():
    """An event without data is dropped together with its name."""
    decoder = EventDecoder()

    events = decoder.feed_events(b"event: ping\n\ndata: 1\n\n")

    assert events == [ServerEvent(b"", b"1")]


def test_a_byte_order_mark_is_skipped_also_in_pieces():
    """MM-02: the mark is no part of the first field name."""
    body = b"\xef\xbb\xbfdata: 1\n\n"

    assert decode([body]) == [b"1"]
    assert decode([body[i : i + 1] for i in range(len(body))]) == [b"1"]


def test_utf8_may_be_cut_inside_a_character():
    """MM-02: payloads are bytes; a cut character is whole again in its event."""
    body = 'data: {"c":"é🚂"}\n\n'.encode()

    assert decode([body[:12], body[12:13], body[13:]]) == ['{"c":"é🚂"}'.encode()]


def test_an_event_without_its_blank_line_is_reported_at_the_end():
    """A stream that ends in the middle shows what was there, so that it can be judged."""
    assert decode([b"data: 1\n\ndata: {cut"]) == [b"1", b"{cut"]


@pytest.mark.parametrize("form", ["one line", "many lines", "empty lines", "comment", "pieces"])
def test_an_endless_event_is_refused(form: str):
    """A peer that never ends an event cannot fill our memory."""
    body = {
        "one line": [b"data: " + b"x" * 200 + b"\n\n"],
        "many lines": [b"data: " + b"x" * 40 + b"\n"] * 5,
        "empty lines": [b"data:\n" * 200],
        "comment": [b":" * 200],
        "pieces": [b"data: "] + [b"x" * 10] * 20,
    }[form]
    decoder = EventDecoder(max_event_bytes=100)

    with pytest.raises(EventTooLargeError):
        [decoder.feed(piece) for piece in body]


def test_the_bound_holds_for_each_event_not_for_the_stream():
    """A long stream of small events is not an endless event."""
    decoder = EventDecoder(max_event_bytes=100)

    found = [
        payload for _ in range(50) for payload in decoder.feed(b"data: " + b"x" * 60 + b"\n\n")
    ]

    assert len(found) == 50


line_ends = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b"\r"])
lines = st.sampled_from(
    [
        b"",
        b"",
        b"data: {}",
        b"data:[DONE]",
        b"data",
        b"data:",
        b"data:  two",
        b"datax: 1",
        b": ping",
        b"event: x",
        b"id",
        "data: é🚂".encode(),
        b"\xef\xbb\xbfdata: 1",
    ]
)
bodies = st.builds(
    lambda parts, tail, mark: mark + b"".join(line + end for line, end in parts) + tail,
    st.lists(st.tuples(lines, line_ends), max_size=30),
    st.sampled_from([b"", b"data: tail", b"da"]),
    st.sampled_from([b"", b"\xef\xbb\xbf", b"\xef\xbb"]),
) | st.lists(st.sampled_from([b'data: {"a":1}\n\n', b"data: [DONE]\n\n", b": p\n\n"])).map(b"".join)


@given(bodies, st.data())
def test_the_events_are_the_same_however_the_bytes_are_cut(body: bytes, data: st.DataObject):
    """MM-02: pieces are an accident of the network; equal to a decoder that sees it all at once."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=12)))
    pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]

    assert decode(pieces) == naive(body)
