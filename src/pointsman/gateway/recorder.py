"""Finishing a record: outcome, duration, metrics, journal. Once per request, whatever happened."""

from collections.abc import Callable

from pointsman.core.clock import Clock
from pointsman.core.errors import GuardrailBlockedError
from pointsman.core.records import CallFailure, CallRecord
from pointsman.gateway.content import Captured
from pointsman.gateway.faults import CLIENT_LEFT_STATUS, Fault
from pointsman.gateway.metrics import Metrics

_TRUNCATING = "length"
_BLOCKING = frozenset({"content_filter", "refusal"})
_GUARDED = GuardrailBlockedError.code


class Recorder:
    """Completes records and hands them to the journal.

    Args:
        clock: For the duration.
        metrics: Counted once per record.
        journal_end: Takes the finished record and, when captured, its content. Never raises.
        telemetry_names: Configured provider -> its OpenTelemetry name.
    """

    __slots__ = ("_clock", "_journal_end", "_metrics", "_telemetry_names")

    def __init__(
        self,
        clock: Clock,
        metrics: Metrics,
        journal_end: Callable[[CallRecord, Captured | None], None],
        telemetry_names: dict[str, str],
    ) -> None:
        self._clock = clock
        self._metrics = metrics
        self._journal_end = journal_end
        self._telemetry_names = telemetry_names

    def refuse(self, record: CallRecord, fault: Fault) -> None:
        """Write an error into the record."""
        error = fault.body.error
        record.status = fault.status
        record.error = CallFailure(
            code=error.code or error.type,
            message=fault.recorded or error.message,
            failure_class=fault.failure_class.value if fault.failure_class is not None else None,
        )

    def complete(self, record: CallRecord, started_ns: int) -> None:
        """Set duration and outcome; the record may be shown after this."""
        record.duration_ns = self._clock.monotonic_ns() - started_ns
        record.outcome = outcome_of(record)

    def store(self, record: CallRecord, captured: Captured | None) -> None:
        """Count the finished record and write it to the journal."""
        self._metrics.observe(record, self._telemetry_names)
        self._journal_end(record, captured)


def outcome_of(record: CallRecord) -> str:
    """Return how a finished request ended. HTTP 200 alone is not success."""
    stream = record.stream
    if record.status == CLIENT_LEFT_STATUS or (
        stream is not None and stream.terminal == "client_left"
    ):
        return "client_left"
    if record.error is not None and record.error.code == _GUARDED and record.attempts:
        return "blocked"
    if record.error is not None:
        return "failure" if record.attempts or (record.status or 500) >= 500 else "refused"
    if not _BLOCKING.isdisjoint(record.finish_reasons):
        return "blocked"
    if _TRUNCATING in record.finish_reasons:
        return "truncated"
    return "success"
