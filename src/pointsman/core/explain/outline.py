"""A record as a tree: every value that decided, every attempt, where the time and money went."""

from collections.abc import Iterator
from typing import NamedTuple

from pointsman.core.explain.amounts import (
    clean,
    count_text,
    duration_text,
    figure_text,
    kind_value_text,
    money_text,
)
from pointsman.core.explain.words import (
    MAX_DEPTH,
    OUTCOMES,
    TERMINALS,
    alias_phrase,
    check_notes,
    claims_phrase,
    comparison,
    exclusion_phrase,
    is_claim,
    is_group,
    policy_phrase,
    reason_sentence,
    rule_place,
    shares,
)
from pointsman.core.records import (
    Attempt,
    CallRecord,
    Candidate,
    Cost,
    Evaluated,
    Rule,
    TargetState,
)
from pointsman.core.usage import Usage

_MARKS = {True: "✓ ", False: "✗ ", None: ""}
_COLOURS = {True: "\x1b[32m", False: "\x1b[31m", None: ""}
_PLANS = {"key": "plan of the key", "tenant": "plan of the tenant", "request": "claimed plan"}
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


class Line(NamedTuple):
    """One line of the tree."""

    depth: int
    """0 is the request itself."""
    text: str
    holds: bool | None = None
    """Whether what it says holds, is eligible, worked; None when that is not a question."""


def tree(record: CallRecord, *, colour: bool = False) -> str:
    """Return the tree as text.

    Args:
        record: Of any outcome.
        colour: Use colours; for terminals only.
    """
    return render(tree_lines(record), colour=colour)


def tree_lines(record: CallRecord) -> list[Line]:
    """Return the lines of the tree, parents before children."""
    sections = [
        _asked(record),
        _decided(record),
        _candidates(record),
        _attempts(record),
        _limits(record),
        _policy(record),
        _stages(record),
        _stream(record),
        _bill(record.usage, record.cost, depth=1),
        _ended(record),
    ]
    return [_root(record), *(line for section in sections for line in section)]


def render(lines: list[Line], *, colour: bool = False) -> str:
    """Draw the branches of the tree."""
    drawn = []
    open_depths: set[int] = set()  # depths at which a later line continues the branch
    for line in reversed(lines):
        branch = "".join("│  " if depth in open_depths else "   " for depth in range(1, line.depth))
        if line.depth:
            branch += "├─ " if line.depth in open_depths else "└─ "
        open_depths = {depth for depth in open_depths if depth < line.depth} | {line.depth}
        drawn.append(branch + _text(line, colour=colour))
    return "\n".join(reversed(drawn))


def _text(line: Line, *, colour: bool) -> str:
    marked = _MARKS[line.holds] + line.text
    if not colour:
        return marked
    paint = _BOLD if line.depth == 0 else _COLOURS[line.holds]
    return f"{paint}{marked}{_PLAIN}" if paint else marked


def _root(record: CallRecord) -> Line:
    parts = [clean(record.request_id)]
    if record.status is not None:
        parts.append(str(record.status))
    parts.append(clean(record.outcome) or "under way")
    if record.duration_ns is not None:
        parts.append(duration_text(record.duration_ns))
    return Line(0, "  ".join(parts))


def _asked(record: CallRecord) -> Iterator[Line]:
    model = "no model" if record.requested_model is None else clean(record.requested_model)
    yield Line(1, f"asked: {model}{', stream' if record.stream_requested else ''}")
    yield Line(2, f"trace trc_{clean(record.trace_id)}")
    labels = (
        ("tenant", record.tenant),
        (_PLANS.get(record.plan_source or "", "plan"), record.plan),
        ("key", record.key),
        ("user", record.user),
        ("run", record.run_id),
        ("configuration", record.config_version),
    )
    known = [f"{kind} {clean(value)}" for kind, value in labels if value]
    if known:
        yield Line(2, ", ".join(known))
    if record.facts is not None:
        facts = record.facts
        yield Line(
            2,
            f"{count_text(facts.characters, 'character')},"
            f" about {count_text(facts.estimated_input_tokens, 'token')},"
            f" {count_text(facts.message_count, 'message')}",
        )


def _decided(record: CallRecord) -> Iterator[Line]:
    route = f" on route {clean(record.route)}" if record.route else ""
    why = reason_sentence(record.reason)
    if record.reason == "not_routed" and record.attempts:
        why = "the record does not say why"  # a crash left only what was begun
    yield Line(1, f"decided{route}: {clean(record.reason)} ({why})")
    if record.override_source is not None:
        yield Line(2, f"override by the caller: {clean(record.override_source)}", holds=True)
    if record.override_rejected is not None:
        yield Line(2, f"override refused: {clean(record.override_rejected)}", holds=False)
    if record.requested_vs_served not in ("", "none"):
        yield Line(2, f"served differs from requested: {clean(record.requested_vs_served)}")
    if record.alias is not None:
        yield Line(2, alias_phrase(record.alias))
    for evaluation in record.rules_evaluated:
        yield Line(2, f"rule {rule_place(evaluation.rule)}", holds=evaluation.matched)
        if evaluation.condition is not None:
            yield from _condition(evaluation.condition, 3)
    if record.rule is not None and not record.rules_evaluated:
        yield Line(2, f"rule {rule_place(record.rule)}", holds=True)
    if record.draw is not None:
        drawn = figure_text(record.draw.value)
        over = ", ".join(shares(record.draw.weights))
        yield Line(2, f"drew {drawn} over {over}: {clean(record.draw.chosen)}")


def _condition(part: Evaluated, depth: int) -> Iterator[Line]:
    if depth > MAX_DEPTH:
        yield Line(depth, "…")
    elif is_group(part):
        yield Line(depth, clean(part.op) or "all of", holds=part.result)
        for inner in part.parts:
            yield from _condition(inner, depth + 1)
    else:
        yield Line(depth, comparison(part), holds=part.result)


def _candidates(record: CallRecord) -> Iterator[Line]:
    if not record.candidates and not record.candidates_omitted:
        return
    yield Line(1, "candidates")
    for candidate in record.candidates:
        place = (
            f"{clean(candidate.target)}: {clean(candidate.model)} at {clean(candidate.provider)}"
        )
        yield Line(2, place, holds=candidate.eligible)
        for text in _candidate_detail(candidate):
            yield Line(3, text)
    for reason, count in record.candidates_omitted.items():
        yield Line(2, f"{count} more: {clean(reason)}")


def _candidate_detail(candidate: Candidate) -> Iterator[str]:
    if not candidate.eligible:
        yield f"excluded: {exclusion_phrase(candidate)}"
    if candidate.state is not None and (known := list(_state(candidate.state))):
        yield ", ".join(known)
    if candidate.score:
        scores = (f"{clean(part)} {figure_text(value)}" for part, value in candidate.score.items())
        yield "score: " + ", ".join(scores)
    if candidate.cost_nano_usd is not None:
        yield f"these tokens cost {money_text(candidate.cost_nano_usd)} here"


def _state(state: TargetState) -> Iterator[str]:
    if state.health is not None:
        yield f"health {clean(state.health)}"
    if state.breaker is not None:
        yield f"breaker {clean(state.breaker)}"
    if state.in_flight is not None:
        yield f"{state.in_flight} in flight"
    if state.latency_ms is not None:
        yield f"latency {figure_text(state.latency_ms)} ms"
    if state.error_ratio is not None:
        yield f"error ratio {figure_text(state.error_ratio)}"


def _attempts(record: CallRecord) -> Iterator[Line]:
    for index, attempt in enumerate(record.attempts, 1):
        failed = attempt.failure_class is not None or attempt.error is not None
        holds = None if attempt.end_ns is None and not failed else not failed
        status = f", status {attempt.status}" if attempt.status is not None else ""
        why = f" (since {clean(attempt.why)})" if attempt.why else ""
        place = f"{clean(attempt.model)} at {clean(attempt.provider)}"
        yield Line(
            1,
            f"attempt {index}, {clean(attempt.kind)}{why}: {clean(attempt.target)},"
            f" {place}{status}",
            holds,
        )
        for text in _attempt_detail(attempt):
            yield Line(2, text)
        if len(record.attempts) > 1:
            yield from _bill(attempt.usage, attempt.cost, depth=2)


def _attempt_detail(attempt: Attempt) -> Iterator[str]:
    yield ", ".join(_timings(attempt))
    if attempt.failure_class is not None:
        code = f", code {clean(attempt.upstream_code)}" if attempt.upstream_code else ""
        phase = f", phase {clean(attempt.timeout_phase)}" if attempt.timeout_phase else ""
        yield f"failed: {clean(attempt.failure_class)}{code}{phase}"
    if attempt.error is not None:
        yield f"error: {clean(attempt.error)}"
    if attempt.backoff_ms is not None:
        source = f" ({clean(attempt.backoff_source)})" if attempt.backoff_source else ""
        yield f"waited {figure_text(attempt.backoff_ms)} ms before it{source}"
    if attempt.waited_ms is not None:
        yield f"waited {figure_text(attempt.waited_ms)} ms for room at the target"
    if attempt.sends > 1:
        yield f"sent {attempt.sends} times: an idle connection was dead"
    before, after = attempt.breaker_before, attempt.breaker_after
    if before is not None or after is not None:
        yield f"breaker {clean(before or 'closed')} before it, {clean(after or 'closed')} after it"
    if attempt.endpoint is not None:
        key = f" with key {clean(attempt.key_alias)}" if attempt.key_alias else ""
        yield f"called {clean(attempt.endpoint)}{key}"
    yield from _exchange_detail(attempt)
    held = attempt.reservation
    if held is not None:
        settled = (
            "not settled" if held.settled_nano_usd is None
            else f"settled at {money_text(held.settled_nano_usd)}"
        )  # fmt: skip
        yield f"held {money_text(held.held_nano_usd)}, {settled}"


def _exchange_detail(attempt: Attempt) -> Iterator[str]:
    """Tell what was asked otherwise than the client wrote it, and what was wrong in the answer."""
    for change in attempt.parameters_changed:
        yield f"changed {clean(change)}"
    for check in attempt.tool_calls:
        found = f" ({clean(', '.join(check.violations))})" if check.violations else ""
        yield f"tool call {clean(check.name)}: {clean(check.outcome)}{found}"
    if attempt.json_answer is not None:
        yield f"the answer, which should be JSON, was {clean(attempt.json_answer)}"


def _timings(attempt: Attempt) -> Iterator[str]:
    yield f"began at {duration_text(attempt.start_ns)}"
    if attempt.reused_connection:
        yield "connection reused"
    elif attempt.connect_ns is not None:
        yield f"connected in {duration_text(attempt.connect_ns)}"
    for name, at_ns in (
        ("first byte", attempt.first_byte_ns),
        ("first token", attempt.first_token_ns),
        ("ended", attempt.end_ns),
    ):
        if at_ns is not None:
            yield f"{name} at {duration_text(at_ns)}"


def _limits(record: CallRecord) -> Iterator[Line]:
    if record.limits:
        yield Line(1, "limits")
    for check in record.limits:
        kind = check.kind
        text = f"{clean(check.scope)} {clean(kind)}: before {kind_value_text(kind, check.before)}"
        text += f", reserved {kind_value_text(kind, check.reserved)}"
        if check.after is not None:
            text += f", after {kind_value_text(kind, check.after)}"
        if check.limit is not None:
            text += f", limit {kind_value_text(kind, check.limit)}"
        if check.rule is not None:
            text += f" ({clean(check.rule)})"
        if check.store != "memory":
            text += f", {clean(check.store)}"
        yield Line(2, text, holds=not check.refused)
        for note in check_notes(check):
            yield Line(3, note)


def _policy(record: CallRecord) -> Iterator[Line]:
    for made in record.policy:
        if is_claim(made):
            yield Line(1, claims_phrase(made))
            continue
        place = rule_place(Rule(made.rule, made.file, made.line))
        blocked = made.outcome == "blocked" and not made.dry_run
        yield Line(1, f"prompt rule {place}: {policy_phrase(made)}", False if blocked else None)
        if made.condition is not None:
            yield from _condition(made.condition, 2)


def _stages(record: CallRecord) -> Iterator[Line]:
    if record.stages:
        yield Line(1, "stages")
    for stage in record.stages:
        took, at = duration_text(stage.duration_ns), duration_text(stage.start_ns)
        yield Line(2, f"{clean(stage.name)}: {took}, began at {at}")


def _stream(record: CallRecord) -> Iterator[Line]:
    stream = record.stream
    if stream is None:
        return
    how = TERMINALS.get(stream.terminal, clean(stream.terminal) or "not ended")
    yield Line(1, f"stream: {how}", holds=stream.terminal == "done")
    yield Line(2, f"{count_text(stream.chunks, 'chunk')}, {count_text(stream.bytes, 'byte')}")
    if stream.committed_ns is not None:
        yield Line(2, f"first byte to the client at {duration_text(stream.committed_ns)}")
    if stream.usage_source:
        yield Line(2, f"usage {clean(stream.usage_source)}")


def _bill(usage: Usage | None, cost: Cost | None, *, depth: int) -> Iterator[Line]:
    if usage is not None:
        amounts = (
            ("input", usage.input_tokens),
            ("output", usage.output_tokens),
            ("cache read", usage.cache_read_tokens),
            ("cache write", usage.cache_write_tokens),
            ("of it for an hour", usage.cache_write_1h_tokens),
            ("reasoning", usage.reasoning_tokens),
        )
        known = [f"{name} {amount}" for name, amount in amounts if amount is not None]
        estimated = ", estimated" if usage.estimated else ""
        yield Line(depth, f"tokens: {', '.join(known) or 'unknown'}{estimated}")
    if cost is not None:
        estimated = ", estimated" if cost.estimated else ""
        prices = f" ({clean(cost.price_version)})" if cost.price_version else ""
        yield Line(depth, f"cost: {money_text(cost.total_nano_usd)}{estimated}{prices}")
        for line in cost.lines:
            rate = money_text(line.nano_usd_per_million)
            yield Line(
                depth + 1,
                f"{clean(line.unit)}: {line.quantity} at {rate} per million"
                f" is {money_text(line.nano_usd)}",
            )


def _ended(record: CallRecord) -> Iterator[Line]:
    outcome = OUTCOMES.get(record.outcome)
    worked = {"success": True, "truncated": True, "": None, "preview": None}
    yield Line(
        1,
        f"outcome: {clean(record.outcome) or 'under way'}{f' ({outcome})' if outcome else ''}",
        worked.get(record.outcome, False),
    )
    if record.served_model is not None:
        finish = ", ".join(clean(reason) for reason in record.finish_reasons)
        yield Line(2, f"served by {clean(record.served_model)}{f', {finish}' if finish else ''}")
    if record.error is not None:
        yield Line(2, f"error {clean(record.error.code)}: {clean(record.error.message)}")
    if record.truncated:
        yield Line(2, "the record was over its size bound and has lost detail")
