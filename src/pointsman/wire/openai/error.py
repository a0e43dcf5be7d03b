"""Error bodies, in all the forms that OpenAI-compatible servers give them.

    {"error": {"message", "type", "param", "code"}}    OpenAI and most others
    {"error": {"code": 429, "message", "status"}}      Gemini, with `details`; also as the one item
                                                       of a list
    {"error": "sentence"}                              Ollama, Hugging Face TGI
    {"object": "error", "message", "type", "code"}     Mistral, older vLLM
    {"detail": "sentence"} or {"detail": [{"msg"}]}    FastAPI servers
    {"message": "sentence"}, HTML, nothing             gateways and load balancers in between

Reads only; what an error means is decided by `resilience.classify`.
Source: https://platform.openai.com/docs/guides/error-codes (read 2026-11) and observed bodies.
"""

import msgspec
from msgspec import Struct

from pointsman.wire.gemini.status import read_details
from pointsman.wire.malformed import MALFORMED

MAX_MESSAGE_CHARACTERS = 2000


class ErrorBody(Struct, frozen=True):
    """What an error body says."""

    message: str = ""
    code: str | None = None
    """Numbers as text."""
    type: str | None = None
    reason: str | None = None
    """Google's finer word, as in `API_KEY_INVALID`."""
    retry_after_s: float | None = None
    """How long to wait, where the body says it (Google); not bounded."""


def read_error(body: bytes) -> ErrorBody:
    """Return what can be read of an error body; a body that is not JSON gives an empty one."""
    try:
        return _from_value(msgspec.json.decode(body))
    except MALFORMED:
        return ErrorBody()


def _from_value(value: object) -> ErrorBody:
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return ErrorBody(message=_text(value))
    inner = value.get("error")
    if inner is None:
        inner = value.get("detail")
    if isinstance(inner, list) and inner:
        inner = inner[0]
    if isinstance(inner, dict):
        return _from_fields(inner, outer=value)
    if inner is None:
        return _from_fields(value, outer={})
    return ErrorBody(
        message=_text(inner), code=_word(value.get("code")), type=_word(value.get("type"))
    )


def _from_fields(fields: dict[str, object], outer: dict[str, object]) -> ErrorBody:
    message = fields.get("message") or fields.get("msg")
    if isinstance(message, dict):
        # Mistral wraps FastAPI's {"detail": [...]} into its own `message`.
        message = _from_value(message).message
    details = read_details(fields.get("details"))
    return ErrorBody(
        # A quota's name says what the sentence leaves out: whether it is one per minute or per day.
        message=" ".join([_text(message), *details.quota_ids]),
        code=_word(fields.get("code")) or _word(outer.get("code")),
        type=_word(fields.get("type")) or _word(fields.get("status")) or _word(outer.get("type")),
        reason=details.reason,
        retry_after_s=details.retry_after_s,
    )


def _text(value: object) -> str:
    return value[:MAX_MESSAGE_CHARACTERS] if isinstance(value, str) else ""


def _word(value: object) -> str | None:
    """Return a code or type; numbers as text, anything else is none."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    return str(value)[:200] or None
