"""Writes calls into a gateway worker's journal: before each attempt, and when a request is over."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

from pointsman.config.journal import JournalConfig
from pointsman.core.clock import Clock
from pointsman.core.money import NanoUsd
from pointsman.core.records import SCHEMA, Attempt, CallRecord
from pointsman.gateway.content import Captured
from pointsman.journal.entries import Begin, Content
from pointsman.journal.recovery import Past, recover, tell_past
from pointsman.journal.segments import JournalSettings
from pointsman.journal.writer import JournalWriter

_log = logging.getLogger("pointsman")


class CallJournal:
    """The journal, as the request path knows it; before it is opened nothing is written."""

    __slots__ = ("writer",)

    def __init__(self) -> None:
        self.writer: JournalWriter | None = None

    def open(
        self,
        folder: Path,
        worker: str,
        limits: JournalConfig,
        clock: Clock,
        past: Past | None,
        *,
        tells_own_part: bool,
    ) -> tuple[JournalWriter, Mapping[str, NanoUsd]]:
        """End what a crash left open, tell the rules of the past, and write from now on.

        Args:
            folder: The journals of all workers.
            worker: Whose journal this is.
            limits: How large segments and the whole may be.
            clock: Says what today is.
            past: Is told requests that ended; None when no rule wants to know.
            tells_own_part: Tell those of this worker only: the others tell theirs.

        Returns:
            What writes, and what was spent today by scope.

        Raises:
            JournalLockedError: Another process writes to this worker's journal.
        """
        settings = JournalSettings(segment_bytes=limits.segment_bytes, max_bytes=limits.max_bytes)
        recovery = recover(folder, clock, settings, None if tells_own_part else past)
        if recovery.crashed:
            _log.warning(
                "%d request(s) were under way when the gateway ended; see `pointsman tail`",
                len(recovery.crashed),
            )
        own = folder / worker
        writer = JournalWriter(own, settings, clock, asyncio.get_running_loop().call_soon)
        if tells_own_part and past is not None:
            # Once nobody else can be adding to it.
            tell_past(own, clock, past)
        self.writer = writer
        return writer, recovery.spend_today_nano_usd

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
