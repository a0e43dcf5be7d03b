"""From a call record to its rows. Pure; the same for every engine."""

import re

import msgspec

from pointsman.core.ids import REQUEST_ID, SPAN_ID, TRACE_ID
from pointsman.core.records import SCHEMA, Attempt, CallRecord, Cost
from pointsman.core.usage import Usage
from pointsman.store.checks import check_integers
from pointsman.store.rows import AttemptRow, CallRow

CRASHED = "gateway_crashed"
FAILED_OUTCOMES = frozenset({"failure", "refused", CRASHED})
THINNED_OUTCOME = "success"
"""The only outcome that retention thins."""

_NO_USAGE = Usage()
_NO_COST = Cost()
_COPIED = tuple(
    name for name in CallRow.__struct_fields__ if name in frozenset(CallRecord.__struct_fields__)
)
"""Columns that are fields of the record under the same name."""
_decoder = msgspec.json.Decoder(CallRecord)
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("request_id", REQUEST_ID),
    ("trace_id", TRACE_ID),
    ("span_id", SPAN_ID),
)


def read_record(json: bytes) -> CallRecord:
    """Decode one record.

    Raises:
        ValueError: It is not a record, is of a newer schema, or its ids are not of our form.
    """
    record = _decoder.decode(json)
    if not 1 <= record.schema <= SCHEMA:
        raise ValueError(f"schema {record.schema} is not known here (newest: {SCHEMA})")
    for name, pattern in _PATTERNS:
        if pattern.match(getattr(record, name)) is None:
            raise ValueError(f"{name} is not of the expected form")
    return record


def request_ms_of(request_id: str) -> int:
    """Return the Unix millisecond that a request id of `core.ids` starts with."""
    return int(request_id[4:16], 16)


def call_row(record: CallRecord, position: int) -> CallRow:
    """Return the columns of a record.

    Raises:
        ValueError: A number does not fit into 64 bits.
    """
    usage = record.usage or _NO_USAGE
    cost = record.cost or _NO_COST
    last = record.attempts[-1] if record.attempts else None
    row = CallRow(
        **{name: getattr(record, name) for name in _COPIED},
        position=position,
        request_ms=request_ms_of(record.request_id),
        key_name=record.key,
        user_name=record.user,
        streamed=record.stream_requested,
        target=record.served_target or (last.target if last else None),
        provider=record.served_provider or (last.provider if last else None),
        failed=record.outcome in FAILED_OUTCOMES,
        error_code=record.error.code if record.error else None,
        error_class=record.error.failure_class if record.error else None,
        error_text=record.error.message if record.error else None,
        finish_reason=record.finish_reasons[0] if record.finish_reasons else None,
        rule_id=record.rule.id if record.rule else None,
        attempt_count=len(record.attempts),
        fell_back=any(attempt.kind == "failover" for attempt in record.attempts),
        first_token_ns=_first_token_ns(record),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        usage_estimated=usage.estimated,
        cost_nano_usd=cost.total_nano_usd,
        cost_estimated=cost.estimated,
        stream_terminal=record.stream.terminal if record.stream else None,
    )
    check_integers(row)
    return row


def attempt_rows(record: CallRecord) -> list[AttemptRow]:
    """Return one row for each upstream call, in the order they were made.

    Raises:
        ValueError: A number does not fit into 64 bits.
    """
    rows = [_attempt_row(record, number, made) for number, made in enumerate(record.attempts)]
    for row in rows:
        check_integers(row)
    return rows


def _attempt_row(record: CallRecord, number: int, attempt: Attempt) -> AttemptRow:
    usage = attempt.usage or _NO_USAGE
    end_ns = attempt.end_ns
    return AttemptRow(
        request_id=record.request_id,
        request_ms=request_ms_of(record.request_id),
        number=number,
        trace_id=record.trace_id,
        tenant=record.tenant,
        target=attempt.target,
        provider=attempt.provider,
        model=attempt.model,
        kind=attempt.kind,
        why=attempt.why,
        status=attempt.status,
        failure_class=attempt.failure_class,
        upstream_code=attempt.upstream_code,
        error=attempt.error,
        start_unix_ns=record.started_unix_ns + attempt.start_ns,
        duration_ns=None if end_ns is None else max(0, end_ns - attempt.start_ns),
        connect_ns=attempt.connect_ns,
        first_byte_ns=attempt.first_byte_ns,
        first_token_ns=attempt.first_token_ns,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_nano_usd=attempt.cost.total_nano_usd if attempt.cost else None,
    )


def _first_token_ns(record: CallRecord) -> int | None:
    times = [made.first_token_ns for made in record.attempts if made.first_token_ns is not None]
    return times[-1] if times else None
