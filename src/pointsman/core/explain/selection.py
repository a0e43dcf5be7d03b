"""What a record says was selected, and the sums that several tellings share."""

from typing import NamedTuple

from pointsman.core.records import Attempt, CallRecord


class Selected(NamedTuple):
    """Where a request went, or would go."""

    target: str
    provider: str
    model: str


def selected(record: CallRecord) -> Selected | None:
    """Return the target that served, else the last one tried, else the first eligible candidate.

    None when nothing was selected: refused before, or every candidate was excluded.
    """
    attempt = serving_attempt(record)
    if attempt is not None:
        return Selected(attempt.target, attempt.provider, attempt.model)
    for candidate in record.candidates:
        if candidate.eligible:
            return Selected(candidate.target, candidate.provider, candidate.model)
    return None


def serving_attempt(record: CallRecord) -> Attempt | None:
    """Return the attempt whose answer the client got, else the last one; None without attempts."""
    for attempt in reversed(record.attempts):
        if attempt.target == record.served_target:
            return attempt
    return record.attempts[-1] if record.attempts else None


def upstream_ns(record: CallRecord) -> int | None:
    """Return the time spent in attempts; None when there was none or one has no end."""
    ends = [(attempt.end_ns, attempt.start_ns) for attempt in record.attempts]
    known = [end - start for end, start in ends if end is not None]
    return sum(known) if known and len(known) == len(ends) else None


def routing_ns(record: CallRecord) -> int | None:
    """Return the time of the routing step, else the time until the first attempt began."""
    for stage in record.stages:
        if stage.name == "route_request":
            return stage.duration_ns
    return record.attempts[0].start_ns if record.attempts else None


def retries(record: CallRecord) -> int:
    """Return how often the same target was asked again."""
    return sum(1 for attempt in record.attempts if attempt.kind == "retry")


def used_failover(record: CallRecord) -> bool:
    """Tell whether another target than the first choice was tried, for failure or health."""
    moved = any(attempt.kind == "failover" for attempt in record.attempts)
    return moved or record.reason == "provider_failover"


def before_last_ns(record: CallRecord) -> int | None:
    """Return the time from the first attempt to the last: failed attempts and waits (CP-12).

    None when there was one attempt at most.
    """
    attempts = record.attempts
    return attempts[-1].start_ns - attempts[0].start_ns if len(attempts) > 1 else None
