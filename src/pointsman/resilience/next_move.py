"""What follows a failed attempt: the same target again, the next one, or the end. Pure.

    failure                                another target left          none left
    caller's fault, unknown, client left   end                          end
    context too long                       next, if its context is      end
                                           known to be larger
    quota, credential, model, region       next                         end
    pressure (429, overloaded)             again within bounds, next    again within bounds, end
    hard (connection, timeout, 5xx …)      next; `retry_first`: again   again within bounds, end

A call whose tools the provider executes is repeated only with an idempotency key, unless the
failure shows that it was never carried out. No move is made that the deadline leaves no room for.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from pointsman.config.resilience import RetryConfig
from pointsman.core.failures import FailureClass
from pointsman.resilience.backoff import Wait, wait_before

_CONFLICT = 409
_NOT_CARRIED_OUT = frozenset(
    {
        FailureClass.RATE_LIMITED,
        FailureClass.OVERLOADED,
        FailureClass.QUOTA_EXHAUSTED,
        FailureClass.BAD_CREDENTIAL,
        FailureClass.MODEL_UNAVAILABLE,
        FailureClass.MODEL_RETIRED,
        FailureClass.REGION_BLOCKED,
        FailureClass.CONTEXT_TOO_LONG,
    }
)


class Move(StrEnum):
    """What to do next."""

    RETRY = "retry"
    FAILOVER = "failover"
    END = "end"


class Failed(Struct, frozen=True, kw_only=True):
    """A failed attempt and what surrounds it."""

    failure: FailureClass
    status: int | None = None
    """HTTP status of the provider."""
    was_sent: bool = True
    """Whether a connection was made, so that the request may have been carried out."""
    retries: int = 0
    """How often this target has been asked again in this request."""
    retry_after_s: float | None = None
    target_lets_pass: bool = True
    """Whether its breaker would let another call begin."""
    has_alternative: bool = False
    """Whether another eligible target is left that this failure leaves any sense in asking."""
    retry_first: bool = False
    """Whether the route asks a target that failed hard again before the next one."""
    has_tools: bool = False
    tools_run_upstream: bool = False
    """Whether the provider executes a tool of this call by itself."""
    has_idempotency_key: bool = False
    remaining_s: float
    """Until the deadline of the whole call."""
    min_attempt_s: float
    """Least time to begin an attempt with."""


class NextMove(NamedTuple):
    """The move, and the wait before a retry."""

    move: Move
    wait: Wait | None = None


END = NextMove(Move.END)
FAILOVER = NextMove(Move.FAILOVER)


def next_move(failed: Failed, config: RetryConfig, draw: Callable[[], float]) -> NextMove:
    """Return what follows a failed attempt."""
    if not _allows_another(failed.failure) or not _may_repeat(failed):
        return END
    if failed.remaining_s < failed.min_attempt_s:
        return END
    if _prefers_retry(failed):
        wait = _retry_wait(failed, config, draw)
        if wait is not None:
            return NextMove(Move.RETRY, wait)
    return FAILOVER if failed.has_alternative else END


def _allows_another(failure: FailureClass) -> bool:
    return failure.allows_failover or failure is FailureClass.CONTEXT_TOO_LONG


def _may_repeat(failed: Failed) -> bool:
    if not failed.tools_run_upstream or failed.has_idempotency_key:
        return True
    return not failed.was_sent or failed.failure in _NOT_CARRIED_OUT


def _prefers_retry(failed: Failed) -> bool:
    failure = failed.failure
    if not (failure.is_pressure or failure.is_hard) or not failed.target_lets_pass:
        return False
    if failed.status == _CONFLICT and failed.has_tools and not failed.has_idempotency_key:
        return False
    return failure.is_pressure or failed.retry_first or not failed.has_alternative


def _retry_wait(failed: Failed, config: RetryConfig, draw: Callable[[], float]) -> Wait | None:
    if failed.retries >= config.max_retries:
        return None
    wait = wait_before(failed.retries + 1, failed.retry_after_s, config, draw)
    if wait is None or failed.remaining_s - wait.seconds < failed.min_attempt_s:
        return None
    return wait
