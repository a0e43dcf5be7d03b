"""Errors as the OpenAI API tells them; all of its dialects share them."""

from pointsman.core.dialect import Frame, WireError
from pointsman.wire.openai.errors import (
    ErrorBody,
    ErrorObject,
    ErrorObjectWithMetadata,
    encode_error,
)


def encode_openai_error(error: WireError) -> bytes:
    """Return the body of an error answer."""
    if error.metadata:
        body: ErrorObject = ErrorObjectWithMetadata(
            message=error.message,
            type=error.type,
            param=error.param,
            code=error.code,
            metadata=error.metadata,
        )
    else:
        body = ErrorObject(
            message=error.message, type=error.type, param=error.param, code=error.code
        )
    return encode_error(ErrorBody(body))


def openai_error_frame(error: WireError) -> Frame:
    """Return the event that tells of an error inside a stream of chunks."""
    return Frame(encode_openai_error(error))
