"""What a client is told when a request does not succeed.

Turns any error into a status, the OpenAI error object and the headers that go with it, once, for
whole answers and for the error event inside a stream alike. Knows no sockets and logs nothing.
"""

import math
from collections.abc import Mapping

from msgspec import Struct

from pointsman.core.dialect import WireError
from pointsman.core.errors import (
    AttemptsFailedError,
    CallError,
    NoTargetError,
    OverloadedError,
    PointsmanError,
    StoppingError,
    UpstreamError,
)
from pointsman.core.failures import FailureClass
from pointsman.core.records import Attempt, CallRecord
from pointsman.wire.malformed import MALFORMED
from pointsman.wire.openai.errors import (
    ErrorBody,
    ErrorObject,
    ErrorObjectWithMetadata,
    ReceivedErrorObject,
    decode_received_error,
)

CLIENT_LEFT_STATUS = 499
"""Recorded, never sent: nobody is there to read it. The number is nginx's."""
MAX_PASSED_ON_CHARACTERS = 4000
"""Longest message of a provider that is passed on to the caller."""


LONGEST_CLIENT_WAIT_S = 60.0
"""OpenAI's clients wait out a `Retry-After` up to this long; beyond it older ones come back sooner.
Source: openai-python, `_base_client.py`, `_calculate_retry_timeout` (read 2026-11)."""


class Fault(Struct):
    """An error as the client sees it."""

    status: int
    body: ErrorBody
    headers: dict[str, str]
    failure_class: FailureClass | None = None
    recorded: str | None = None
    """What the record says instead of the body's message, which may repeat parts of a prompt."""


def wire_error(fault: Fault, request_id: str) -> WireError:
    """Return what a dialect needs to tell a client of a fault."""
    said = fault.body.error
    return WireError(
        status=fault.status,
        message=said.message,
        type=said.type,
        code=said.code,
        param=said.param,
        metadata=said.metadata if isinstance(said, ErrorObjectWithMetadata) else None,
        request_id=request_id,
    )


def fault_of(error: BaseException, record: CallRecord, abort_reason: str | None = None) -> Fault:
    """Return what to tell the client about `error`.

    Args:
        error: What ended the request.
        record: For the story of its attempts.
        abort_reason: Why the request was aborted, if it was: a stop of ours looks like a client
            that left to everyone further up, and is not one.
    """
    if abort_reason == "shutdown":
        error = StoppingError("the gateway was stopped before this request was done")
    metadata = _metadata(record)
    match error:
        case CallError():
            return _call_fault(error, metadata)
        case UpstreamError() if error.failure_class is FailureClass.CLIENT_LEFT:
            return _fault(CLIENT_LEFT_STATUS, error, "client_left", metadata)
        case UpstreamError():
            return _passed_on(error, metadata)
        case AttemptsFailedError() | NoTargetError() | OverloadedError():
            return _unavailable(error, metadata)
        case PointsmanError():
            return _fault(error.http_status, error, "server_error", metadata)
    return _bug(record)


def _bug(record: CallRecord) -> Fault:
    """Say nothing about a bug of ours but where its traceback is."""
    return Fault(
        status=500,
        body=ErrorBody(
            ErrorObject(
                message="the gateway failed in a way it should not; its log has the details "
                f"under request id {record.request_id}",
                type="server_error",
                code="internal_error",
            )
        ),
        headers={"x-should-retry": "false"},
    )


def _unavailable(
    error: AttemptsFailedError | NoTargetError | OverloadedError, metadata: dict[str, object]
) -> Fault:
    if not isinstance(error, AttemptsFailedError):
        fault = _fault(error.http_status, error, "service_unavailable", metadata)
        _retry_headers(fault, error.retry_after_s or 1.0, may_help=True)
        return fault
    fault = _fault(error.status, error, "upstream_error", metadata)
    fault.failure_class = error.last.failure_class
    _retry_headers(fault, error.retry_after_s, may_help=_waiting_may_help(error))
    return fault


def _waiting_may_help(error: AttemptsFailedError) -> bool:
    """Tell whether a provider named a time that a client waits for.

    Every target has been asked already, so repeating at once is only more load.
    """
    if error.last.failure_class is FailureClass.QUOTA_EXHAUSTED:
        return False
    return error.retry_after_s is not None and error.retry_after_s <= LONGEST_CLIENT_WAIT_S


def _call_fault(error: CallError, metadata: dict[str, object]) -> Fault:
    extra = dict(error.metadata) if error.metadata is not None else {}
    merged = {**extra, **metadata}
    body = _object(error.message, error.error_type, error.wire_code, merged)
    body.param = error.param
    fault = Fault(status=error.http_status, body=ErrorBody(body), headers=dict(error.headers))
    _retry_headers(fault, error.retry_after_s, may_help=error.should_retry)
    return fault


def _passed_on(error: UpstreamError, metadata: dict[str, object]) -> Fault:
    """The caller's own fault, in the provider's words: only the caller can mend it."""
    status = error.upstream_status if error.upstream_status is not None else 502
    status = status if 400 <= status < 500 else 400
    said = _said_by_provider(error.upstream_body)
    body = _object(
        (said.message or error.message)[:MAX_PASSED_ON_CHARACTERS],
        said.type or "invalid_request_error",
        str(said.code) if said.code is not None else error.upstream_code or error.code,
        metadata,
    )
    body.param = said.param
    fault = Fault(
        status=status,
        body=ErrorBody(body),
        headers={},
        failure_class=error.failure_class,
        recorded=error.message,
    )
    _retry_headers(fault, error.retry_after_s, may_help=False)
    return fault


def _said_by_provider(body: bytes) -> ReceivedErrorObject:
    try:
        return decode_received_error(body).error
    except MALFORMED:
        return ReceivedErrorObject()


def _fault(
    status: int, error: PointsmanError, error_type: str, metadata: dict[str, object]
) -> Fault:
    body = _object(error.message, error_type, error.code, metadata)
    failure = error.failure_class if isinstance(error, UpstreamError) else None
    return Fault(status=status, body=ErrorBody(body), headers={}, failure_class=failure)


def _object(
    message: str, error_type: str, code: str, metadata: Mapping[str, object]
) -> ErrorObject:
    if metadata:
        return ErrorObjectWithMetadata(
            message=message, type=error_type, code=code, metadata=dict(metadata)
        )
    return ErrorObject(message=message, type=error_type, code=code)


def _retry_headers(fault: Fault, retry_after_s: float | None, *, may_help: bool) -> None:
    if retry_after_s is not None:
        fault.headers["retry-after"] = str(max(1, math.ceil(retry_after_s)))
    if not may_help:
        # The official SDK retries 429 and 5xx by itself unless it is told that it cannot help.
        fault.headers["x-should-retry"] = "false"


def _metadata(record: CallRecord) -> dict[str, object]:
    if not record.attempts:
        return {}
    return {"attempts": [_attempt_story(attempt) for attempt in record.attempts]}


def _attempt_story(attempt: Attempt) -> dict[str, object]:
    """What the client may know of an attempt: no endpoint, no key alias."""
    story: dict[str, object] = {
        "target": attempt.target,
        "kind": attempt.kind,
        "status": attempt.status,
        "failure_class": attempt.failure_class,
    }
    if attempt.end_ns is not None:
        story["duration_ms"] = round((attempt.end_ns - attempt.start_ns) / 1e6, 3)
    if attempt.timeout_phase is not None:
        story["timeout_phase"] = attempt.timeout_phase
    return story
