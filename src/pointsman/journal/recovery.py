"""Makes records of what a killed worker left open, and adds up what was spent today.

Runs at the start of a worker, before its writer is opened. Each dead worker's folder is taken
(its lock is free), its begins are paired with its ends, and what has no end gets one, appended to
a new segment of the same folder: begins and ends stay together, so running again finds nothing
to do, also when a recovery was killed half way.

What has been paired once is not read again: a small file beside the segments remembers the last
one. Without it, or when it makes no sense, everything is read.

A begin whose end was lost otherwise (disk full, damage) is indistinguishable from a crash and is
told as one.
"""

from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from msgspec import Struct, field

from pointsman.core.clock import Clock
from pointsman.core.records import SCHEMA, Attempt, CallFailure, CallRecord, Cost, Reservation
from pointsman.journal.entries import Begin, Ending, EndingCost, Kind, decode_begin, decode_ending
from pointsman.journal.lock import JournalLockedError, is_alive
from pointsman.journal.reader import Losses, read_segment, scan_segment
from pointsman.journal.segments import JournalSettings, segment_paths, worker_folders
from pointsman.journal.writer import JournalWriter

CRASHED = "gateway_crashed"
"""Outcome and error code of a request whose worker died under it."""
_MESSAGE = "the gateway ended while this request was under way; its cost is the amount held"
_PAIRED_NAME = "paired"
_DAY_NS = 86_400_000_000_000


class Recovery(Struct):
    """What a recovery found and did."""

    crashed: list[CallRecord] = field(default_factory=list)
    """One per request that had no end; all are in the journal now unless `unwritten`."""
    unwritten: int = 0
    """Of these, how many the disk did not take; the next start tries again."""
    spend_today_nano_usd: dict[str, int] = field(default_factory=dict)
    """`key:<name>` and `tenant:<name>` -> cost of requests that started on this UTC day, all
    workers, the crashed ones included. Unknown costs are not in it."""
    unpriced_today: int = 0
    """Requests of today whose cost is unknown."""
    losses: Losses = field(default_factory=Losses)
    past: "Past | None" = None


class _Folder(Struct):
    """The pairing of one worker's begins and ends."""

    open: dict[str, list[Begin]] = field(default_factory=dict)
    """Request id -> its begins, for requests without an end so far."""


class Past(Struct, frozen=True):
    """Who wants to know about the requests of earlier processes."""

    since_unix_ns: int
    """Requests that started before are not told."""
    take: Callable[[Ending], None]
    """Called once per request, the crashed ones included."""


def recover(
    folder: Path,
    clock: Clock,
    settings: JournalSettings | None = None,
    past: Past | None = None,
) -> Recovery:
    """End what dead workers left open below `folder` (`<data_dir>/journal`).

    Live workers are left alone; their spend counts. Safe to run in several starting workers at
    once: each dead folder is locked by one of them.

    Args:
        folder: Of all workers.
        clock: Says what today is.
        settings: Bounds on disk.
        past: Is told every request since a moment, as far as the journal reaches back.

    Raises:
        OSError: A folder or segment may not be read.
    """
    recovery = Recovery(past=past)
    settings = settings or JournalSettings()
    for worker in worker_folders(folder):
        if is_alive(worker):
            _read_folder(worker, clock, recovery)
            continue
        try:
            writer = JournalWriter(worker, settings, clock, _never, patient=False)
        except JournalLockedError:
            _read_folder(worker, clock, recovery)  # it came to life a moment ago
            continue
        try:
            _recover_folder(worker, writer, clock, recovery)
        finally:
            writer.close()
    return recovery


def tell_past(worker: Path, clock: Clock, past: Past) -> None:
    """Tell the requests in one worker's journal; for whoever holds its lock, after `recover`.

    Args:
        worker: Its folder.
        clock: Says what today is.
        past: Is told every request that ended.
    """
    _read_folder(worker, clock, Recovery(past=past))


def crashed_record(begins: list[Begin], worker: str) -> CallRecord:
    """Return the record of a request whose begins (at least one, in order) never got an end.

    The last attempt is charged its whole hold, since what the provider billed cannot be known any
    more. Those before it had failed and given theirs back, or the last would not have begun.
    """
    first, last = begins[0], begins[-1]
    attempts = [_failed(begin, after) for begin, after in pairwise(begins)]
    attempts.append(_open_attempt(last))
    return CallRecord(
        schema=SCHEMA,
        request_id=first.request_id,
        trace_id=first.trace_id,
        span_id=first.span_id,
        parent_span_id=first.parent_span_id,
        started_unix_ns=first.started_unix_ns,
        worker=worker,
        config_version=last.config_version,
        tenant=first.tenant,
        plan=first.plan,
        key=first.key,
        environment=first.environment,
        user=first.user,
        team=first.team,
        feature=first.feature,
        workload=first.workload,
        run_id=first.run_id,
        iteration=first.iteration,
        stream_requested=first.stream,
        requested_model=first.requested_model,
        mock=last.mock,
        error=CallFailure(code=CRASHED, message=_MESSAGE),
        outcome=CRASHED,
        route=last.route,
        reason=last.reason or "not_routed",
        attempts=attempts,
        cost=attempts[-1].cost,
    )


def _open_attempt(begin: Begin) -> Attempt:
    held = begin.reservation_nano_usd
    attempt = _attempt(begin, settled_nano_usd=held)
    attempt.cost = Cost(total_nano_usd=held, estimated=True)
    return attempt


def _failed(begin: Begin, after: Begin) -> Attempt:
    attempt = _attempt(begin, settled_nano_usd=0)
    attempt.failure_class = after.why
    return attempt


def _attempt(begin: Begin, settled_nano_usd: int | None) -> Attempt:
    held = begin.reservation_nano_usd
    return Attempt(
        target=begin.target,
        provider=begin.provider,
        model=begin.model,
        kind=begin.kind,
        why=begin.why,
        span_id=begin.attempt_span_id,
        start_ns=begin.attempt_start_ns,
        reservation=Reservation(begin.reservation_id, held, settled_nano_usd)
        if held is not None
        else None,
    )


def _recover_folder(worker: Path, writer: JournalWriter, clock: Clock, recovery: Recovery) -> None:
    paired = _read_folder(worker, clock, recovery)
    for begins in paired.open.values():
        record = crashed_record(begins, worker.name)
        writer.end(record)
        # Written as it goes: killed here, the next recovery has less to do, and nothing twice.
        writer.flush()
        recovery.crashed.append(record)
        _count_spend(_ending_of(record), clock, recovery)
    recovery.unwritten += writer.stats.dropped
    if not writer.stats.dropped:
        _remember_paired(worker)


def _read_folder(worker: Path, clock: Clock, recovery: Recovery) -> _Folder:
    paired = _Folder()
    for path in _unread_segments(worker, clock, recovery.past):
        segment = read_segment(path)
        view = memoryview(segment)
        for frame in scan_segment(segment, recovery.losses).frames:
            payload = view[frame.start : frame.end]
            if frame.kind == Kind.BEGIN:
                _open(decode_begin(payload), paired, recovery)
            elif frame.kind == Kind.END:
                _end(decode_ending(payload), paired, clock, recovery)
    return paired


def _unread_segments(worker: Path, clock: Clock, past: Past | None) -> list[Path]:
    """Return the segments that may hold an open begin, spending of today, or what `past` asks."""
    paths = segment_paths(worker)
    paired_to = _paired_to(worker)
    if not paths or paired_to > int(paths[-1].stem):
        return paths  # somebody emptied the folder, and the numbers start again
    since_ns = clock.unix_ns() // _DAY_NS * _DAY_NS
    if past is not None:
        since_ns = min(since_ns, past.since_unix_ns)
    for index, path in enumerate(paths):
        if int(path.stem) > paired_to or _modified_ns(path) >= since_ns:
            # Everything from here on, also what a stepped clock dated earlier: an end that is
            # not read would make a crash of its begin.
            return paths[index:]
    return []


def _modified_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0  # just deleted to keep the bound


def _paired_to(worker: Path) -> int:
    """Return the sequence of the last segment whose begins all have ends; 0 when not known."""
    try:
        text = (worker / _PAIRED_NAME).read_text("ascii")
    except (FileNotFoundError, UnicodeDecodeError):
        return 0
    return int(text) if text.isdecimal() else 0


def _remember_paired(worker: Path) -> None:
    paths = segment_paths(worker)
    if not paths:
        return
    new = worker / (_PAIRED_NAME + ".new")
    # A full disk costs the next start some reading, not this start.
    with suppress(OSError):
        new.write_text(paths[-1].stem, "ascii")
        new.replace(worker / _PAIRED_NAME)


def _open(begin: Begin | None, paired: _Folder, recovery: Recovery) -> None:
    if begin is None:
        recovery.losses.unreadable += 1
    else:
        paired.open.setdefault(begin.request_id, []).append(begin)


def _end(ending: Ending | None, paired: _Folder, clock: Clock, recovery: Recovery) -> None:
    if ending is None:
        recovery.losses.unreadable += 1
        return
    paired.open.pop(ending.request_id, None)
    _count_spend(ending, clock, recovery)


def _count_spend(ending: Ending, clock: Clock, recovery: Recovery) -> None:
    past = recovery.past
    if past is not None and ending.started_unix_ns >= past.since_unix_ns:
        past.take(ending)
    # A hold belongs to the day on which its request started, and so does its cost.
    if ending.started_unix_ns // _DAY_NS != clock.unix_ns() // _DAY_NS:
        return
    if ending.cost is None:
        return  # refused before anything was called
    total = ending.cost.total_nano_usd
    if total is None:
        recovery.unpriced_today += 1
        return
    spend = recovery.spend_today_nano_usd
    for kind, name in (("key", ending.key), ("tenant", ending.tenant)):
        if name is not None:
            scope = f"{kind}:{name}"
            spend[scope] = spend.get(scope, 0) + total


def _ending_of(record: CallRecord) -> Ending:
    cost = record.cost
    return Ending(
        request_id=record.request_id,
        started_unix_ns=record.started_unix_ns,
        tenant=record.tenant,
        plan=record.plan,
        key=record.key,
        cost=EndingCost(cost.total_nano_usd) if cost is not None else None,
        team=record.team,
        user=record.user,
        feature=record.feature,
        workload=record.workload,
        run_id=record.run_id,
        requested_model=record.requested_model,
        iteration=record.iteration,
        reason=record.reason,
        outcome=record.outcome,
    )


def _never(_: Callable[[], None]) -> None:
    """Take the place of an event loop: recovery flushes by itself."""
