"""Calls that have been answered, for what looks at answers."""

import msgspec

from held_attempts import lease_of
from pointsman.core.abort import AbortSignal
from pointsman.core.dialect import Dialect
from pointsman.core.ids import TraceContext
from pointsman.core.records import SCHEMA, Attempt, CallRecord
from pointsman.core.target import Target
from pointsman.gateway.call import Call
from pointsman.resilience.attempts import Served

_encode = msgspec.json.Encoder().encode


def answered_call(
    dialect: Dialect, body: bytes, headers: dict[str, str] | None = None
) -> tuple[Call, Served]:
    """Return a call with this body, read, and the target that answers it."""
    record = CallRecord(
        schema=SCHEMA, request_id="req_1", trace_id="a" * 32, span_id="b" * 16, started_unix_ns=1
    )
    call = Call(
        record=record,
        dialect=dialect,
        trace=TraceContext("a" * 32, None),
        headers=headers or {},
        body=body,
        abort=AbortSignal(),
        started_ns=0,
    )
    call.asked = dialect.read(body)
    call.facts = record.facts = call.asked.facts
    attempt = Attempt("t", "p", "m")
    record.attempts.append(attempt)
    return call, Served(lease_of(Target(name="t", provider="p", model="m"), attempt))


def chat_answer(text: str) -> bytes:
    """Return a chat completion."""
    return _encode({"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]})


def message_answer(text: str) -> bytes:
    """Return a message of the Messages API."""
    return _encode({"type": "message", "content": [{"type": "text", "text": text}]})


def response_answer(text: str) -> bytes:
    """Return a response of the Responses API."""
    content = [{"type": "output_text", "text": text}]
    return _encode({"output": [{"type": "message", "content": content}]})
