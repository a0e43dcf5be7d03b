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


class ReceivedErrorObject(Struct):
    """The same as a provider sends it: any part may be missing, codes may be numbers."""

    message: str | None = None
    type: str | None = None
    param: str | None = None
    code: str | int | None = None


class ReceivedErrorBody(Struct):
    """The whole body as a provider sends it."""

    error: ReceivedErrorObject


encode_error = msgspec.json.Encoder().encode
decode_received_error = msgspec.json.Decoder(ReceivedErrorBody).decode
