"""The only loop over targets.

Asks one target after the other until one serves, a failure forbids the next, the client has left or
the time is over. A retry asks the same target again, a failover the next one; which of them follows
a failure is decided in `next_move`. Every upstream call gets an attempt in the record before it is
made. Nothing has reached the client while this loop runs: of streams the begin is held back here.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from pointsman.config.resilience import RetryConfig, StreamConfig
from pointsman.core.abort import AbortSignal
from pointsman.core.deadline import Deadline
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.identity import Principal
from pointsman.core.ids import IdSource, TraceContext
from pointsman.core.ledger import Admission
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
from pointsman.resilience.breaker import CLOSED
from pointsman.resilience.course import Course, Step
from pointsman.resilience.held_back import first_chunks
from pointsman.resilience.lease import Holders, Lease

MAX_ERROR_CHARACTERS = 500


class UpperBound(Protocol):
    """Prices a candidate before it is called."""

    def __call__(self, target: Target, record: CallRecord) -> NanoUsd | None:
        """Return the most that the call can cost there; None when its price is unknown."""
        ...


class AttemptSettings(Struct, frozen=True, kw_only=True):
    """What the loop works with; built once by the composition root."""

    providers: Mapping[str, Provider]
    holders: Holders
    upper_bound: UpperBound
    journal_begin: Callable[[CallRecord, Attempt], None]
    ids: IdSource
    draw: Callable[[], float]
    """Returns a number in [0, 1); spreads the waits before retries."""
    retry: RetryConfig = RetryConfig()
    retry_by_target: Mapping[str, RetryConfig] = {}
    stream: StreamConfig = StreamConfig()
    min_attempt_s: float = 1.0


class AttemptCall(Struct, kw_only=True):
    """One client request, as the loop needs it."""

    record: CallRecord
    started_ns: int
    """Monotonic time of the start of the request; times in the record count from here."""
    principal: Principal
    admission: Admission | None = None
    """Has the budgets that every attempt must fit into; None when there are none."""
    targets: list[Target]
    retry_first: bool = False
    """Whether a target that failed hard is asked again before the next one."""
    body: bytes
    requested_model: str | None
    stream: bool
    client_wants_usage: bool
    drop_keys: tuple[str, ...]
    trace: TraceContext
    deadline: Deadline
    abort: AbortSignal
    idempotency_key: str | None = None
    passed_headers: Mapping[str, str] = {}
    """Of the client, for a provider that speaks its dialect."""
    first_kind: str = "first"
    """What the first attempt of this run is called in the record."""

    @property
    def tools_run_upstream(self) -> bool:
        """Whether the provider itself executes a tool of this call."""
        facts = self.record.facts
        return facts is not None and facts.provider_tool_count > 0


class Served(Struct):
    """A target that answers: the whole answer, or a stream with its first chunks."""

    lease: Lease
    completion: Completion | None = None
    stream: CompletionStream | None = None
    first_chunks: list[StreamChunk] | None = None

    @property
    def target(self) -> Target:
        """Who answers."""
        return self.lease.target

    @property
    def attempt(self) -> Attempt:
        """The attempt in the record."""
        return self.lease.attempt


async def run_attempts(call: AttemptCall, settings: AttemptSettings) -> Served:
    """Ask the targets in order until one serves.

    Raises:
        NoTargetError: The plan had no target, or each turned the call away before it began.
        UpstreamError: The failure is the caller's own, or the client has left.
        AttemptsFailedError: No target served.
        BudgetExceededError: The next target's price does not fit under a cap.
    """
    course = Course(call, settings)
    while (step := await course.next_step()) is not None:
        lease = await _begin(call, settings, step)
        try:
            return await _attempt(call, settings, lease)
        except UpstreamError as error:
            describe_failure(lease.attempt, error)
            await lease.end(error.failure_class, 0)
            course.failed(lease.attempt, error)
        except BaseException:
            # Cancelled, or a bug: nothing that is held may leak.
            await lease.end(FailureClass.CLIENT_LEFT, 0)
            raise
    raise course.error()


async def _begin(call: AttemptCall, settings: AttemptSettings, step: Step) -> Lease:
    """Reserve, put the attempt into the record and the journal."""
    record, target, holders = call.record, step.target, settings.holders
    attempt = Attempt(
        target=target.name,
        provider=target.provider,
        model=target.model,
        kind=step.kind,
        why=step.why,
        span_id=settings.ids.span_id(),
        start_ns=holders.clock.monotonic_ns() - call.started_ns,
        waited_ms=step.waited_ms,
    )
    if step.wait is not None:
        attempt.backoff_ms = round(step.wait.seconds * 1000, 3)
        attempt.backoff_source = step.wait.source
    if step.permit.before != CLOSED:
        attempt.breaker_before = step.permit.before
    attempt.in_flight = holders.health.begin(target.provider, target.name)
    lease = Lease(
        holders,
        target,
        attempt,
        step.permit,
        request_id=record.request_id,
        started_ns=call.started_ns,
    )
    try:
        bound = settings.upper_bound(target, record)
        attempt.reservation, checks = await holders.ledger.reserve(
            call.principal, record.tenant, bound, call.admission
        )
    except BaseException:
        await lease.end(FailureClass.CLIENT_LEFT, 0)
        raise
    record.limits.extend(checks)
    record.attempts.append(attempt)
    settings.journal_begin(record, attempt)
    return lease


async def _attempt(call: AttemptCall, settings: AttemptSettings, lease: Lease) -> Served:
    target, attempt = lease.target, lease.attempt
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
        idempotency_key=call.idempotency_key,
        passed_headers=call.passed_headers,
        is_repeatable=call.idempotency_key is not None or not call.tools_run_upstream,
        attempt=attempt,
    )
    if not call.stream:
        return Served(lease, completion=await provider.complete(request))
    stream = await provider.stream(request)
    began_ns = call.started_ns + attempt.start_ns
    gone_s = (settings.holders.clock.monotonic_ns() - began_ns) / 1e9
    try:
        chunks = await first_chunks(stream, settings.stream, target.timeouts.first_token_s - gone_s)
    except BaseException:
        stream.close()
        raise
    return Served(lease, stream=stream, first_chunks=chunks)


def describe_failure(attempt: Attempt, error: UpstreamError) -> None:
    """Write what went wrong into the attempt."""
    attempt.failure_class = error.failure_class.value
    attempt.error = error.message[:MAX_ERROR_CHARACTERS]
    attempt.upstream_code = error.upstream_code
    attempt.retry_after_s = error.retry_after_s
    attempt.timeout_phase = error.phase
    if attempt.status is None:
        attempt.status = error.upstream_status
