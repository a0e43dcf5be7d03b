"""The candidates of a plan: every target of a chain, eligible or excluded with two values."""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from pointsman.core.errors import InvalidRequestError, NoTargetError, PointsmanError
from pointsman.core.facts import Facts
from pointsman.core.health import HealthView
from pointsman.core.money import NanoUsd
from pointsman.core.records import (
    MAX_CANDIDATES,
    CallRecord,
    Candidate,
    Exclusion,
    TargetState,
)
from pointsman.core.target import Target
from pointsman.core.terms import NameScope
from pointsman.routing.filters import (
    breaker_exclusion,
    capability_exclusion,
    context_exclusion,
    health_exclusion,
    residency_exclusion,
    scope_exclusion,
)
from pointsman.routing.route import Chain

_REQUEST_BOUND = frozenset({"context", "capability", "residency"})
"""Filters of which only another request makes another answer."""
_MAX_NAMED = 8
"""Targets that a refusal names; the record has them all."""


class Asked(NamedTuple):
    """What the candidates of one request are looked at with."""

    facts: Facts
    health: HealthView
    draw: Callable[[], float]
    """Returns a number in [0, 1); for targets that come back."""
    regions: frozenset[str] | None = None
    """Where the request may go; None is everywhere."""


def consider(chain: Chain, asked: Asked) -> list[Candidate]:
    """Return one candidate for each target of the chain, in its order, then those passed over."""
    candidates = []
    for target in chain.targets:
        state = asked.health.target_state(target)
        detail = state.breaker_detail
        if detail is not None and detail.share is not None:
            state.ramp_draw = asked.draw()
        excluded = _exclusion(target, state, asked)
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
    if not any(candidate.eligible for candidate in candidates):
        _ask_those_that_come_back(candidates)
    for target, exclusion in chain.passed_over:
        candidates.append(Candidate(target.name, target.provider, target.model, False, exclusion))
    return candidates


def _exclusion(target: Target, state: TargetState, asked: Asked) -> Exclusion | None:
    facts = asked.facts
    pinned = target.health is not None
    return (
        residency_exclusion(target, asked.regions)
        or (None if pinned else breaker_exclusion(state))
        or health_exclusion(target, state, facts.provider_health[target.provider])
        or context_exclusion(target, facts)
        or capability_exclusion(target, facts)
    )


def _ask_those_that_come_back(candidates: list[Candidate]) -> None:
    """Let targets with a part of their traffic take this request too: nobody else can."""
    for candidate in candidates:
        excluded = candidate.excluded_by
        if excluded is not None and excluded.code == "coming_back":
            candidate.eligible, candidate.excluded_by = True, None


def guard_cost(
    candidates: list[Candidate],
    chain: Chain,
    ratio: float,
    price: Callable[[Target], NanoUsd | None],
) -> None:
    """Exclude failover targets that may cost more than `ratio` times the first choice (MM-12).

    A price that is not known, or a first choice that costs nothing, excludes nobody.
    """
    first = price(chain.targets[0]) if chain.targets else None
    if not first:
        return
    by_name = {target.name: target for target in chain.targets[1:]}
    for candidate in candidates:
        target = by_name.get(candidate.target)
        cost = price(target) if target is not None and candidate.eligible else None
        if cost is not None and cost > ratio * first:
            candidate.eligible = False
            candidate.excluded_by = Exclusion("cost", "over_ratio", round(cost / first, 3), ratio)


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


def exclude_all(record: CallRecord, chain: Chain, requested: str, scope: NameScope) -> None:
    """Record every target of the chain as excluded, for a name that may not be asked for."""
    candidates = [
        Candidate(
            target=target.name,
            provider=target.provider,
            model=target.model,
            eligible=False,
            excluded_by=scope_exclusion(requested, scope),
        )
        for target in chain.targets
    ]
    bound(record, candidates)


def refusal(candidates: list[Candidate], record: CallRecord) -> PointsmanError:
    """Return the error for a plan without an eligible target; it names what each one lacked.

    What the request itself rules out is the caller's to change, and waiting does not help; when
    only some targets are ruled out by it, waiting may.
    """
    candidates = [item for item in candidates if not _is_passed_over(item)]
    if not candidates:
        return NoTargetError(f"no rule of the route `{record.route}` matched, and it has no target")

    excluded = [item.excluded_by for item in candidates if item.excluded_by is not None]
    filters = {exclusion.filter for exclusion in excluded}
    if filters == {"context"}:
        return _too_long(excluded)
    lacks = "; ".join(_lack(item) for item in candidates[:_MAX_NAMED])
    if filters <= _REQUEST_BOUND:
        return InvalidRequestError(
            f"no target takes this request: {lacks}", code="no_capable_target"
        )
    waits = [exclusion.left_s for exclusion in excluded if exclusion.left_s is not None]
    return NoTargetError(f"no target is available: {lacks}", retry_after_s=min(waits, default=None))


def _too_long(excluded: list[Exclusion]) -> InvalidRequestError:
    needed, largest = excluded[0].observed, max(int(each.limit or 0) for each in excluded)
    return InvalidRequestError(
        f"the request needs about {needed} tokens, the largest context here has {largest}",
        param="messages",
        code="context_length_exceeded",
    )


def _lack(candidate: Candidate) -> str:
    excluded = candidate.excluded_by
    if excluded is None:
        return candidate.target
    values = f"{excluded.observed} against {excluded.limit}"
    left = "" if excluded.left_s is None else f", {excluded.left_s:g} s left"
    return f"{candidate.target}: {excluded.filter} {excluded.code} ({values}{left})"


def _is_passed_over(candidate: Candidate) -> bool:
    return candidate.excluded_by is not None and candidate.excluded_by.filter == "rule"
