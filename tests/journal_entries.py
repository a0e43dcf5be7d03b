"""Entries of a journal for tests, with as few words as a test needs."""

from pathlib import Path

from pointsman.core.clock import Clock, ManualClock
from pointsman.core.records import SCHEMA, Attempt, CallRecord, Cost
from pointsman.journal.entries import ENTRY_SCHEMA, Begin, Content
from pointsman.journal.segments import JournalSettings
from pointsman.journal.writer import JournalWriter

START_NS = ManualClock().unix_ns()


def request_id(number: int) -> str:
    """Return a request id that sorts by `number`."""
    return f"req_{number:032x}"


def trace_id(number: int) -> str:
    """Return a trace id that no request id starts with."""
    return f"{0xABCD0000 + number:08x}".ljust(32, "7")


def make_record(number: int, **changes: object) -> CallRecord:
    """Return a successful record of one attempt that ended `number` seconds after the start."""
    values: dict[str, object] = {
        "schema": SCHEMA,
        "request_id": request_id(number),
        "trace_id": trace_id(number),
        "span_id": f"{number + 1:016x}",
        "started_unix_ns": START_NS + number * 1_000_000_000,
        "duration_ns": 250_000_000,
        "tenant": "acme",
        "key": "ci",
        "requested_model": "auto",
        "served_model": "gpt-4o-mini",
        "status": 200,
        "outcome": "success",
        "attempts": [Attempt("small", "openai", "gpt-4o-mini", end_ns=240_000_000)],
        "cost": Cost(total_nano_usd=1_000),
    }
    return CallRecord(**(values | changes))


def make_begin(number: int, **changes: object) -> Begin:
    """Return the begin that belongs to `make_record(number)`."""
    values: dict[str, object] = {
        "schema": ENTRY_SCHEMA,
        "request_id": request_id(number),
        "trace_id": trace_id(number),
        "span_id": f"{number + 1:016x}",
        "attempt": 0,
        "target": "small",
        "provider": "openai",
        "model": "gpt-4o-mini",
        "started_unix_ns": START_NS + number * 1_000_000_000,
        "tenant": "acme",
        "key": "ci",
        "config_version": "c0ffee",
        "requested_model": "auto",
        "reservation_id": f"r{number}",
        "reservation_nano_usd": 5_000,
    }
    return Begin(**(values | changes))


def make_content(number: int, kind: str, body: bytes) -> Content:
    """Return a captured prompt or answer."""
    return Content(schema=ENTRY_SCHEMA, request_id=request_id(number), kind=kind, body=body)


class Ticks:
    """An event loop's `call_soon` that a test turns by hand."""

    def __init__(self) -> None:
        self.waiting: list = []

    def __call__(self, callback) -> None:
        self.waiting.append(callback)

    def turn(self) -> None:
        """Run what was scheduled before this turn."""
        due, self.waiting = self.waiting, []
        for callback in due:
            callback()


def open_writer(
    folder: Path,
    *,
    schedule=None,
    clock: Clock | None = None,
    segment_bytes: int = 1_000_000,
    max_bytes: int = 100_000_000,
) -> JournalWriter:
    """Open a writer on a worker's folder."""
    settings = JournalSettings(segment_bytes=segment_bytes, max_bytes=max_bytes)
    return JournalWriter(folder, settings, clock or ManualClock(), schedule or Ticks())
