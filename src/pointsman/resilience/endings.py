"""What the client is told when no target served. Pure."""

from collections import Counter
from collections.abc import Sequence

from pointsman.core.errors import AttemptsFailedError, NoTargetError, UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.records import CallRecord

_PASSED_ON = frozenset(
    {
        FailureClass.CALLER_FAULT,
        FailureClass.CONTEXT_TOO_LONG,
        FailureClass.CONTENT_FILTERED,
    }
)
"""Failures of which the client gets the provider's own status and message: only it can help."""


def final_error(
    record: CallRecord, failures: Sequence[UpstreamError]
) -> UpstreamError | AttemptsFailedError:
    """Return the error for a call whose attempts failed.

    The status follows the class that most attempts failed with, the later one of two equals: 504
    timeout, 503 pressure or a spent quota, 502 anything else (FO-18).

    Args:
        record: With its attempts.
        failures: One for each attempt, in order; at least one.
    """
    last = failures[-1]
    failure = last.failure_class
    if failure is FailureClass.CLIENT_LEFT:
        return last
    if failure in _PASSED_ON and last.upstream_status is not None:
        return last
    tried = len({attempt.target for attempt in record.attempts})
    who = "the only target" if tried == 1 else f"all {tried} targets"
    count = len(record.attempts)
    often = "" if count == tried else f" in {count} attempts"
    return AttemptsFailedError(
        f"{who} failed{often}; the last failure was {failure.value}"
        f" at {record.attempts[-1].target}",
        last=last,
        status=_dominant_status(failures),
        retry_after_s=_soonest_return(failures),
    )


def nobody_to_ask(record: CallRecord) -> NoTargetError:
    """Return the error for a plan whose targets all turned the call away before it began."""
    waits = []
    told = []
    for candidate in record.candidates:
        excluded = candidate.excluded_by
        if excluded is None or excluded.filter == "rule":
            continue
        told.append(f"{candidate.target}: {excluded.filter} {excluded.code}")
        if excluded.left_s is not None:
            waits.append(excluded.left_s)
    return NoTargetError(
        f"no target is available: {'; '.join(told[:8]) or 'none is eligible'}",
        retry_after_s=min(waits, default=None),
    )


def _dominant_status(failures: Sequence[UpstreamError]) -> int:
    statuses = [_status(each.failure_class) for each in failures]
    counts = Counter(statuses)
    most = max(counts.values())
    return next(status for status in reversed(statuses) if counts[status] == most)


def _status(failure: FailureClass) -> int:
    if failure is FailureClass.TIMEOUT:
        return 504
    if failure.is_pressure or failure is FailureClass.QUOTA_EXHAUSTED:
        return 503
    return 502


def _soonest_return(failures: Sequence[UpstreamError]) -> float | None:
    asked = [each.retry_after_s for each in failures if each.retry_after_s is not None]
    return min(asked, default=None)
