"""What readers of all dialects share: bounds of numbers, errors of bodies that are wrong."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from pointsman.core.errors import InvalidRequestError
from pointsman.wire.malformed import MALFORMED

T = TypeVar("T")

AUTO = "auto"
"""The model name that leaves the choice to the gateway; also what a missing name means."""
MAX_OUTPUT_TOKENS = 100_000_000
MAX_CHOICES = 1024
"""Larger numbers are taken as these: no model is near them, and money is counted in 64 bits."""


def read_body(decode: Callable[[bytes], T], body: bytes, what: str) -> T:
    """Decode a body.

    Args:
        decode: Raises msgspec's errors.
        body: As it came.
        what: What it should be: `a chat request`.

    Raises:
        InvalidRequestError: Not JSON, or of another shape; the message says where.
    """
    try:
        if not body.isascii():
            # What decoding skips is looked at by nobody else before it is sent or taken apart.
            body.decode()
        return decode(body)
    except msgspec.ValidationError as error:
        raise InvalidRequestError(f"the body is not {what}: {error}") from None
    except MALFORMED as error:
        raise InvalidRequestError(
            f"the body is not valid JSON: {error}", code="invalid_json"
        ) from None


def bounded(number: int | None, largest: int) -> int | None:
    """Return a number that something can be planned with; the provider judges what was sent."""
    return min(number, largest) if number is not None and number > 0 else None
