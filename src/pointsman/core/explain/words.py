"""The words for the codes of a record. Owns phrases only; which apply is decided elsewhere."""

from collections.abc import Iterator, Mapping

from pointsman.core.explain.amounts import clean, figure_text, instant_text, value_text
from pointsman.core.reasons import ROUTE_REASONS
from pointsman.core.records import AliasUse, Candidate, Evaluated, LimitCheck, PolicyOutcome, Rule

MAX_DEPTH = 24
"""Nesting of conditions that is told."""

FAILURES = {
    "connection": "no connection could be made or it was lost",
    "timeout": "it ran out of time",
    "server_error": "the provider answered with a server error",
    "protocol": "the answer was not what the protocol allows",
    "truncated": "the answer ended before it was complete",
    "overloaded": "the provider had no capacity",
    "rate_limited": "the provider's rate limit was met",
    "quota_exhausted": "the provider account's quota was spent",
    "bad_credential": "the provider refused the gateway's key",
    "model_unavailable": "the provider does not serve that model to this account",
    "model_retired": "the provider no longer serves that model",
    "region_blocked": "the provider does not serve this region",
    "caller_fault": "the request itself was wrong",
    "context_too_long": "the prompt did not fit into the model's context",
    "content_filtered": "the provider's content filter refused the prompt",
    "client_left": "the client had left",
    "unknown": "it failed in a way that is not known",
}
"""Failure class -> half a sentence."""

OUTCOMES = {
    "success": "the answer was complete",
    "truncated": "the answer stopped at its length limit",
    "blocked": "a content filter or a prompt rule stopped the answer",
    "failure": "it failed",
    "refused": "it was refused before any target was called",
    "client_left": "the client left before the end",
    "gateway_crashed": "the gateway ended while it was under way",
    "preview": "it was decided only; nobody was called",
}
"""Outcome -> half a sentence."""

TERMINALS = {
    "done": "complete",
    "cut": "cut off by the provider before its end",
    "stalled": "given up because the provider fell silent",
    "malformed": "broken off because the provider sent something unreadable",
    "failed": "broken off by an error of the provider",
    "blocked": "stopped by a prompt rule",
    "client_left": "left by the client before its end",
}
"""How a stream ended, as it completes 'the stream was …'."""

DIFFERENCES = {
    "alias": "the name is an alias",
    "rule": "a rule chose the target",
    "load_balance": "traffic is spread by weight",
    "experiment": "an experiment is running",
    "cache": "the answer came from the cache",
    "budget": "a budget moved it",
    "capacity": "the first choice had no capacity",
    "residency": "the request must stay in a region",
    "retry": "the first attempt failed",
    "failover": "the first choice failed or was unhealthy",
    "guardrail": "a guardrail changed it",
}
"""`requested_vs_served` -> half a sentence."""

OVERRIDE_REFUSALS = {
    "scope_missing": "the key lacks the scope `override`",
    "route_forbids": "the route does not allow it",
    "key_scope": "the key may not use that target",
    "tenant_scope": "the tenant may not use that target",
    "plan_scope": "the plan does not allow that target",
    "unknown_target": "there is no target of that name",
    "budget_route": "a budget moved the request to a cheaper target",
    "guardrail": "a prompt rule sent the request elsewhere",
}

_EXCLUSIONS = {
    ("rule", "another_rule_chose"): "{observed} chose first, {limit} would have chosen it",
    ("context", "too_long"): "the request needs about {observed} tokens, its context holds {limit}",
    ("context", "not_larger"): "its context ({observed} tokens) is not known to be larger than"
    " the one that was too small ({limit})",
    ("health", "pinned_down"): "its operator set it {observed}; the worst that serves is {limit}",
    ("health", "provider_down"): "its provider is {observed}; the worst that serves is {limit}",
    ("health", "target_down"): "it is {observed}; the worst that serves is {limit}",
    ("breaker", "open"): "its breaker is open, {observed} against {limit}",
    ("breaker", "provider_open"): "its provider's breaker is open, {observed} against {limit}",
    ("breaker", "being_tried"): "it just comes back, {observed} call of {limit} is trying it",
    ("breaker", "coming_back"): "it comes back slowly, {observed} was drawn for a share of {limit}",
    ("capability", "no_vision"): "it takes no images, the request has {observed}",
    ("capability", "no_tools"): "it takes no tools, the request has {observed}",
    ("capability", "no_stream_tools"): "it streams no tool calls, the request has {observed} tools",
    ("capability", "no_json_schema"): "it follows no JSON schema, and the request has one",
    ("residency", "region_not_allowed"): "it runs in {observed}, allowed is {limit}",
    ("concurrency", "full"): "it was full, {observed} calls of {limit} under way",
    ("cost", "over_ratio"): "it costs {observed} times the first choice, {limit} times is allowed",
    ("key_scope", "name_not_allowed"): "the key may not ask for {observed}, only for {limit}",
    ("tenant_scope", "name_not_allowed"): "the tenant may not ask for {observed}, only for {limit}",
    ("plan_scope", "name_not_allowed"): "the plan does not allow {observed}, only {limit}",
}
_POLICY_VERBS = {
    "blocked": "blocked",
    "redacted": "redacted",
    "flagged": "flagged",
    "rerouted": "rerouted",
    "overruled": "came too late to reroute",
    "passed": "found nothing in",
    "not_matched": "did not apply to",
}
_POLICY_DEEDS = frozenset({"blocked", "redacted", "flagged", "rerouted"})
_OPERATORS = {"==": "is", "!=": "is not", "glob": "is like", "present": "is present"}


def reason_sentence(code: str, extra: Mapping[str, str] | None = None) -> str:
    """Return half a sentence that completes 'because …' for a route reason.

    Args:
        code: A reason of the vocabulary, or one that the configuration declares.
        extra: Declared reasons -> their sentences (`reasons:` of the configuration).
    """
    sentence = (extra or {}).get(code) or ROUTE_REASONS.get(code)
    return clean(sentence) if sentence is not None else f"its reason is `{clean(code)}`"


def failure_phrase(failure_class: str | None) -> str:
    """Return half a sentence for a failure class."""
    if failure_class is None:
        return FAILURES["unknown"]
    return FAILURES.get(failure_class) or f"it failed ({clean(failure_class)})"


def exclusion_phrase(candidate: Candidate) -> str:
    """Return why a candidate was not eligible, with the two values that were compared."""
    excluded = candidate.excluded_by
    if excluded is None:
        return "it was not eligible"
    observed, limit = value_text(excluded.observed), value_text(excluded.limit)
    phrase = _EXCLUSIONS.get((excluded.filter, excluded.code))
    if phrase is not None:
        left = "" if excluded.left_s is None else f", {figure_text(excluded.left_s)} s left"
        by = "" if excluded.opened_by is None else f", since request {clean(excluded.opened_by)}"
        return phrase.format(observed=observed, limit=limit) + left + by
    name = f"{clean(excluded.filter)} {clean(excluded.code)}".strip()
    return f"{name}, found {observed} against {limit}"


_WITHOUT_STORE = {
    "local": "was counted by this worker alone, because the shared store was away",
    "closed": "could not be counted, because the shared store was away",
    "open": "was not applied, because the shared store was away",
}


def loss_phrase(check: LimitCheck) -> str | None:
    """Return what became of a limit without the shared store; None when it was not missed."""
    phrase = _WITHOUT_STORE.get(check.on_loss or "")
    if phrase is None or check.age_ms is None:
        return phrase
    return f"{phrase} (last read {figure_text(check.age_ms / 1000)} s before)"


def check_notes(check: LimitCheck) -> Iterator[str]:
    """Yield what else is to be said of a limit that was looked at."""
    lost = loss_phrase(check)
    if lost is not None:
        yield f"it {lost}"
    if check.model_after is not None:
        verb = "would have moved" if check.dry_run else "moved"
        before, after = clean(check.model_before or ""), clean(check.model_after)
        yield f"{verb} the request from {before} to {after}"
    elif check.dry_run and check.refused:
        yield "a dry run: it would have refused the request"
    if check.warning:
        yield "the budget had passed its warning"
    if check.resets_unix_ns is not None and (check.refused or check.warning):
        yield f"resets at {instant_text(check.resets_unix_ns)}"


def policy_phrase(made: PolicyOutcome) -> str:
    """Return what a prompt rule did, as in `redacted the prompt (email 2)`."""
    verb = _POLICY_VERBS.get(made.outcome, clean(made.outcome))
    if made.dry_run and made.outcome in _POLICY_DEEDS:
        verb = f"would have {verb}"
    side = "answer" if made.side == "answer" else "prompt"
    found = ", ".join(f"{clean(name)} {count}" for name, count in made.counts.items())
    to = f" to {clean(made.use)}" if made.use and made.outcome == "rerouted" else ""
    return f"{verb} the {side}{to}{f' ({found})' if found else ''}"


def is_claim(made: PolicyOutcome) -> bool:
    """Tell whether it is about what the request said of itself, not about a prompt rule."""
    return made.outcome == "claims_ignored"


def claims_phrase(made: PolicyOutcome) -> str:
    """Return which claims of the request were not believed: `not believed: tenant, plan`."""
    return "not believed of what the request says: " + ", ".join(map(clean, made.counts))


def alias_phrase(alias: AliasUse) -> str:
    """Return `auto` means `premium` for the plan acme, with where that is written."""
    place = rule_place(alias.rule)
    return (
        f"{clean(alias.name)} means {clean(alias.means)} for the {clean(alias.kind)}"
        f" {clean(alias.owner)}, by {place}"
    )


def rule_place(rule: Rule) -> str:
    """Return `routes.auto.rules[0] (pointsman.yaml:21)`."""
    parts = [clean(rule.file)] if rule.file else []
    if rule.line is not None:
        parts.append(str(rule.line) if parts else f"line {rule.line}")
    place = ":".join(parts)
    return f"{clean(rule.id)} ({place})" if place else clean(rule.id)


def comparison(part: Evaluated) -> str:
    """Return one comparison as it was asked and what was found: `characters <= 1000, was 80`."""
    if part.fact is None:
        return "always" if part.expected is True else "never"
    operator = _OPERATORS.get(part.op, clean(part.op))
    asked = f"{clean(part.fact)} {operator}".strip()
    if part.op != "present":
        asked = f"{asked} {value_text(part.expected)}"
    found = "there was none" if part.missing else f"was {value_text(part.actual)}"
    return f"{asked}, {found}"


def is_group(part: Evaluated) -> bool:
    """Tell whether a part of a condition is AND, OR or NOT over others."""
    return bool(part.parts) or part.op in {"AND", "OR", "NOT"}


def comparisons(part: Evaluated, *, result: bool, depth: int = 0) -> list[str]:
    """Return the comparisons that made a condition come out as `result`, in order."""
    if not is_group(part):
        return [comparison(part)]
    if depth >= MAX_DEPTH:
        return ["…"]
    wanted = (not result) if part.op == "NOT" else result
    return [
        text
        for inner in part.parts
        if inner.result == wanted
        for text in comparisons(inner, result=wanted, depth=depth + 1)
    ]


def shares(weights: dict[str, float]) -> list[str]:
    """Return the shares of a draw: `large 0.9`."""
    return [f"{clean(target)} {figure_text(share)}" for target, share in weights.items()]
