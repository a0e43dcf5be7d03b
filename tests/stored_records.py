"""Records, spans and contents for tests of stores, with as few words as a test needs."""

from hashlib import md5

import msgspec

from pointsman.core.clock import ManualClock
from pointsman.core.records import SCHEMA, Attempt, CallFailure, CallRecord, Cost
from pointsman.core.usage import Usage
from pointsman.store.protocol import RecordBatch
from pointsman.store.rows import ContentRow, SpanRow

START_NS = ManualClock().unix_ns()
SECOND_NS = 1_000_000_000


def at(number: float) -> int:
    """Return the moment `number` seconds after the start."""
    return START_NS + round(number * SECOND_NS)


def request_id(number: int) -> str:
    """Return the id of a request that starts `number` seconds after the start."""
    return f"req_{at(number) // 1_000_000:012x}{number:020x}"


def trace_id(number: int) -> str:
    """Return a trace id that looks random and is always the same."""
    return md5(str(number).encode()).hexdigest()


def make_record(number: int, **changes: object) -> CallRecord:
    """Return a successful record of one attempt that started `number` seconds after the start."""
    values: dict[str, object] = {
        "schema": SCHEMA,
        "request_id": request_id(number),
        "trace_id": trace_id(number),
        "span_id": f"{number + 1:016x}",
        "started_unix_ns": at(number),
        "duration_ns": 250_000_000,
        "config_version": "c0ffee",
        "tenant": "acme",
        "key": "ci",
        "requested_model": "auto",
        "served_model": "gpt-4o-mini",
        "served_target": "small",
        "served_provider": "openai",
        "status": 200,
        "outcome": "success",
        "finish_reasons": ["stop"],
        "route": "auto",
        "reason": "short_prompt_default",
        "attempts": [Attempt("small", "openai", "gpt-4o-mini", end_ns=240_000_000)],
        "usage": Usage(input_tokens=12, output_tokens=34),
        "cost": Cost(total_nano_usd=1_000),
    }
    return CallRecord(**(values | changes))


def make_failure(number: int, text: str = "small: connection refused", **changes: object):
    """Return a record of a request whose only attempt failed."""
    failed = Attempt(
        "small",
        "openai",
        "gpt-4o-mini",
        end_ns=240_000_000,
        failure_class="connection",
        error="connection refused",
    )
    values: dict[str, object] = {
        "served_model": None,
        "served_target": None,
        "served_provider": None,
        "status": 502,
        "outcome": "failure",
        "error": CallFailure("upstream_failed", text, "connection"),
        "finish_reasons": [],
        "attempts": [failed],
        "usage": None,
        "cost": None,
    }
    return make_record(number, **(values | changes))


def make_crash(number: int, **changes: object) -> CallRecord:
    """Return what recovery writes for a request whose gateway did not live to its end."""
    values = {"outcome": "gateway_crashed", "duration_ns": None, "status": None}
    return make_failure(number, **(values | changes))


def encoded(record: CallRecord) -> bytes:
    """Return the record as a gateway sends it."""
    return msgspec.json.encode(record)


def batch_of(
    *records: CallRecord, batch_id: str = "batch-1", contents: list[ContentRow] | None = None
) -> RecordBatch:
    """Return a batch as a gateway sends it."""
    return RecordBatch(
        batch_id=batch_id,
        schema=SCHEMA,
        calls=[encoded(record) for record in records],
        contents=contents or [],
    )


def make_span(trace: int, number: int, **changes: object) -> SpanRow:
    """Return span `number` of trace `trace`, one second long; number 0 is its root."""
    values: dict[str, object] = {
        "trace_id": trace_id(trace),
        "span_id": f"{trace:08x}{number + 1:08x}",
        "parent_span_id": f"{trace:08x}{1:08x}" if number else None,
        "name": f"step {number}" if number else "answer a question",
        "start_unix_ns": at(trace) + number * 1_000_000,
        "end_unix_ns": at(trace + 1),
        "tenant": "acme",
        "service": "shop",
    }
    return SpanRow(**(values | changes))


def make_content(number: int, **changes: object) -> ContentRow:
    """Return the prompt and the answer of request `number`."""
    values: dict[str, object] = {
        "request_id": request_id(number),
        "tenant": "acme",
        "system_hash": "5e5e",
        "system": "You are terse.",
        "prompt": f"question {number}",
        "response": f"answer {number}",
    }
    return ContentRow(**(values | changes))
