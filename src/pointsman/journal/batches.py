"""Cuts a worker's journal into batches for the collector, from a cursor on.

Begins are left out; a batch ends after the end of a request, so that a prompt or answer, which is
written before its record, travels with it. Payloads are copied, never decoded. Damage is stepped
over as readers do. Knows nothing of the network.
"""

import os
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from pointsman.core.records import SCHEMA
from pointsman.journal.cursor import START, Position, load_cursor, save_cursor
from pointsman.journal.entries import Kind
from pointsman.journal.frames import (
    FRAME_BYTES,
    HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    Frame,
    HeaderState,
    read_header,
    scan_frames,
)
from pointsman.journal.segments import segment_paths
from pointsman.wire.record_batch import BatchHead, Spool, encode_batch

WINDOW_BYTES = 131_072
"""Read at once, and so the usual size of a full batch: about a millisecond of the event loop."""
BEHIND_WINDOW_BYTES = 524_288
"""The most that is read at once while there is more than that: four milliseconds of the loop. A
batch costs the collector tens of milliseconds whatever it holds, so small ones bound the rate."""
MAX_WINDOW_BYTES = 4_194_304
"""Room for a record with a long prompt and answer."""
MAX_ENTRIES = 2_000
# hot path: members of an enum cost four times as much to read and compare as plain numbers
_END = int(Kind.END)
_CONTENT = int(Kind.CONTENT)


class Entry(NamedTuple):
    """One payload that is to be delivered."""

    kind: int
    payload: bytes
    at: Position


class Batch(Struct, frozen=True):
    """Entries in the order of the journal."""

    worker: str
    entries: list[Entry]
    end: Position
    """Where the cursor goes once this is delivered."""

    @property
    def calls(self) -> list[Entry]:
        """The records among the entries."""
        return [entry for entry in self.entries if entry.kind == _END]

    @property
    def contents(self) -> list[Entry]:
        """The prompts and answers among the entries."""
        return [entry for entry in self.entries if entry.kind == _CONTENT]

    def body(self, spool: Spool | None = None) -> bytes:
        """Return the request body; the same entries always give the same batch id and lines."""
        calls, contents = self.calls, self.contents
        lines = [entry.payload for entry in (*calls, *contents)]
        first, last = self.entries[0].at, self.entries[-1].at
        # The digest keeps ids apart when a folder was emptied and its numbers start again.
        digest = blake2b(b"\n".join(lines), digest_size=8).hexdigest()
        place = f"{first.segment}.{first.offset}-{last.segment}.{last.offset}"
        head = BatchHead(
            schema=SCHEMA,
            batch_id=f"{self.worker[:64]}/{place}/{digest}",
            worker=self.worker[:64],
            calls=len(calls),
            contents=len(contents),
            spool=spool,
        )
        return encode_batch(head, lines)

    def halves(self) -> list["Batch"]:
        """Return two smaller batches; one when there is but one record in it."""
        ends = [number for number, entry in enumerate(self.entries, 1) if entry.kind == _END]
        if len(ends) < 2:
            return [self]
        middle = ends[(len(ends) - 1) // 2]
        rest = self.entries[middle:]
        return [
            Batch(self.worker, self.entries[:middle], rest[0].at),
            Batch(self.worker, rest, self.end),
        ]


class FolderFeed:
    """Reads one worker's folder; `take` what comes next, `commit` what was delivered.

    Args:
        folder: The worker's folder. Its writer may be alive.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cursor = load_cursor(folder)
        self._position = self.cursor
        self._carried: list[Entry] = []
        self._window = WINDOW_BYTES
        self._is_behind = False
        self._is_at_end = False
        self.lost_segments = 0
        """Segments deleted to keep the journal's bound before they were delivered."""
        self.orphans = 0
        """Prompts and answers whose record never came."""
        self.unreadable_segments = 0
        """Segments of a newer release."""

    def take(self) -> Batch | None:
        """Return what comes next, the same again until it is committed; None when nothing does.

        Raises:
            OSError: A segment is there and cannot be read.
        """
        self._position, self._carried = self.cursor, []
        while True:
            paths = segment_paths(self.folder)
            path = self._locate(paths)
            if path is None:
                return None
            try:
                chunk = self._read(path)
            except FileNotFoundError:
                continue  # deleted a moment ago to keep the bound
            batch = self._batch_in(chunk)
            if batch is not None:
                self._is_behind = len(chunk) == self._window
                return batch
            is_growing = path == paths[-1]
            if not self._move_on(chunk, is_growing=is_growing):
                return None

    def commit(self, end: Position) -> None:
        """Remember that everything before `end` was delivered."""
        self.cursor = end
        larger = min(self._window * 2, BEHIND_WINDOW_BYTES)
        self._window = larger if self._is_behind else WINDOW_BYTES
        save_cursor(self.folder, end)

    def lag_bytes(self) -> int:
        """Return how many bytes of the folder's segments have not been delivered."""
        total = 0
        for path in segment_paths(self.folder):
            number = int(path.stem)
            if number < self.cursor.segment:
                continue
            try:
                size = path.stat().st_size
            except FileNotFoundError:
                continue
            total += size - (self.cursor.offset if number == self.cursor.segment else 0)
        return max(0, total)

    def _locate(self, paths: list[Path]) -> Path | None:
        """Return the segment that the position lies in, moving it when that one is gone."""
        if not paths:
            return None
        segment = self._position.segment
        if segment > int(paths[-1].stem):
            # Somebody emptied the folder, and the numbers start again.
            self.cursor = START
            segment = 0
        path = next(path for path in paths if int(path.stem) >= segment)
        number = int(path.stem)
        if number != segment:
            if segment:
                self.lost_segments += number - segment - (1 if self._is_at_end else 0)
                self.orphans += len(self._carried)
            self._position, self._carried = Position(number, 0), []
            self.cursor = self._position
        self._is_at_end = False
        return path

    def _read(self, path: Path) -> bytes:
        """Return a window of the segment from the position on, which is moved over the header."""
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if self._position.offset < HEADER_BYTES:
                header = os.pread(fd, HEADER_BYTES, 0)
                if len(header) < HEADER_BYTES:
                    return b""
                if read_header(header) is HeaderState.NEWER:
                    self.unreadable_segments += 1
                    self._advance(Position(self._position.segment, os.fstat(fd).st_size))
                    return b""
                self._position = Position(self._position.segment, HEADER_BYTES)
            return os.pread(fd, self._window, self._position.offset)
        finally:
            os.close(fd)

    def _batch_in(self, chunk: bytes) -> Batch | None:
        """Return what the window holds up to its last whole request; None without one."""
        frames = scan_frames(chunk, 0).frames
        wanted = [frame for frame in frames if frame.kind in (_END, _CONTENT)]
        ends = [number for number, frame in enumerate(wanted) if frame.kind == _END]
        if not ends:
            return None
        last = max((number for number in ends if number < MAX_ENTRIES), default=ends[0])
        kept = [self._entry(frame, chunk) for frame in wanted[: last + 1]]
        segment, offset = self._position
        end = Position(segment, offset + wanted[last].end)
        return Batch(self.folder.name, self._carried + kept, end)

    def _entry(self, frame: Frame, chunk: bytes) -> Entry:
        segment, offset = self._position
        at = Position(segment, offset + frame.start - FRAME_BYTES)
        return Entry(frame.kind, chunk[frame.start : frame.end], at)

    def _move_on(self, chunk: bytes, *, is_growing: bool) -> bool:
        """Go on behind a window without a whole request; False when there is nothing more now."""
        scan = scan_frames(chunk, 0)
        contents = [frame for frame in scan.frames if frame.kind == _CONTENT]
        is_full = len(chunk) == self._window
        segment, offset = self._position
        if is_full and self._window < MAX_WINDOW_BYTES and (contents or not scan.frames):
            self._window = MAX_WINDOW_BYTES
            return True
        if is_full:
            # Only begins; or damage, or prompts without a record, longer than any request.
            self.orphans += len(contents)
            step = scan.end or len(chunk) - MAX_PAYLOAD_BYTES - FRAME_BYTES
            self._advance(Position(segment, offset + step))
            return True
        if is_growing:
            self._is_at_end = not contents
            return False
        # The record of these lies at the start of the next segment.
        self._carried += [self._entry(frame, chunk) for frame in contents]
        self._position = Position(segment + 1, 0)
        if not self._carried:
            self.cursor = self._position
        return True

    def _advance(self, position: Position) -> None:
        """Step over what needs no delivery; written down with the next batch."""
        self._position = position
        if not self._carried:
            self.cursor = position
