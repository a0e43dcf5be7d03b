"""The one appender of a gateway worker.

Entries are queued and written with one system call at the end of the loop tick that queued them;
begins go first, so a burst of ends cannot hold them back. What has been handed to the operating
system survives `kill -9` of the worker. It does not survive a power cut: nothing is synced, since
a sync costs more than the request.

Nothing here raises into the request path. When the disk is full or fails, entries are dropped and
counted, and a new segment is tried after a pause that doubles up to 30 seconds. The log says so
once, and once more when entries are written again.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec import Struct
from msgspec.json import Encoder
from msgspec.structs import replace

from pointsman.core.clock import Clock
from pointsman.core.records import CallRecord
from pointsman.journal.bounds import encode_record
from pointsman.journal.entries import MAX_CONTENT_BYTES, Begin, Content, Kind
from pointsman.journal.frames import encode_frame
from pointsman.journal.lock import FolderLock
from pointsman.journal.segments import JournalSettings, SegmentAppender

MAX_ENTRIES_PER_TICK = 64
"""Encoding more at once would hold up the streams of other requests."""
MAX_QUEUED = 8192
"""Entries that wait; beyond it new ends are dropped, begins still enter."""
MAX_QUEUED_CONTENT_BYTES = 67_108_864
_FIRST_PAUSE_NS = 250_000_000
_LONGEST_PAUSE_NS = 30_000_000_000
_SILENCE_NS = 60_000_000_000
"""A disk that comes and goes is reported once in this time."""
_ENCODER = Encoder()
_logger = logging.getLogger("pointsman.journal")


class JournalStats(Struct):
    """What the journal has done since this worker started."""

    written: int = 0
    """Entries handed to the operating system."""
    dropped: int = 0
    """Entries lost: disk full or failing, queue full, or not encodable."""
    truncated: int = 0
    """Bodies that were cut to fit."""
    bytes: int = 0
    segments: int = 0
    """Segments opened."""
    expired: int = 0
    """Segments deleted to keep the bound."""
    last_error: str | None = None
    """The newest failure in words; None when there was none."""
    is_failing: bool = False
    """Whether the last write failed; the gateway serves on without a journal."""


class JournalWriter:
    """Appends to the journal of one worker. Not thread-safe: it belongs to one event loop.

    Args:
        folder: `<data_dir>/journal/<worker>`; made when it is not there, locked while open.
        settings: Bounds on disk.
        clock: For the pause after a failure.
        schedule: Runs a callback soon, after the current tick: `loop.call_soon`.
        patient: Wait a moment for the folder's lock; see `FolderLock`.

    Raises:
        JournalLockedError: Another process writes to the folder.
        OSError: The folder cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        settings: JournalSettings,
        clock: Clock,
        schedule: Callable[[Callable[[], None]], object],
        *,
        patient: bool = True,
    ) -> None:
        self._lock = FolderLock(folder, patient=patient)
        self._segments = SegmentAppender(folder, settings)
        self._clock = clock
        self._schedule = schedule
        self._is_scheduled = False
        self._begins: deque[Begin] = deque()
        self._rest: deque[CallRecord | Content] = deque()
        self._content_bytes = 0
        self._pause_ns = 0
        self._retry_at_ns = 0
        self._is_closed = False
        self._silent_until_ns = 0
        self._dropped_when_told: int | None = None
        """How much was lost when the log last said that writing fails; None when it need not."""
        self.stats = JournalStats()

    def begin(self, entry: Begin) -> None:
        """Queue the start of an upstream attempt.

        It is written at the end of the current tick. The upstream may see the first bytes of the
        request a moment earlier; a kill within that moment leaves no trace of the attempt.
        """
        if self._is_closed:
            self.stats.dropped += 1
            return
        self._begins.append(entry)
        self._wake()

    def end(self, record: CallRecord, content: Iterable[Content] = ()) -> None:
        """Queue the end of a request. The record must not be changed afterwards.

        Content is queued before the record: whoever finds the record finds its content.
        """
        for part in content:
            self._queue_content(part)
        if self._is_closed or len(self._rest) >= MAX_QUEUED:
            self.stats.dropped += 1
            return
        self._rest.append(record)
        self._wake()

    def flush(self) -> None:
        """Write everything that is queued, now. Never raises; `stats` tells what was lost."""
        while self._begins or self._rest:
            self._write_some()

    def close(self) -> None:
        """Write what is queued, close the segment and let the folder go. Idempotent."""
        if self._is_closed:
            return
        self.flush()
        self._is_closed = True
        self._segments.close()
        self._lock.close()

    def _queue_content(self, part: Content) -> None:
        if len(part.body) > MAX_CONTENT_BYTES:
            part = replace(part, body=part.body[:MAX_CONTENT_BYTES], truncated=True)
            self.stats.truncated += 1
        room = MAX_QUEUED_CONTENT_BYTES - self._content_bytes
        if self._is_closed or len(self._rest) >= MAX_QUEUED or len(part.body) > room:
            self.stats.dropped += 1
            return
        self._content_bytes += len(part.body)
        self._rest.append(part)

    def _wake(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._schedule(self._on_tick)

    def _on_tick(self) -> None:
        self._is_scheduled = False
        if self._begins or self._rest:
            self._write_some()
        if self._begins or self._rest:
            self._wake()

    def _write_some(self) -> None:
        if self._clock.monotonic_ns() < self._retry_at_ns:
            self._drop_queued()
            return
        frames = self._encode_some()
        if frames:
            self._append(frames)

    def _encode_some(self) -> list[bytes]:
        frames: list[bytes] = []
        for _ in range(MAX_ENTRIES_PER_TICK):
            if self._begins:
                entry: Begin | CallRecord | Content = self._begins.popleft()
            elif self._rest:
                entry = self._rest.popleft()
            else:
                break
            try:
                frames.append(self._encode(entry))
            except (TypeError, ValueError, RecursionError) as error:
                # One entry that cannot be written must not take its neighbours along.
                self.stats.dropped += 1
                self.stats.last_error = f"not encodable: {type(error).__name__}"
        return frames

    def _encode(self, entry: Begin | CallRecord | Content) -> bytes:
        if isinstance(entry, CallRecord):
            return encode_frame(Kind.END, encode_record(entry))
        if isinstance(entry, Begin):
            return encode_frame(Kind.BEGIN, _ENCODER.encode(entry))
        self._content_bytes -= len(entry.body)
        return encode_frame(Kind.CONTENT, _ENCODER.encode(entry))

    def _append(self, frames: list[bytes]) -> None:
        batch = b"".join(frames)
        try:
            taken = self._segments.append(batch)
        except OSError as error:
            taken = 0
            self._fail(str(error))
        else:
            if taken == len(batch):
                self._recover()
            else:
                self._fail("the disk took only a part of a write")
        whole = len(frames) if taken == len(batch) else _whole_frames(frames, taken)
        stats, segments = self.stats, self._segments
        stats.written += whole
        stats.dropped += len(frames) - whole
        stats.bytes, stats.segments = segments.bytes, segments.opened
        stats.expired = segments.expired

    def _fail(self, reason: str) -> None:
        self._pause_ns = min(self._pause_ns * 2 or _FIRST_PAUSE_NS, _LONGEST_PAUSE_NS)
        self._retry_at_ns = self._clock.monotonic_ns() + self._pause_ns
        self.stats.last_error = reason
        self.stats.is_failing = True
        now_ns = self._clock.monotonic_ns()
        if now_ns >= self._silent_until_ns:
            self._silent_until_ns = now_ns + _SILENCE_NS
            self._dropped_when_told = self.stats.dropped
            _logger.error(
                "the journal cannot be written (%s); requests are answered without being recorded",
                reason,
            )

    def _recover(self) -> None:
        self._pause_ns = 0
        self.stats.is_failing = False
        if self._dropped_when_told is not None:
            lost = self.stats.dropped - self._dropped_when_told
            self._dropped_when_told = None
            _logger.warning("the journal is written again; %d entries were lost", lost)

    def _drop_queued(self) -> None:
        self.stats.dropped += len(self._begins) + len(self._rest)
        self._begins.clear()
        self._rest.clear()
        self._content_bytes = 0


def _whole_frames(frames: list[bytes], taken: int) -> int:
    """Return how many frames lie whole in the first `taken` bytes."""
    whole = 0
    for frame in frames:
        taken -= len(frame)
        if taken < 0:
            break
        whole += 1
    return whole
