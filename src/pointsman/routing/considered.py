"""The candidates of a plan: every target of a chain, eligible or excluded with two values."""

from collections import Counter

from pointsman.core.errors import InvalidRequestError, NoTargetError, PointsmanError
from pointsman.core.facts import Facts
from pointsman.core.health import HealthView
from pointsman.core.records import MAX_CANDIDATES, CallRecord, Candidate
from pointsman.routing.filters import context_exclusion, health_exclusion, scope_exclusion
from pointsman.routing.route import Chain


def consider(chain: Chain, facts: Facts, health: HealthView) -> list[Candidate]:
    """Return one candidate for each target of the chain, in its order, then those passed over."""
    candidates = []
    provider_states = facts.provider_health
    for target in chain.targets:
        state = health.target_state(target.name)
        excluded = health_exclusion(target, state, provider_states[target.provider])
        if excluded is None:
            excluded = context_exclusion(target, facts)
        candidates.append(
            Candidate(
                target=target.name,
                provider=target.provider,
                model=target.model,
                eligible=excluded is None,
                excluded_by=excluded,
                state=state,
            )
        )
    for target, exclusion in chain.passed_over:
        candidates.append(Candidate(target.name, target.provider, target.model, False, exclusion))
    return candidates


def bound(record: CallRecord, candidates: list[Candidate]) -> None:
    """Put the candidates into the record, at most `MAX_CANDIDATES` of them in detail.

    Eligible ones are kept before excluded ones. What is left out is counted: excluded ones by
    their filter, eligible ones as `not_reached`, since nothing outside the record is tried.
    """
    if len(candidates) <= MAX_CANDIDATES:
        record.candidates = candidates
        return

    by_need = sorted(candidates, key=lambda item: not item.eligible)
    kept = {item.target for item in by_need[:MAX_CANDIDATES]}
    record.candidates = [item for item in candidates if item.target in kept]
    omitted = (item.excluded_by for item in by_need[MAX_CANDIDATES:])
    record.candidates_omitted = dict(
        Counter("not_reached" if excluded is None else excluded.filter for excluded in omitted)
    )


def exclude_all(
    record: CallRecord, chain: Chain, requested: str, patterns: tuple[str, ...]
) -> None:
    """Record every target of the chain as excluded, for a name that the key may not ask for."""
    candidates = [
        Candidate(
            target=target.name,
            provider=target.provider,
            model=target.model,
            eligible=False,
            excluded_by=scope_exclusion(requested, patterns),
        )
        for target in chain.targets
    ]
    bound(record, candidates)


def refusal(candidates: list[Candidate], record: CallRecord) -> PointsmanError:
    """Return the error for a plan without an eligible target.

    When the context of every target is too small, the caller can help it by a shorter request;
    when only some are, waiting may help.
    """
    candidates = [item for item in candidates if not _is_passed_over(item)]
    if not candidates:
        return NoTargetError(f"no rule of the route `{record.route}` matched, and it has no target")

    contexts = [
        (item.excluded_by.observed, item.excluded_by.limit)
        for item in candidates
        if item.excluded_by is not None and item.excluded_by.filter == "context"
    ]
    if len(contexts) < len(candidates):
        return NoTargetError("no target is available: each is down or too small for the request")
    needed, largest = contexts[0][0], max(int(limit or 0) for _, limit in contexts)
    return InvalidRequestError(
        f"the request needs about {needed} tokens, the largest context here has {largest}",
        param="messages",
        code="context_length_exceeded",
    )


def _is_passed_over(candidate: Candidate) -> bool:
    return candidate.excluded_by is not None and candidate.excluded_by.filter == "rule"
