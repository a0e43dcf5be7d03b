"""Errors as answers: the same object as on the gateway, whatever was raised."""

import logging
from math import ceil

from litestar import Response
from litestar.exceptions import HTTPException

from pointsman.collector.desk import WebRequest
from pointsman.collector.refusals import NewerSchemaError
from pointsman.core.errors import CallError, InternalError, PointsmanError
from pointsman.state.errors import StateError
from pointsman.store.errors import (
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreQueryError,
    StoreSchemaError,
    StoreTimeoutError,
)
from pointsman.wire.openai.errors import ErrorBody, ErrorObject, encode_error

_log = logging.getLogger("pointsman.collector")
_FULL_RETRY_S = 10.0
_RETRY_S = 1.0


def answer_of(error: PointsmanError) -> Response[bytes]:
    """Return the answer to a request that failed on purpose."""
    status = status_of(error)
    headers = {"content-type": "application/json"}
    retry_s = retry_after_s(error)
    if retry_s is not None:
        headers["retry-after"] = str(ceil(retry_s))
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    kind = error.error_type if isinstance(error, CallError) else _type_of(status)
    code = error.wire_code if isinstance(error, CallError) else error.code
    body = ErrorBody(ErrorObject(message=error.message, type=kind, code=code))
    return Response(encode_error(body), status_code=status, headers=headers)


def status_of(error: PointsmanError) -> int:
    """Return the HTTP status of an error; a full disk is 503, since it may pass."""
    if isinstance(error, StoreSchemaError):
        return NewerSchemaError.http_status
    return 503 if isinstance(error, StoreFullError) else error.http_status


def retry_after_s(error: PointsmanError) -> float | None:
    """Return when the same may be sent again; None when that cannot help."""
    if isinstance(error, CallError):
        return error.retry_after_s
    if isinstance(error, StoreFullError):
        return _FULL_RETRY_S
    if isinstance(error, StoreSchemaError | StoreQueryError | StoreTimeoutError):
        return None
    return _RETRY_S if isinstance(error, StoreError) or status_of(error) == 503 else None


def on_purpose(_: WebRequest, error: Exception) -> Response[bytes]:
    """Answer what our own code refused."""
    if isinstance(error, StoreError | StateError) and not isinstance(
        error, StoreBusyError | StoreQueryError
    ):
        _log.warning("%s: %s", error.code, error.message)
    return answer_of(error if isinstance(error, PointsmanError) else InternalError("failed"))


def by_framework(_: WebRequest, error: Exception) -> Response[bytes]:
    """Answer what the web framework refused: unknown paths, methods, malformed parameters."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) and status < 500 else ""
    message = detail or "the collector failed; its log says how"
    body = ErrorBody(ErrorObject(message=message, type=_type_of(status), code=_code_of(status)))
    return Response(
        encode_error(body), status_code=status, headers={"content-type": "application/json"}
    )


def by_accident(request: WebRequest, error: Exception) -> Response[bytes]:
    """Answer a bug of ours: the log has the traceback, the client a sentence."""
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return by_framework(request, error)


def _type_of(status: int) -> str:
    return "server_error" if status >= 500 else "invalid_request_error"


def _code_of(status: int) -> str:
    return {404: "not_found", 405: "method_not_allowed"}.get(
        status, "internal_error" if status >= 500 else "invalid_request"
    )
