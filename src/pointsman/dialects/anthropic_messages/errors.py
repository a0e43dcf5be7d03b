"""Errors as the Messages API tells them.

Source: https://platform.claude.com/docs/en/api/errors (read 2026-11).
"""

import msgspec

from pointsman.core.dialect import Frame, WireError

_encode = msgspec.json.Encoder().encode
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def encode_anthropic_error(error: WireError) -> bytes:
    """Return the body of an error answer.

    Beside `type` and `message`, which the API has, stand the gateway's own `code`, `param` and
    `metadata`, so that the story of the attempts is told in every dialect.
    """
    kind = _TYPES.get(error.status)
    if kind is None:
        kind = "invalid_request_error" if error.status < 500 else "api_error"
    said: dict[str, object] = {"type": kind, "message": error.message}
    for name in ("code", "param", "metadata"):
        value = getattr(error, name)
        if value:
            said[name] = value
    return _encode({"type": "error", "error": said, "request_id": error.request_id})


def anthropic_error_frame(error: WireError) -> Frame:
    """Return the event that tells of an error inside a stream."""
    return Frame(encode_anthropic_error(error), "error")
