"""The spans of one gateway call, derived from its record. Pure: the same record, the same spans.

    gateway_request              SERVER; its parent is the caller's span, if it sent `traceparent`
    ├─ policy_check              who may call, and with what
    ├─ route_request             candidates and choice
    ├─ quota_rule                limits and budgets that were looked at
    ├─ {operation} {model}       CLIENT, one for each upstream attempt (`downstream_provider_call`)
    ├─ policy_check              prompt rules on the whole answer
    ├─ fallback_route            between a failed target and the next one
    └─ response_shaping          from the answer to the reply

A step that did not happen is absent. Spans are not stored beside the record: they cannot disagree
with it, and old calls follow the conventions of the release that shows them.
"""

from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit

from msgspec import structs

from pointsman.core.records import Attempt, CallRecord
from pointsman.core.usage import Usage
from pointsman.store import genai
from pointsman.store.rows import SpanRow

SERVICE = "pointsman"
_RESOURCE = {"service.name": SERVICE}
_DEFAULT_PORTS = {"http": 80, "https": 443}


def spans_of_call(record: CallRecord) -> list[SpanRow]:
    """Return the spans of a call: the root, then its children in order of their start."""
    children = [
        *_step(record, "policy_check", _policy_facts(record, "prompt")),
        *_step(record, "route_request", _route_facts(record)),
        *_quota_step(record),
        *_attempts(record),
        *_answer_check(record),
        *_fallbacks(record),
        *_step(record, "response_shaping", {}),
    ]
    children.sort(key=lambda span: span.start_unix_ns)
    root = _root(record)
    # The duration in the record ends where the answer begins to be shaped, which shows it.
    end_ns = max(span.end_unix_ns for span in (root, *children))
    return [structs.replace(root, end_unix_ns=end_ns), *children]


def child_span_id(record: CallRecord, step: str, number: int = 0) -> str:
    """Return the span id of a step: always the same for the same request, never all zero."""
    source = f"{record.request_id}/{step}/{number}".encode()
    digest = blake2b(source, digest_size=8).hexdigest()
    return digest if digest != "0" * 16 else "0" * 15 + "1"


def _root(record: CallRecord) -> SpanRow:
    failed = record.error is not None and (record.status is None or record.status >= 500)
    attributes = {
        genai.HTTP_STATUS: record.status,
        genai.CONVERSATION: record.conversation_id,
        genai.ERROR_TYPE: _error_type(record) if failed else None,
        genai.COST: record.cost.total_nano_usd if record.cost else None,
        "pointsman.request_id": record.request_id,
        "pointsman.outcome": record.outcome or None,
        "pointsman.dialect": record.dialect,
        "pointsman.requested_model": record.requested_model,
        "pointsman.served_model": record.served_model,
        "pointsman.target": record.served_target,
        "pointsman.reason": record.reason,
        "pointsman.requested_vs_served": record.requested_vs_served,
        "pointsman.route": record.route,
        "pointsman.config_version": record.config_version or None,
        "pointsman.tenant": record.tenant,
        "pointsman.key": record.key,
        "pointsman.feature": record.feature,
        "pointsman.environment": record.environment,
        "pointsman.run_id": record.run_id,
        "pointsman.attempts": len(record.attempts),
    }
    message = record.error.message if record.error and failed else ""
    return SpanRow(
        trace_id=record.trace_id,
        span_id=record.span_id,
        parent_span_id=record.parent_span_id,
        name="gateway_request",
        kind="SERVER",
        start_unix_ns=record.started_unix_ns,
        end_unix_ns=record.started_unix_ns + _duration_ns(record),
        status="ERROR" if failed else "UNSET",
        status_message=message,
        tenant=record.tenant,
        service=SERVICE,
        scope_name=SERVICE,
        request_id=record.request_id,
        attributes=_known({"pointsman.step": "gateway_request", **attributes}),
        resource=_RESOURCE,
    )


def _child(
    record: CallRecord,
    step: str,
    number: int,
    times: tuple[int, int],
    attributes: dict[str, Any],
) -> SpanRow:
    start_ns, end_ns = times
    return SpanRow(
        trace_id=record.trace_id,
        span_id=child_span_id(record, step, number),
        parent_span_id=record.span_id,
        name=step,
        start_unix_ns=record.started_unix_ns + start_ns,
        end_unix_ns=record.started_unix_ns + max(start_ns, end_ns),
        tenant=record.tenant,
        service=SERVICE,
        scope_name=SERVICE,
        request_id=record.request_id,
        attributes=_known({"pointsman.step": step, **attributes}),
        resource=_RESOURCE,
    )


def _step(record: CallRecord, step: str, attributes: dict[str, Any]) -> list[SpanRow]:
    """Return the span of a stage that the record names as the step is named."""
    times = _times(record, step)
    return [] if times is None else [_child(record, step, 0, times, attributes)]


def _times(record: CallRecord, stage_name: str) -> tuple[int, int] | None:
    stages = [stage for stage in record.stages if stage.name == stage_name]
    if not stages:
        return None
    ends = [stage.start_ns + stage.duration_ns for stage in stages]
    return min(stage.start_ns for stage in stages), max(ends)


def _policy_facts(record: CallRecord, side: str) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for made in record.policy:
        if made.side == side:
            name = f"pointsman.policy.{made.rule.removeprefix('policy.rules.')}"
            facts[name] = f"{made.outcome} (dry run)" if made.dry_run else made.outcome
            found = [f"{kind} {count}" for kind, count in made.counts.items()]
            facts[f"{name}.found"] = found or None
    return facts


def _answer_check(record: CallRecord) -> list[SpanRow]:
    """Return the span of the rules that looked at a whole answer; a stream is judged as it goes."""
    times = _times(record, "guard_output")
    if times is None:
        return []
    return [_child(record, "policy_check", 1, times, _policy_facts(record, "answer"))]


def _route_facts(record: CallRecord) -> dict[str, Any]:
    return {
        "pointsman.route": record.route,
        "pointsman.reason": record.reason,
        "pointsman.rule": record.rule.id if record.rule else None,
        "pointsman.candidates": [candidate.target for candidate in record.candidates] or None,
        "pointsman.excluded": [
            f"{candidate.target}: {candidate.excluded_by.code}"
            for candidate in record.candidates
            if candidate.excluded_by is not None
        ]
        or None,
        "pointsman.config_version": record.config_version or None,
    }


def _quota_step(record: CallRecord) -> list[SpanRow]:
    # Counters that limit nothing are kept for figures; no rule looked at them.
    checks = [made for made in record.limits if made.limit is not None]
    if not checks:
        return []
    # Limits are looked at during admission; unless it is a stage of its own, its time is that.
    times = _times(record, "quota_rule") or _times(record, "policy_check")
    refused = [check.kind for check in checks if check.refused]
    attributes = {
        "pointsman.limits": [f"{check.scope} {check.kind}" for check in checks],
        "pointsman.refused_by": refused or None,
        **_move(record),
    }
    return [_child(record, "quota_rule", 0, times or (0, 0), attributes)]


def _move(record: CallRecord) -> dict[str, Any]:
    """Return which budget moved the request, and the model before and after."""
    moves = [made for made in record.limits if made.model_after is not None and not made.dry_run]
    if not moves:
        return {}
    return {
        "pointsman.quota.rule": moves[-1].rule,
        "pointsman.quota.model_before": moves[-1].model_before,
        "pointsman.quota.model_after": moves[-1].model_after,
    }


def _attempts(record: CallRecord) -> list[SpanRow]:
    return [_attempt(record, number, made) for number, made in enumerate(record.attempts)]


def _attempt(record: CallRecord, number: int, attempt: Attempt) -> SpanRow:
    end_ns = attempt.end_ns if attempt.end_ns is not None else _duration_ns(record)
    attributes = {
        **_convention(record, attempt),
        "pointsman.target": attempt.target,
        "pointsman.attempt.kind": attempt.kind,
        "pointsman.attempt.why": attempt.why,
        "pointsman.reason": record.reason,
        "pointsman.config_version": record.config_version or None,
        "pointsman.tool_calls": [f"{each.name}: {each.outcome}" for each in attempt.tool_calls]
        or None,
        "pointsman.json_answer": attempt.json_answer,
        genai.COST: attempt.cost.total_nano_usd if attempt.cost else None,
    }
    step = "downstream_provider_call"
    plain = _child(record, step, number, (attempt.start_ns, end_ns), attributes)
    return structs.replace(
        plain,
        span_id=attempt.span_id or plain.span_id,
        name=f"{record.operation} {attempt.model}",
        kind="CLIENT",
        status="ERROR" if attempt.failure_class else "UNSET",
        status_message=attempt.error or "",
    )


def _convention(record: CallRecord, attempt: Attempt) -> dict[str, Any]:
    """Return the attributes that the GenAI conventions name for an inference span."""
    served = attempt.failure_class is None and attempt is record.attempts[-1]
    address, port = _server(attempt.endpoint)
    first_ns = attempt.first_token_ns
    return {
        genai.OPERATION: record.operation,
        genai.PROVIDER: genai.provider_name(attempt.provider),
        genai.REQUEST_MODEL: attempt.model,
        genai.REQUEST_STREAM: record.stream_requested or None,
        genai.RESPONSE_MODEL: record.served_model if served else None,
        genai.FINISH_REASONS: (record.finish_reasons or None) if served else None,
        genai.TIME_TO_FIRST_CHUNK: None
        if first_ns is None
        else (first_ns - attempt.start_ns) / 1e9,
        genai.CONVERSATION: record.conversation_id,
        genai.ERROR_TYPE: attempt.failure_class,
        genai.HTTP_STATUS: attempt.status,
        genai.SERVER_ADDRESS: address,
        genai.SERVER_PORT: port,
        **_usage(attempt.usage),
    }


def _usage(usage: Usage | None) -> dict[str, Any]:
    if usage is None:
        return {}
    return {
        genai.INPUT_TOKENS: usage.input_tokens,
        genai.OUTPUT_TOKENS: usage.output_tokens,
        genai.CACHE_READ_TOKENS: usage.cache_read_tokens,
        genai.CACHE_WRITE_TOKENS: usage.cache_write_tokens,
        genai.REASONING_TOKENS: usage.reasoning_tokens,
    }


def _fallbacks(record: CallRecord) -> list[SpanRow]:
    spans = []
    for number, attempt in enumerate(record.attempts):
        if attempt.kind != "failover" or number == 0:
            continue
        failed = record.attempts[number - 1]
        failed_end_ns = failed.end_ns if failed.end_ns is not None else attempt.start_ns
        attributes = {
            "pointsman.fallback.from": failed.target,
            "pointsman.fallback.to": attempt.target,
            "pointsman.fallback.why": attempt.why or failed.failure_class,
        }
        times = (min(failed_end_ns, attempt.start_ns), attempt.start_ns)
        spans.append(_child(record, "fallback_route", number, times, attributes))
    return spans


def _server(endpoint: str | None) -> tuple[str | None, int | None]:
    """Return host and port of an endpoint; None for what cannot be read."""
    try:
        parts = urlsplit(endpoint or "")
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None, None
    return parts.hostname, port if parts.hostname else None


def _duration_ns(record: CallRecord) -> int:
    """Return how long the call took; for one that never ended, how far it is known to have come."""
    if record.duration_ns is not None:
        return record.duration_ns
    ends = [made.end_ns or made.start_ns for made in record.attempts]
    return max(ends, default=0)


def _error_type(record: CallRecord) -> str | None:
    return (record.error.failure_class or record.error.code) if record.error else None


def _known(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}
