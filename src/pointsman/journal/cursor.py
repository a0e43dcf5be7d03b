"""Where the sender stands in a worker's folder: a small file beside the segments.

Written whole and renamed into place, not synced: after a power cut it may be old, then entries are
sent again and recognised by their ids.
"""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

CURSOR_NAME = "cursor"


class Position(NamedTuple):
    """A place in a worker's journal. Positions compare as the journal grows."""

    segment: int
    """Sequence number of the segment; 0 is before the first."""
    offset: int
    """Bytes from its start."""


START = Position(0, 0)
_decode = msgspec.json.Decoder(Position).decode


def load_cursor(folder: Path) -> Position:
    """Return the position up to which everything was delivered; the start when not known."""
    try:
        position = _decode((folder / CURSOR_NAME).read_bytes())
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return START
    return position if min(position) >= 0 else START


def save_cursor(folder: Path, position: Position) -> None:
    """Remember a position. On a full disk the old one stays: more is sent again, none is lost."""
    fresh = folder / (CURSOR_NAME + ".new")
    with suppress(OSError):
        fresh.write_bytes(msgspec.json.encode(position))
        fresh.replace(folder / CURSOR_NAME)
