"""What the choice came to: the reason that goes with the target that really served."""

from pointsman.core.reasons import Difference
from pointsman.core.records import CallRecord, Candidate

_PASSING = frozenset({"health", "breaker", "concurrency"})
"""Filters that say how a target is now, not what it is."""


def first_choice(candidates: list[Candidate]) -> Candidate | None:
    """Return the candidate that would serve if every target were healthy; None when none would.

    A target whose context is too small was never a choice for this request, so passing it over is
    the rule's own doing; passing over an unhealthy one is a failover.
    """
    for candidate in candidates:
        if candidate.eligible or _is_unhealthy(candidate):
            return candidate
    return None


def served(record: CallRecord, attempt_index: int) -> None:
    """Set the final `reason` and `requested_vs_served` once an attempt has served.

    The reason of the plan stays when the first choice served; else it is `provider_failover`.
    Calling it again for another attempt corrects `requested_vs_served`, never a failover back.

    Args:
        record: The record of the call, planned and with its attempts.
        attempt_index: Which of `record.attempts` answered the client.
    """
    attempt = record.attempts[attempt_index]
    first = first_choice(record.candidates)
    is_failover = first is not None and attempt.target != first.target
    if record.policy and any(
        made.outcome == "rerouted" and not made.dry_run for made in record.policy
    ):
        record.requested_vs_served = Difference.GUARDRAIL
        if is_failover:
            record.reason = "provider_failover"
        return
    if record.reason == "budget_route" and not is_failover:
        record.requested_vs_served = Difference.BUDGET
        return
    if is_failover:
        record.reason = "provider_failover"
    record.requested_vs_served = _difference(record, attempt.model, is_failover=is_failover)


def _difference(record: CallRecord, model: str, *, is_failover: bool) -> Difference:
    if record.requested_model == model:
        return Difference.NONE
    if is_failover:
        return Difference.FAILOVER
    if record.draw is not None:
        return Difference.LOAD_BALANCE
    return Difference.RULE if record.rule is not None else Difference.ALIAS


def _is_unhealthy(candidate: Candidate) -> bool:
    return candidate.excluded_by is not None and candidate.excluded_by.filter in _PASSING
