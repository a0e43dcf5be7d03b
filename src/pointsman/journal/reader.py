"""Finds and lists records, across the workers' folders and while they are being written.

Owns no state but what it lost on the way; every call reads the files as they are. Segments are
searched as raw bytes first, so that looking for one request decodes only what may be it.
"""

import heapq
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from threading import Event

from msgspec import Struct
from msgspec.json import encode

from pointsman.core.records import CallRecord
from pointsman.journal.entries import (
    Begin,
    Content,
    Kind,
    decode_begin,
    decode_content,
    decode_record,
)
from pointsman.journal.follower import Follower
from pointsman.journal.frames import HeaderState, Scan, read_header, scan_frames
from pointsman.journal.segments import segment_paths, worker_folders

MIN_PREFIX = 4
"""Characters of an id, its `req_` or `trc_` not counted, below which nothing is looked for."""
_POLL_S = 0.1


class Losses(Struct):
    """What could not be read, so far, by one reader."""

    gaps: int = 0
    """Damaged places that were stepped over."""
    lost_bytes: int = 0
    unreadable: int = 0
    """Whole entries, or segments, of a newer release or not what they should be."""


class JournalReader:
    """Reads the journal of all workers.

    Args:
        folder: `<data_dir>/journal`; need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.losses = Losses()

    def newest(self, limit: int) -> list[CallRecord]:
        """Return at most `limit` records, the one that ended last first."""
        workers = [self._backward(folder, ()) for folder in worker_folders(self._folder)]
        merged = heapq.merge(*workers, key=lambda record: -ended_unix_ns(record))
        return list(islice(merged, max(0, limit)))

    def find(self, query: str) -> CallRecord | None:
        """Return the newest record that a request id, a trace id or a prefix of one names.

        Trace ids may be written with or without `trc_`, request ids with or without `req_`.
        None when there is none, or the prefix is shorter than four characters.
        """
        found = []
        for folder in worker_folders(self._folder):
            record = next(self._matching(folder, query), None)
            if record is not None:
                found.append(record)
        return max(found, key=ended_unix_ns, default=None)

    def find_trace(self, trace_id: str) -> list[CallRecord]:
        """Return every record of a trace (or of a prefix of its id), oldest start first."""
        query = "trc_" + trace_id.removeprefix("trc_")
        found = [
            record
            for folder in worker_folders(self._folder)
            for record in self._matching(folder, query)
        ]
        return sorted(found, key=lambda record: record.started_unix_ns)

    def under_way(self, query: str) -> list[Begin]:
        """Return the attempts begun for a request or trace, oldest first, ended or not.

        For a request that `find` does not know: it is still under way, or its worker was killed
        and has not been started again.
        """
        needles = _needles(query)
        begins = [
            begin
            for folder in worker_folders(self._folder)
            for path in segment_paths(folder)
            for payload in self._payloads(path, Kind.BEGIN, needles)
            if (begin := decode_begin(payload)) is not None
            and _is_named(query, begin.request_id, begin.trace_id)
        ]
        return sorted(begins, key=lambda begin: begin.started_unix_ns + begin.attempt_start_ns)

    def content(self, request_id: str) -> list[Content]:
        """Return what was captured of a request's prompt and answer, in the order written."""
        needles = (b'"request_id":' + encode(request_id),)
        return [
            content
            for folder in worker_folders(self._folder)
            for path in segment_paths(folder)
            for payload in self._payloads(path, Kind.CONTENT, needles)
            if (content := decode_content(payload)) is not None
        ]

    def follow(
        self, stop: Event, *, backlog: int = 0, poll_s: float = _POLL_S
    ) -> Iterator[CallRecord]:
        """Yield the newest `backlog` records, then each one as live workers append it.

        Args:
            stop: Ends the iteration; may be set from a signal handler or another thread.
            backlog: How many past records come first, oldest of them first.
            poll_s: Seconds between two looks at the files.
        """
        follower = Follower(self._folder)  # before the backlog, so that nothing falls between
        past = self.newest(backlog)
        shown = {record.request_id for record in past}
        yield from reversed(past)
        while True:
            is_last = stop.is_set()
            for record in follower.read():
                if record.request_id not in shown:
                    yield record
            if is_last:
                return  # after a last look

            stop.wait(poll_s)

    def _matching(self, folder: Path, query: str) -> Iterator[CallRecord]:
        needles = _needles(query)
        if needles:
            for record in self._backward(folder, needles):
                if _is_named(query, record.request_id, record.trace_id):
                    yield record

    def _backward(self, folder: Path, needles: tuple[bytes, ...]) -> Iterator[CallRecord]:
        for path in reversed(segment_paths(folder)):
            for payload in reversed(self._payloads(path, Kind.END, needles)):
                record = decode_record(payload)
                if record is None:
                    self.losses.unreadable += 1
                else:
                    yield record

    def _payloads(self, path: Path, kind: Kind, needles: tuple[bytes, ...]) -> list[memoryview]:
        """Return the payloads of a kind that hold one of the needles; all without needles."""
        segment = read_segment(path)
        if needles and not any(needle in segment for needle in needles):
            return []
        view = memoryview(segment)
        return [
            view[frame.start : frame.end]
            for frame in self._scan(segment).frames
            if frame.kind == kind
            and (
                not needles
                or any(segment.find(needle, frame.start, frame.end) >= 0 for needle in needles)
            )
        ]

    def _scan(self, segment: bytes) -> Scan:
        return scan_segment(segment, self.losses)


def ended_unix_ns(record: CallRecord) -> int:
    """Return when a request ended; its start when the duration is not known."""
    return record.started_unix_ns + (record.duration_ns or 0)


def read_segment(path: Path) -> bytes:
    """Return a segment's bytes; empty when it has just been deleted to keep the bound."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def scan_segment(segment: bytes, losses: Losses) -> Scan:
    """Find the frames of a whole segment and add what was lost to `losses`."""
    if read_header(segment) is HeaderState.NEWER:
        losses.unreadable += 1
        return Scan([], 0, 0, 0, 0)
    scan = scan_frames(segment)
    losses.gaps += scan.gaps
    losses.lost_bytes += scan.lost_bytes
    return scan


def _needles(query: str) -> tuple[bytes, ...]:
    """Return the JSON beginnings that a record named by `query` must hold; none if too short."""
    name = query.removeprefix("req_").removeprefix("trc_")
    if len(name) < MIN_PREFIX:
        return ()
    in_request = b'"request_id":' + encode("req_" + name)[:-1]
    in_trace = b'"trace_id":' + encode(name)[:-1]
    if query.startswith("req_"):
        return (in_request,)
    return (in_trace,) if query.startswith("trc_") else (in_request, in_trace)


def _is_named(query: str, request_id: str, trace_id: str) -> bool:
    name = query.removeprefix("req_").removeprefix("trc_")
    if len(name) < MIN_PREFIX:
        return False
    by_request = not query.startswith("trc_") and request_id.startswith("req_" + name)
    return by_request or (not query.startswith("req_") and trace_id.startswith(name))
