"""Reads what live workers append, from where it stood at the last look."""

from pathlib import Path
from typing import NamedTuple

from pointsman.core.records import CallRecord
from pointsman.journal.entries import Kind, decode_record
from pointsman.journal.frames import HEADER_BYTES, scan_frames
from pointsman.journal.segments import segment_paths, worker_folders


class _Position(NamedTuple):
    offset: int
    """Everything before it has been read."""
    size: int
    """Size at the last look: bytes that cannot be read yet are not read again until more come."""


class Follower:
    """Positions in all segments below a journal's root, at first at their ends."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._positions: dict[Path, _Position] = {}
        for folder in worker_folders(root):
            paths = segment_paths(folder)
            self._positions.update({path: _end_of(path) for path in paths[:-1]})
            self._positions.update({path: _last_frame_end(path) for path in paths[-1:]})

    def read(self) -> list[CallRecord]:
        """Return the records appended since the last look, worker by worker."""
        records: list[CallRecord] = []
        seen: dict[Path, _Position] = {}
        for folder in worker_folders(self._root):
            for path in segment_paths(folder):
                before = self._positions.get(path, _Position(HEADER_BYTES, 0))
                seen[path] = _read_on(path, before, records)
        self._positions = seen
        return records


def _read_on(path: Path, before: _Position, records: list[CallRecord]) -> _Position:
    chunk = _read_from(path, before)
    scan = scan_frames(chunk, 0)
    for frame in scan.frames:
        if frame.kind == Kind.END:
            record = decode_record(chunk[frame.start : frame.end])
            if record is not None:
                records.append(record)
    return _Position(before.offset + scan.end, max(before.size, before.offset + len(chunk)))


def _end_of(path: Path) -> _Position:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        size = 0
    return _Position(size, size)


def _last_frame_end(path: Path) -> _Position:
    """Return where the next frame of a growing segment starts: its last one may be half there."""
    segment = _read_from(path, _Position(0, 0))
    return _Position(scan_frames(segment).end, len(segment))


def _read_from(path: Path, position: _Position) -> bytes:
    try:
        with path.open("rb") as segment:
            if path.stat().st_size <= position.size:
                return b""
            segment.seek(position.offset)
            return segment.read()
    except FileNotFoundError:
        return b""
