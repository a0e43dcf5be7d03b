"""The error object of the OpenAI API, used on every route of the gateway and inside streams.

Source: https://platform.openai.com/docs/guides/error-codes (read 2026-11).
"""

import msgspec
from msgspec import Struct


class ErrorObject(Struct):
    """What went wrong. `param` and `code` are null when they say nothing."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorObjectWithMetadata(ErrorObject):
    """The same with what clients may want to show or log."""

    metadata: dict[str, object] = {}


class ErrorBody(Struct):
    """The whole body."""

    error: ErrorObject


encode_error = msgspec.json.Encoder().encode
