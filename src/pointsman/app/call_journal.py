"""Writes calls into a gateway worker's journal: before each attempt, and when a request is over."""

from pointsman.core.records import SCHEMA, Attempt, CallRecord
from pointsman.gateway.content import Captured
from pointsman.journal.entries import Begin, Content
from pointsman.journal.writer import JournalWriter


class CallJournal:
    """The journal, as the request path knows it; before it is opened nothing is written."""

    __slots__ = ("writer",)

    def __init__(self) -> None:
        self.writer: JournalWriter | None = None

    def begin(self, record: CallRecord, attempt: Attempt) -> None:
        """Write that an attempt is about to be made."""
        if self.writer is not None:
            self.writer.begin(begin_entry(record, attempt))
            # Now, not at the end of the tick: the provider must not hear of a call before the
            # journal does, or a kill in between would leave a call without an attempt.
            self.writer.flush()

    def end(self, record: CallRecord, captured: Captured | None) -> None:
        """Write a finished record, and what is kept of its texts."""
        if self.writer is None:
            return
        if captured is None:
            self.writer.end(record)
        else:
            self.writer.end(record, content_entries(record, captured))
        # Before the answer leaves: the record of who was answered must not say `gateway_crashed`.
        self.writer.flush()

    def state(self) -> dict[str, object]:
        """Return how writing goes, for `/ready`; nothing before it is open."""
        if self.writer is None:
            return {}
        stats = self.writer.stats
        return {
            "failing": stats.is_failing,
            "dropped": stats.dropped,
            "last_error": stats.last_error,
        }

    def close(self) -> None:
        """Write what is queued and close the journal."""
        if self.writer is not None:
            self.writer.close()


def begin_entry(record: CallRecord, attempt: Attempt) -> Begin:
    """Return what the journal is told before an attempt."""
    reservation = attempt.reservation
    return Begin(
        schema=SCHEMA,
        request_id=record.request_id,
        trace_id=record.trace_id,
        span_id=record.span_id,
        attempt=len(record.attempts) - 1,
        target=attempt.target,
        provider=attempt.provider,
        model=attempt.model,
        started_unix_ns=record.started_unix_ns,
        attempt_start_ns=attempt.start_ns,
        attempt_span_id=attempt.span_id,
        kind=attempt.kind,
        why=attempt.why,
        parent_span_id=record.parent_span_id,
        tenant=record.tenant,
        key=record.key,
        config_version=record.config_version,
        requested_model=record.requested_model,
        route=record.route,
        reason=record.reason,
        reservation_id=reservation.id if reservation is not None else "",
        reservation_nano_usd=reservation.held_nano_usd if reservation is not None else None,
        stream=record.stream_requested,
        environment=record.environment,
        user=record.user,
        team=record.team,
        feature=record.feature,
        workload=record.workload,
        run_id=record.run_id,
        iteration=record.iteration,
        plan=record.plan,
    )


def content_entries(record: CallRecord, captured: Captured) -> list[Content]:
    """Return what is kept of a request's texts."""
    bodies = (("request", captured.request), ("response", captured.response))
    return [
        Content(
            schema=SCHEMA,
            request_id=record.request_id,
            kind=kind,
            body=body,
            redacted=captured.redacted,
            truncated=captured.cut,
        )
        for kind, body in bodies
        if body
    ]
