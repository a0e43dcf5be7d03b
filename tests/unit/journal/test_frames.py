"""The bytes of a segment, whole, torn and altered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode

from pointsman.journal.frames import (
    HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    HeaderState,
    encode_frame,
    read_header,
    scan_frames,
    segment_header,
)

bodies = st.text(max_size=60) | st.binary(max_size=60)
frames = st.lists(st.tuples(st.integers(1, 3), bodies), max_size=8).map(
    lambda entries: [
        (kind, encode({"schema": 1, "at": at, "body": body}))
        for at, (kind, body) in enumerate(entries)
    ]
)


def segment_of(entries: list[tuple[int, bytes]]) -> bytes:
    return segment_header() + b"".join(encode_frame(kind, payload) for kind, payload in entries)


def read_back(segment: bytes) -> list[tuple[int, bytes]]:
    return [(frame.kind, segment[frame.start : frame.end]) for frame in scan_frames(segment).frames]


def bounds_of(entries: list[tuple[int, bytes]]) -> list[tuple[int, int]]:
    """The first and last offset of each frame."""
    at, found = HEADER_BYTES, []
    for kind, payload in entries:
        end = at + len(encode_frame(kind, payload))
        found.append((at, end))
        at = end
    return found


@given(frames)
def test_what_was_written_is_read_back(entries):
    """Kinds and payloads survive, in order."""
    segment = segment_of(entries)

    scan = scan_frames(segment)

    assert read_back(segment) == entries
    assert (scan.end, scan.gaps, scan.lost_bytes, scan.torn_bytes) == (len(segment), 0, 0, 0)


@given(frames, st.data())
def test_a_tail_torn_at_any_byte_loses_only_the_torn_frame(entries, data):
    """Whatever a killed writer left of its last write, all frames before it are there."""
    segment = segment_of(entries)
    cut = data.draw(st.integers(0, len(segment)))
    whole = sum(1 for _, end in bounds_of(entries) if end <= cut)

    assert read_back(segment[:cut]) == entries[:whole]


@given(frames.filter(bool), st.data())
def test_altered_bytes_lose_at_most_the_frames_they_touch(entries, data):
    """A scan finds its way after damage, wherever it is."""
    segment = bytearray(segment_of(entries))
    first = data.draw(st.integers(0, len(segment) - 1))
    patch = data.draw(st.binary(min_size=1, max_size=20))
    last = min(first + len(patch), len(segment))
    segment[first:last] = patch[: last - first]
    untouched = [
        entry
        for entry, (start, end) in zip(entries, bounds_of(entries), strict=True)
        if end <= first or start >= last
    ]

    found = read_back(bytes(segment))

    assert [entry for entry in found if entry in untouched] == untouched
    assert set(found) <= set(entries)


@given(frames.filter(bool), st.data())
def test_a_flipped_bit_never_yields_a_frame_that_was_not_written(entries, data):
    """What is read was written, or is not read at all."""
    segment = bytearray(segment_of(entries))
    segment[data.draw(st.integers(0, len(segment) - 1))] ^= 1 << data.draw(st.integers(0, 7))

    assert set(read_back(bytes(segment))) <= set(entries)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_crash_a_scan(noise):
    """A file that was never a journal is read as one without entries, or some."""
    scan_frames(noise)
    scan_frames(noise, 0)
    read_header(noise)


def test_a_gap_is_counted_with_its_bytes():
    """What was lost is known (invariant 10)."""
    segment = bytearray(segment_of([(1, b"{}"), (2, b'{"a":1}'), (3, b"{}")]))
    segment[HEADER_BYTES + 11 + 10] ^= 0xFF  # the first byte of the second payload, `"`

    scan = scan_frames(bytes(segment))

    assert [frame.kind for frame in scan.frames] == [1, 3]
    assert (scan.gaps, scan.lost_bytes) == (1, 16)


def test_a_payload_over_the_bound_is_refused():
    """A reader must be able to trust the length before it has the payload."""
    with pytest.raises(ValueError, match="over the bound"):
        encode_frame(1, b"x" * (MAX_PAYLOAD_BYTES + 1))


def test_a_header_tells_good_from_damaged_from_newer():
    """Damage does not pass for a newer format, which would hide every frame behind it."""
    good = segment_header()
    damaged = bytes([good[0] ^ 1]) + good[1:]
    altered_version = good[:8] + b"\x09" + good[9:]

    assert read_header(good) is HeaderState.GOOD
    assert read_header(damaged) is HeaderState.DAMAGED
    assert read_header(altered_version) is HeaderState.DAMAGED
    assert read_header(good[:5]) is HeaderState.DAMAGED


def test_the_format_on_disk_is_the_documented_one():
    """A release must open the journal of the one before it (invariant 15)."""
    assert segment_header().hex() == "504d4a4f55524e4c01000000392fa06b"
    assert encode_frame(2, b"{}").hex() == "02000000c0a0ba1e027b7d"
