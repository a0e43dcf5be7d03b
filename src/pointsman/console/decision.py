"""What was decided, as the page shows it: candidates with their values, rules, limits. Pure.

Sentences come from `core.explain`; this lays them beside the values.
"""

from msgspec import Struct

from pointsman.console.words import POLICY_MARKS, Mark, outcome_mark
from pointsman.core.explain.amounts import figure_text, kind_value_text, value_text
from pointsman.core.explain.selection import selected
from pointsman.core.explain.words import (
    MAX_DEPTH,
    comparison,
    exclusion_phrase,
    is_group,
    policy_phrase,
    rule_place,
)
from pointsman.core.records import (
    CallRecord,
    Candidate,
    Evaluated,
    LimitCheck,
    PolicyOutcome,
    Rule,
    RuleEvaluation,
)

_CHOSEN = Mark("chosen", "check", "good")
_ELIGIBLE = Mark("eligible", "check", "quiet")
_EXCLUDED = Mark("excluded", "cross", "bad")
_TRIED = Mark("tried, failed", "cross", "bad")


class CandidateView(Struct, frozen=True, kw_only=True):
    """One line of the table of candidates."""

    target: str
    model: str
    provider: str
    mark: Mark
    is_chosen: bool
    filter: str
    """Filter and code that excluded it; empty for an eligible one."""
    why: str
    observed: str
    limit: str
    state: list[str]
    score: list[str]
    cost_nano_usd: int | None
    difference_nano_usd: int | None
    """To what the request did cost; None when either is unknown or it is the chosen one."""


class ConditionLine(Struct, frozen=True):
    """One comparison, or AND, OR and NOT above some."""

    depth: int
    holds: bool
    text: str


class RuleView(Struct, frozen=True):
    """A rule that was looked at."""

    matched: bool
    place: str
    lines: list[ConditionLine]


class PolicyView(Struct, frozen=True):
    """What a prompt rule did."""

    mark: Mark
    place: str
    told: str
    is_dry: bool
    lines: list[ConditionLine]


class LimitView(Struct, frozen=True, kw_only=True):
    """One limit that was looked at."""

    scope: str
    kind: str
    before: str
    reserved: str
    after: str
    limit: str
    share: float | None
    """Of the limit that was used before, in percent; None without a limit."""
    refused: bool
    dry_run: bool
    warning: bool
    moved: str
    """The model before and after, for a budget that moved the request; else empty."""


def candidate_views(record: CallRecord) -> list[CandidateView]:
    """Return the candidates in the order they were considered."""
    chosen = selected(record)
    paid = record.cost.total_nano_usd if record.cost else None
    tried = {attempt.target for attempt in record.attempts}
    views = []
    for candidate in record.candidates:
        is_chosen = chosen is not None and candidate.target == chosen.target
        mark = _mark(candidate, is_chosen=is_chosen and not record.error, tried=tried)
        views.append(_candidate_view(candidate, mark, None if is_chosen else paid, is_chosen))
    return views


def _mark(candidate: Candidate, *, is_chosen: bool, tried: set[str]) -> Mark:
    if is_chosen:
        return _CHOSEN
    if candidate.target in tried:
        return _TRIED
    return _ELIGIBLE if candidate.eligible else _EXCLUDED


def _candidate_view(
    candidate: Candidate, mark: Mark, paid: int | None, is_chosen: bool
) -> CandidateView:
    found = candidate.excluded_by
    cost = candidate.cost_nano_usd
    return CandidateView(
        target=candidate.target,
        model=candidate.model,
        provider=candidate.provider,
        mark=mark,
        is_chosen=is_chosen,
        filter=f"{found.filter} · {found.code}" if found else "",
        why="" if candidate.eligible else exclusion_phrase(candidate),
        observed=value_text(found.observed) if found else "",
        limit=value_text(found.limit) if found else "",
        state=_state(candidate),
        score=[f"{part} {figure_text(value)}" for part, value in candidate.score.items()],
        cost_nano_usd=cost,
        difference_nano_usd=None if cost is None or paid is None else cost - paid,
    )


def _state(candidate: Candidate) -> list[str]:
    state = candidate.state
    if state is None:
        return []
    told = (
        ("", state.health),
        ("breaker ", state.breaker),
        ("in flight ", state.in_flight),
        ("latency ", None if state.latency_ms is None else f"{figure_text(state.latency_ms)} ms"),
        ("errors ", None if state.error_ratio is None else f"{100 * state.error_ratio:.3g} %"),
    )
    return [f"{words}{value}" for words, value in told if value is not None]


def rule_views(record: CallRecord) -> list[RuleView]:
    """Return the rules that were looked at, in order."""
    return [_rule_view(evaluation) for evaluation in record.rules_evaluated]


def _rule_view(evaluation: RuleEvaluation) -> RuleView:
    lines = [] if evaluation.condition is None else _lines(evaluation.condition, 0)
    return RuleView(evaluation.matched, rule_place(evaluation.rule), lines)


def _lines(part: Evaluated, depth: int) -> list[ConditionLine]:
    if depth >= MAX_DEPTH:
        return [ConditionLine(depth, part.result, "…")]
    if not is_group(part):
        return [ConditionLine(depth, part.result, comparison(part))]
    lines = [ConditionLine(depth, part.result, part.op or "all of")]
    for inner in part.parts:
        lines.extend(_lines(inner, depth + 1))
    return lines


def policy_views(record: CallRecord) -> list[PolicyView]:
    """Return what the prompt rules did, in order."""
    return [_policy_view(made) for made in record.policy]


def _policy_view(made: PolicyOutcome) -> PolicyView:
    mark = POLICY_MARKS.get(made.outcome) or outcome_mark(made.outcome)
    place = rule_place(Rule(made.rule, made.file, made.line))
    lines = [] if made.condition is None else _lines(made.condition, 0)
    return PolicyView(mark, place, policy_phrase(made), made.dry_run, lines)


def limit_views(record: CallRecord) -> list[LimitView]:
    """Return the limits that were looked at."""
    return [_limit_view(check) for check in record.limits]


def _limit_view(check: LimitCheck) -> LimitView:
    kind = check.kind
    share = None
    if check.limit is not None:
        share = min(max(100 * check.before / check.limit, 0), 100) if check.limit > 0 else 100
    return LimitView(
        scope=check.scope,
        kind=kind.replace("_nano_usd", "").replace("_", " "),
        before=kind_value_text(kind, check.before),
        reserved=kind_value_text(kind, check.reserved),
        after="" if check.after is None else kind_value_text(kind, check.after),
        limit="" if check.limit is None else kind_value_text(kind, check.limit),
        share=None if share is None else round(share, 1),
        refused=check.refused,
        dry_run=check.dry_run,
        warning=check.warning,
        moved=f"{check.model_before} → {check.model_after}" if check.model_after else "",
    )
