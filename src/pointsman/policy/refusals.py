"""What a caller is told when a limit or budget refuses: which rule, both values, and until when.

A rate, and room that calls under way take up, come back by themselves: 429 `rate_limit_exceeded`
with `Retry-After`. A spent quota, budget or run does not: 429 `insufficient_quota` with
`x-should-retry: false`, which the official SDKs obey.
"""

from pointsman.core.errors import (
    BudgetExceededError,
    CallError,
    InvalidRequestError,
    RateLimitedError,
)
from pointsman.core.money import NanoUsd, usd_text
from pointsman.core.records import LimitCheck
from pointsman.policy.budgets import BudgetLine
from pointsman.policy.calendar import Calendar
from pointsman.policy.gates import Look

_NS = 1_000_000_000
_NOUNS = {
    "requests_minute": "requests per minute",
    "tokens_minute": "tokens per minute",
    "concurrent_calls": "requests at once",
    "requests_day": "requests per day",
    "requests_month": "requests per month",
    "tokens_day": "tokens per day",
    "tokens_month": "tokens per month",
}
_PERIODS = {"day": "daily budget", "month": "monthly budget", "total": "budget"}


class RequestNeverFitsError(RateLimitedError):
    """One request is larger than the whole limit: waiting cannot help."""

    should_retry = False


def limit_refusal(look: Look, calendar: Calendar) -> CallError:
    """Return the error for a gate that refused."""
    check = look.check
    noun = _NOUNS.get(check.kind, check.kind)
    counted = f"{check.before} of {check.limit} {noun} of {check.scope} are used"
    wait_s = None if look.wait_ns is None else look.wait_ns / _NS
    resets = look.resets_unix_ns
    if look.wait_ns is None:
        return RequestNeverFitsError(
            f"the request alone is larger than the limit of {check.limit} {noun} of {check.scope}"
            f" ({check.rule}); make it smaller",
            metadata=_metadata(check, "request_larger_than_limit"),
        )
    if resets is not None and look.wait_ns >= _NS and _is_spent(look):
        return BudgetExceededError(
            f"the quota {_name(check)} is spent: {counted}. It resets at {calendar.text(resets)}",
            retry_after_s=wait_s,
            metadata=_metadata(check, "quota_exceeded", calendar.text(resets)),
        )
    return RateLimitedError(
        f"the limit {_name(check)} is met: {counted}; try again in {wait_s:.3g} s",
        retry_after_s=wait_s,
        metadata=_metadata(check, "rate_limit_exceeded"),
    )


def budget_refusal(
    line: BudgetLine, check: LimitCheck, upper_bound: NanoUsd | None, now_unix_ns: int
) -> CallError:
    """Return the error for a budget that has no room for a call."""
    counter, cap = line.counter, line.budget.cap
    name = f"the {_PERIODS[line.budget.period]} {_name(check)} of {check.scope}"
    spent = f"{usd_text(counter.spent)} of {usd_text(cap)} USD are spent"
    if upper_bound is None and not line.is_spent:
        return BudgetExceededError(
            f"{name} takes no request whose price is not known",
            metadata=_metadata(check, "price_unknown"),
        )
    may_cost = f"this request may cost up to {usd_text(upper_bound or 0)} USD"
    if not line.is_spent and counter.spent + (upper_bound or 0) <= cap:
        return RateLimitedError(
            f"{name} is held by requests under way: {spent}, {usd_text(counter.held)} USD held,"
            f" and {may_cost}; try again when they are done",
            retry_after_s=1.0,
            metadata=_metadata(check, "budget_held_by_requests_under_way"),
        )
    resets = line.ends_unix_ns
    until = f"It resets at {line.calendar.text(resets)}" if resets else "It does not reset"
    state = f"is spent: {spent}" if line.is_spent else f"has no room: {spent}, and {may_cost}"
    return BudgetExceededError(
        f"{name} {state}. {until}",
        retry_after_s=max(0.0, (resets - now_unix_ns) / _NS) if resets else None,
        metadata=_metadata(
            check, "spend_limit_exceeded", line.calendar.text(resets) if resets else None
        ),
    )


def iteration_refusal(check: LimitCheck, run_id: str, forgotten_after_s: float) -> CallError:
    """Return the error for an agent run that has made all its requests.

    Args:
        check: Its count and the cap.
        run_id: Which run.
        forgotten_after_s: How long it must be silent before its id may begin another run.
    """
    return BudgetExceededError(
        f"the agent run {run_id} has made {check.before} of {check.limit} requests"
        " (policy.agent_runs.max_iterations); end it or begin another run",
        retry_after_s=forgotten_after_s,
        metadata=_metadata(check, "agent_iteration_limit"),
    )


def missing_run_refusal(prefix: str) -> CallError:
    """Return the error for a request that names no run where it must."""
    return InvalidRequestError(
        f"this gateway needs to know the agent run: send {prefix}run-id, metadata.run_id or"
        " traceparent (policy.agent_runs.without_id)",
        code="run_id_required",
    )


def _is_spent(look: Look) -> bool:
    """Tell whether the quota is used up by calls that are over."""
    check = look.check
    used = getattr(look.counter, "used", 0)
    limit = check.limit or 0
    return bool(used + look.amount > limit)


def _name(check: LimitCheck) -> str:
    return (check.rule or "").rpartition(".")[2]


def _metadata(check: LimitCheck, reason: str, resets_at: str | None = None) -> dict[str, object]:
    metadata: dict[str, object] = {
        "reason": reason,
        "rule": check.rule,
        "scope": check.scope,
        "kind": check.kind,
        "used": check.before,
        "limit": check.limit,
    }
    if resets_at is not None:
        metadata["resets_at"] = resets_at
    return metadata
