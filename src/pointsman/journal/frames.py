"""The bytes of a segment: a header, then frames. Owns the format; knows no payload.

    segment = header frame*
    header  = magic (8 bytes)  format u32  crc32 u32 of the twelve bytes before
    frame   = length u32  crc32 u32  kind u8  payload (`length` bytes of compact JSON)

Numbers are little-endian; a frame's checksum covers kind and payload. JSON text holds no control
character, and kinds are control characters, so a kind followed by `{` marks a possible frame and
nothing inside a payload can look like one: that is how a scan finds its way after damage.
"""

import re
from enum import Enum
from struct import Struct as Layout
from typing import NamedTuple
from zlib import crc32

MAGIC = b"PMJOURNL"
FORMAT = 1
HEADER_BYTES = 16
FRAME_BYTES = 9
"""What a frame adds to its payload."""
MAX_PAYLOAD_BYTES = 1_048_576
LAST_KIND = 8
"""Kinds are 1 to 8: control characters that JSON never uses, not even as white space."""

_HEADER = Layout("<8sII")
_FRAME = Layout("<IIB")
_KIND_OFFSET = 8
_CANDIDATE = re.compile(rb"[\x01-\x08]\{")
_KIND_CRC = tuple(crc32(bytes([kind])) for kind in range(LAST_KIND + 1))


class HeaderState(Enum):
    """What the first bytes of a segment say."""

    GOOD = "good"
    DAMAGED = "damaged"
    """Torn or altered; the frames behind it may still be whole, since each has its checksum."""
    NEWER = "newer"
    """Whole, and of a format that this release does not know."""


class Frame(NamedTuple):
    """A verified frame: where its payload lies in the scanned bytes."""

    kind: int
    start: int
    end: int


class Scan(NamedTuple):
    """What a scan found."""

    frames: list[Frame]
    end: int
    """Offset after the last whole frame; a live writer's next bytes continue from here."""
    gaps: int
    """Damaged places that were stepped over."""
    lost_bytes: int
    """Bytes in those places."""
    torn_bytes: int
    """Bytes after `end`: a write under way, or what a killed writer left of its last one."""


def segment_header() -> bytes:
    """Return the first bytes of a segment."""
    head = _HEADER.pack(MAGIC, FORMAT, 0)[:12]
    return head + crc32(head).to_bytes(4, "little")


def read_header(segment: bytes) -> HeaderState:
    """Judge the first bytes of a segment."""
    if len(segment) < HEADER_BYTES:
        return HeaderState.DAMAGED
    magic, version, checksum = _HEADER.unpack_from(segment)
    if magic != MAGIC or crc32(segment[:12]) != checksum:
        return HeaderState.DAMAGED
    return HeaderState.GOOD if version <= FORMAT else HeaderState.NEWER


def encode_frame(kind: int, payload: bytes) -> bytes:
    """Return one frame.

    Raises:
        ValueError: The payload is longer than `MAX_PAYLOAD_BYTES`.
    """
    length = len(payload)
    if length > MAX_PAYLOAD_BYTES:
        raise ValueError(f"a payload of {length} bytes is over the bound of {MAX_PAYLOAD_BYTES}")
    return _FRAME.pack(length, crc32(payload, _KIND_CRC[kind]), kind) + payload


def scan_frames(segment: bytes, start: int = HEADER_BYTES) -> Scan:
    """Find every verifiable frame at or after `start`. Never raises, whatever the bytes are."""
    frames: list[Frame] = []
    position, size, gaps, lost = start, len(segment), 0, 0
    view = memoryview(segment)
    while position < size:
        frame = _frame_at(view, position)
        if frame is None:
            frame = _next_frame(segment, view, position)
            if frame is None:
                break
            gaps += 1
            lost += frame.start - FRAME_BYTES - position
        frames.append(frame)
        position = frame.end
    return Scan(frames, position, gaps, lost, max(0, size - position))


def _frame_at(view: memoryview, position: int) -> Frame | None:
    start = position + FRAME_BYTES
    if start > len(view):
        return None
    length, checksum, kind = _FRAME.unpack_from(view, position)
    end = start + length
    if length > MAX_PAYLOAD_BYTES or end > len(view) or not 0 < kind <= LAST_KIND:
        return None
    if crc32(view[start:end], _KIND_CRC[kind]) != checksum:
        return None
    return Frame(kind, start, end)


def _next_frame(segment: bytes, view: memoryview, position: int) -> Frame | None:
    for match in _CANDIDATE.finditer(segment, position + _KIND_OFFSET):
        frame = _frame_at(view, match.start() - _KIND_OFFSET)
        if frame is not None:
            return frame
    return None
