"""One paragraph in plain words: what was asked, decided, tried, how it ended, what it cost.

Each function below gives the sentences of one subject, none when the record has nothing on it.
"""

from collections.abc import Mapping

from pointsman.core.explain.amounts import (
    clean,
    count_text,
    duration_text,
    figure_text,
    instant_text,
    kind_value_text,
    listed,
    money_text,
)
from pointsman.core.explain.selection import before_last_ns, routing_ns, selected, upstream_ns
from pointsman.core.explain.words import (
    DIFFERENCES,
    OUTCOMES,
    OVERRIDE_REFUSALS,
    TERMINALS,
    alias_phrase,
    check_notes,
    claims_phrase,
    comparisons,
    exclusion_phrase,
    failure_phrase,
    is_claim,
    loss_phrase,
    policy_phrase,
    reason_sentence,
    rule_place,
    shares,
)
from pointsman.core.records import Attempt, CallRecord, RuleEvaluation, StreamTruth

_MAX_NAMED = 6
"""Candidates, rules and attempts told one by one; the tree has them all."""


def paragraph(record: CallRecord, extra_reasons: Mapping[str, str] | None = None) -> str:
    """Tell a request in one paragraph.

    Args:
        record: Of any outcome, finished or not.
        extra_reasons: Reasons that the configuration declares -> their sentences.
    """
    sentences = [
        *_asked(record),
        *_decided(record, extra_reasons),
        *_alias(record),
        *_rules(record),
        *_override(record),
        *_excluded(record),
        *_attempted(record),
        *_limits(record),
        *_policy(record),
        *_ended(record),
        *_took(record),
        *_used(record),
        *_elsewhere(record),
    ]
    if record.truncated:
        sentences.append("The record was over its size bound and has lost detail.")
    return " ".join(sentences)


def _asked(record: CallRecord) -> list[str]:
    labels = (("tenant", record.tenant), ("key", record.key), ("user", record.user))
    who = listed([f"{kind} {clean(name)}" for kind, name in labels if name])
    model = record.requested_model
    asked = "named no model" if model is None else f"asked for model {clean(model) or '(empty)'}"
    told = f"Request {clean(record.request_id)} (trace trc_{clean(record.trace_id)}, "
    told += f"{instant_text(record.started_unix_ns)}){' from ' + who if who else ''} {asked}"
    return [f"{told}{' as a stream' if record.stream_requested else ''}."]


def _decided(record: CallRecord, extra: Mapping[str, str] | None) -> list[str]:
    chosen = selected(record)
    if chosen is None and not record.candidates:
        if record.reason == "not_routed":
            return ["No route was chosen."]
        return [f"No target was chosen, because {reason_sentence(record.reason, extra)}."]
    if chosen is None:
        many = count_text(len(record.candidates), "candidate")
        return [f"No target was chosen: {many} looked at, none eligible."]
    place = f"{clean(chosen.model)} at {clean(chosen.provider)} (target {clean(chosen.target)})"
    route = f"on route {clean(record.route)} " if record.route else ""
    verb = "would go" if record.outcome == "preview" else "went"
    told = [f"It {verb} {route}to {place}{_because(record, extra)}."]
    if record.draw is not None:
        drawn = figure_text(record.draw.value)
        told.append(f"The draw was {drawn} over the shares {listed(shares(record.draw.weights))}.")
    return told


def _because(record: CallRecord, extra: Mapping[str, str] | None) -> str:
    if record.reason == "not_routed":
        return "; the record does not say why"  # a crash left only what was begun
    return f" because {reason_sentence(record.reason, extra)}"


def _alias(record: CallRecord) -> list[str]:
    return [] if record.alias is None else [f"The name {alias_phrase(record.alias)}."]


def _rules(record: CallRecord) -> list[str]:
    told = [_rule(evaluation) for evaluation in record.rules_evaluated[:_MAX_NAMED]]
    left = len(record.rules_evaluated) - _MAX_NAMED
    if left > 0:
        told.append(f"{count_text(left, 'more rule')} looked at.")
    if record.rule is not None and not record.rules_evaluated:
        told.append(f"The rule was {rule_place(record.rule)}.")
    return told


def _rule(evaluation: RuleEvaluation) -> str:
    place = rule_place(evaluation.rule)
    verb = "matched" if evaluation.matched else "did not match"
    if evaluation.condition is None:
        return f"Rule {place} {verb}."
    values = comparisons(evaluation.condition, result=evaluation.matched)
    return f"Rule {place} {verb}{': ' + '; '.join(values[:_MAX_NAMED]) if values else ''}."


def _override(record: CallRecord) -> list[str]:
    told = []
    if record.override_source is not None:
        source = clean(record.override_source)
        how = {"model": "by naming the model", "header": "by a header"}.get(source, f"by {source}")
        told.append(f"The caller chose this, {how}.")
    elif record.attempts or record.candidates:
        told.append("The gateway decided this, not the caller.")
    if record.override_rejected is not None:
        name, _, code = record.override_rejected.rpartition(": ")
        why = OVERRIDE_REFUSALS.get(code, clean(code))
        told.append(f"The caller's wish for {clean(name) or 'another target'} was refused: {why}.")
    return told


def _excluded(record: CallRecord) -> list[str]:
    excluded = [candidate for candidate in record.candidates if not candidate.eligible]
    told = [
        f"Excluded was {clean(candidate.target)}: {exclusion_phrase(candidate)}."
        for candidate in excluded[:_MAX_NAMED]
    ]
    if len(excluded) > _MAX_NAMED:
        told.append(f"{count_text(len(excluded) - _MAX_NAMED, 'more candidate')} excluded.")
    for reason, count in record.candidates_omitted.items():
        told.append(f"{count_text(count, 'candidate')} not shown ({clean(reason)}).")
    return told


def _attempted(record: CallRecord) -> list[str]:
    attempts = record.attempts
    named = enumerate(attempts[:_MAX_NAMED], 1)
    told = [_attempt(index, attempt, record) for index, attempt in named]
    if len(attempts) > _MAX_NAMED:
        told.append(f"{count_text(len(attempts) - _MAX_NAMED, 'more attempt')} followed.")
    return told


def _attempt(index: int, attempt: Attempt, record: CallRecord) -> str:
    parts = [f"Attempt {index} at {clean(attempt.target)}"]
    if attempt.kind != "first":
        kind = {"retry": "the same target again", "failover": "the next target"}.get(
            attempt.kind, clean(attempt.kind)
        )
        parts.append(f"({kind}{', since ' + failure_phrase(attempt.why) if attempt.why else ''})")
    if attempt.backoff_ms is not None:
        source = f" ({clean(attempt.backoff_source)})" if attempt.backoff_source else ""
        parts.append(f"after waiting {figure_text(attempt.backoff_ms)} ms{source}")
    parts.append(_attempt_end(attempt, record))
    return " ".join(parts) + "."


def _attempt_end(attempt: Attempt, record: CallRecord) -> str:
    took = ""
    if attempt.end_ns is not None:
        took = f" after {duration_text(attempt.end_ns - attempt.start_ns)}"
    status = f" with status {attempt.status}" if attempt.status is not None else ""
    if attempt.failure_class is not None or attempt.error is not None:
        code = f", code {clean(attempt.upstream_code)}" if attempt.upstream_code else ""
        phase = f" in phase {clean(attempt.timeout_phase)}" if attempt.timeout_phase else ""
        why = failure_phrase(attempt.failure_class)
        return f"failed{took}{status}{code}: {why}{phase}"
    if attempt.end_ns is None:
        return f"has no end in the record ({_outcome(record)})"
    return f"answered{status}{took}"


def _limits(record: CallRecord) -> list[str]:
    told = []
    for check in record.limits:
        rule = f" ({clean(check.rule)})" if check.rule is not None else ""
        lost = loss_phrase(check)
        if lost is not None:
            told.append(f"The limit {clean(check.kind)} of {clean(check.scope)}{rule} {lost}.")
        if check.on_loss == "closed":
            continue
        if check.model_after is not None or (check.warning and not check.refused):
            notes = [note for note in check_notes(check) if not note.startswith(("resets", "it "))]
            told.append(f"The budget of {clean(check.scope)}{rule}: {listed(notes)}.")
        elif check.refused:
            counted = kind_value_text(check.kind, check.before)
            cap = "" if check.limit is None else f" of {kind_value_text(check.kind, check.limit)}"
            verb = "would have refused" if check.dry_run else "refused"
            told.append(
                f"The limit {clean(check.kind)} of {clean(check.scope)}{rule} {verb} it,"
                f" with {counted}{cap} counted."
            )
    return told[:_MAX_NAMED]


def _policy(record: CallRecord) -> list[str]:
    rules = [made for made in record.policy if not is_claim(made)]
    acted = [made for made in rules if made.outcome not in {"passed", "not_matched"}]
    told = [f"{claims_phrase(made).capitalize()}." for made in record.policy if is_claim(made)]
    told += [f"The prompt rule {clean(made.rule)} {policy_phrase(made)}." for made in acted]
    quiet = len(rules) - len(acted)
    if quiet:
        told.append(f"{count_text(quiet, 'prompt rule')} looked and did nothing.")
    return told[:_MAX_NAMED]


def _ended(record: CallRecord) -> list[str]:
    ended = f"In the end {_outcome(record)}"
    if record.status is not None:
        ended += f"; the client got status {record.status}"
    if record.error is not None:
        ended += f" and the error {clean(record.error.code)}: {clean(record.error.message)}"
    told = [ended.rstrip(".") + "."]
    if record.served_model is not None:
        finish = listed([clean(reason) for reason in record.finish_reasons])
        why = DIFFERENCES.get(record.requested_vs_served)
        told.append(
            f"The model that answered calls itself {clean(record.served_model) or '(empty)'}"
            f"{' (finish reason ' + finish + ')' if finish else ''}"
            f"{'; it is not the one asked for since ' + why if why else ''}."
        )
    if record.stream is not None:
        told.append(_stream(record.stream))
    return told


def _outcome(record: CallRecord) -> str:
    if not record.outcome:
        return "it is still under way" if record.duration_ns is None else "its end is not known"
    return OUTCOMES.get(record.outcome) or f"the outcome was {clean(record.outcome)}"


def _stream(stream: StreamTruth) -> str:
    how = TERMINALS.get(stream.terminal, clean(stream.terminal) or "not ended")
    sent = f"{count_text(stream.chunks, 'chunk')} and {count_text(stream.bytes, 'byte')}"
    if stream.committed_ns is None:
        return f"The stream was {how}; nothing of it reached the client."
    first = duration_text(stream.committed_ns)
    return f"The stream was {how}; {sent} went to the client, the first after {first}."


def _took(record: CallRecord) -> list[str]:
    if record.duration_ns is None:
        return []
    routing, upstream = routing_ns(record), upstream_ns(record)
    parts = []
    if routing is not None:
        parts.append(f"{duration_text(routing)} routing")
    if upstream is not None:
        parts.append(f"{duration_text(upstream)} upstream")
    earlier = before_last_ns(record)
    if earlier is not None:
        parts.append(f"{duration_text(earlier)} in earlier attempts and waits")
    whereof = f", of it {listed(parts)}" if parts else ""
    return [f"It took {duration_text(record.duration_ns)}{whereof}."]


def _used(record: CallRecord) -> list[str]:
    usage, cost = record.usage, record.cost
    told = []
    if usage is not None:
        amounts = (("input", usage.input_tokens), ("output", usage.output_tokens))
        counted = [
            f"{'an unknown number of' if amount is None else amount} {kind} tokens"
            for kind, amount in amounts
        ]
        told.append(f"It used {listed(counted)}{' (estimated)' if usage.estimated else ''}.")
    if cost is not None:
        estimated = " (estimated)" if cost.estimated else ""
        told.append(f"It cost {money_text(cost.total_nano_usd)}{estimated}.")
    return told


def _elsewhere(record: CallRecord) -> list[str]:
    chosen = selected(record)
    here = chosen.target if chosen else None
    others = [
        f"{money_text(candidate.cost_nano_usd)} on {clean(candidate.target)}"
        for candidate in record.candidates
        if candidate.target != here and candidate.cost_nano_usd is not None
    ]
    if not others:
        return []
    return [f"The same tokens would have cost {listed(others[:_MAX_NAMED])}."]
