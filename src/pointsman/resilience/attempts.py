"""The only loop over targets.

Takes the targets of a plan in order and asks one after the other until one serves, a failure
forbids the next, the client has left or the time is over. Every upstream call gets an attempt in
the record before it is made. Nothing has reached the client while this loop runs: for streams the
first chunk is awaited here, so that an error, a cut or silence in its place can still move on.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from pointsman.core.abort import AbortSignal
from pointsman.core.clock import Clock
from pointsman.core.deadline import Deadline
from pointsman.core.errors import AttemptsFailedError, NoTargetError, UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.identity import Principal
from pointsman.core.ids import IdSource, TraceContext
from pointsman.core.ledger import Ledger
from pointsman.core.money import NanoUsd
from pointsman.core.provider import (
    Completion,
    CompletionStream,
    Provider,
    ProviderRequest,
    StreamChunk,
)
from pointsman.core.records import Attempt, CallRecord
from pointsman.core.target import Target
from pointsman.resilience.health import HealthTracker

MAX_ERROR_CHARACTERS = 500


class UpperBound(Protocol):
    """Prices a candidate before it is called."""

    def __call__(self, target: Target, record: CallRecord) -> NanoUsd | None:
        """Return the most that the call can cost there; None when its price is unknown."""
        ...


class AttemptSettings(Struct, frozen=True, kw_only=True):
    """What the loop works with; built once by the composition root."""

    providers: Mapping[str, Provider]
    ledger: Ledger
    health: HealthTracker
    upper_bound: UpperBound
    journal_begin: Callable[[CallRecord, Attempt], None]
    clock: Clock
    ids: IdSource


class AttemptCall(Struct, kw_only=True):
    """One client request, as the loop needs it."""

    record: CallRecord
    started_ns: int
    """Monotonic time of the start of the request; times in the record count from here."""
    principal: Principal
    targets: list[Target]
    body: bytes
    requested_model: str | None
    stream: bool
    client_wants_usage: bool
    drop_keys: tuple[str, ...]
    trace: TraceContext
    deadline: Deadline
    abort: AbortSignal


class Served(Struct):
    """A target that answers: the whole answer, or a stream with its first chunks."""

    target: Target
    attempt: Attempt
    completion: Completion | None = None
    stream: CompletionStream | None = None
    first_chunks: list[StreamChunk] | None = None


async def run_attempts(call: AttemptCall, settings: AttemptSettings) -> Served:
    """Ask the targets in order until one serves.

    Raises:
        NoTargetError: The plan had no target.
        UpstreamError: The failure is the caller's own, or the client has left.
        AttemptsFailedError: No target served.
        BudgetExceededError: The next target's price does not fit under a cap.
    """
    last: UpstreamError | None = None
    for target in call.targets:
        if last is not None and call.deadline.has_passed():
            break
        attempt = await _begin(call, settings, target, last)
        try:
            return await _attempt(call, settings, target, attempt)
        except UpstreamError as error:
            await _note_failure(call, settings, attempt, error)
            if call.abort.is_aborted or not error.failure_class.allows_failover:
                raise _final(call, error) from error
            last = error
        except BaseException:
            # Cancelled, or a bug: the hold and the count in flight must not leak.
            await end_attempt(settings, attempt, FailureClass.CLIENT_LEFT, 0, call.started_ns)
            raise
    if last is None:
        raise NoTargetError("no target is eligible for this request")
    raise _final(call, last) from last


async def end_attempt(
    settings: AttemptSettings,
    attempt: Attempt,
    failure: FailureClass | None,
    spent: NanoUsd,
    started_ns: int,
) -> None:
    """Close an attempt: time, health, and the reservation settled at `spent` (0 gives it back)."""
    attempt.end_ns = settings.clock.monotonic_ns() - started_ns
    latency_ms = (attempt.end_ns - attempt.start_ns) / 1e6
    settings.health.end(attempt.provider, attempt.target, failure, latency_ms)
    if attempt.reservation is not None:
        if spent:
            await settings.ledger.settle(attempt.reservation, spent)
        else:
            await settings.ledger.release(attempt.reservation)


async def _begin(
    call: AttemptCall, settings: AttemptSettings, target: Target, last: UpstreamError | None
) -> Attempt:
    """Reserve, put the attempt into the record and the journal."""
    record = call.record
    attempt = Attempt(
        target=target.name,
        provider=target.provider,
        model=target.model,
        kind="failover" if last is not None else "first",
        why=last.failure_class.value if last is not None else None,
        span_id=settings.ids.span_id(),
        start_ns=settings.clock.monotonic_ns() - call.started_ns,
    )
    bound = settings.upper_bound(target, record)
    attempt.reservation, checks = await settings.ledger.reserve(
        call.principal, record.tenant, bound or 0
    )
    record.limits.extend(checks)
    record.attempts.append(attempt)
    settings.health.begin(target.provider, target.name)
    settings.journal_begin(record, attempt)
    return attempt


async def _attempt(
    call: AttemptCall, settings: AttemptSettings, target: Target, attempt: Attempt
) -> Served:
    provider = settings.providers[target.provider]
    request = ProviderRequest(
        request_id=call.record.request_id,
        target=target,
        body=call.body,
        dialect=call.record.dialect,
        requested_model=call.requested_model,
        stream=call.stream,
        client_wants_usage=call.client_wants_usage,
        drop_keys=call.drop_keys,
        deadline=call.deadline,
        abort=call.abort,
        traceparent=call.trace.traceparent(attempt.span_id),
        attempt=attempt,
    )
    if not call.stream:
        return Served(target, attempt, completion=await provider.complete(request))
    stream = await provider.stream(request)
    try:
        chunks = await stream.next_chunks()
    except BaseException:
        stream.close()
        raise
    return Served(target, attempt, stream=stream, first_chunks=chunks)


async def _note_failure(
    call: AttemptCall, settings: AttemptSettings, attempt: Attempt, error: UpstreamError
) -> None:
    describe_failure(attempt, error)
    await end_attempt(settings, attempt, error.failure_class, 0, call.started_ns)


def describe_failure(attempt: Attempt, error: UpstreamError) -> None:
    """Write what went wrong into the attempt."""
    attempt.failure_class = error.failure_class.value
    attempt.error = error.message[:MAX_ERROR_CHARACTERS]
    attempt.upstream_code = error.upstream_code
    attempt.retry_after_s = error.retry_after_s
    attempt.timeout_phase = error.phase
    if attempt.status is None:
        attempt.status = error.upstream_status


def _final(call: AttemptCall, error: UpstreamError) -> UpstreamError | AttemptsFailedError:
    """Return what the client is told when `error` was the last failure."""
    failure = error.failure_class
    if call.abort.is_aborted or failure is FailureClass.CLIENT_LEFT:
        return error
    if failure in _PASSED_ON and error.upstream_status is not None:
        return error
    status = 502
    if failure is FailureClass.TIMEOUT:
        status = 504
    elif failure.is_pressure or failure is FailureClass.QUOTA_EXHAUSTED:
        status = 503
    count = len(call.record.attempts)
    tried = "the only target" if count == 1 else f"all {count} targets"
    where = call.record.attempts[-1].target
    return AttemptsFailedError(
        f"{tried} failed; the last failure was {failure.value} at {where}",
        last=error,
        status=status,
    )


_PASSED_ON = frozenset(
    {
        FailureClass.CALLER_FAULT,
        FailureClass.CONTEXT_TOO_LONG,
        FailureClass.CONTENT_FILTERED,
    }
)
"""Failures of which the client gets the provider's own status and message: only it can help."""
