"""What every route of the admin API reads of a request: its message, and who sends it."""

import re
from typing import TypeVar

import msgspec

from pointsman.collector.bodies import read_body
from pointsman.collector.desk import WebRequest
from pointsman.core.errors import InvalidRequestError

T = TypeVar("T")
ACTOR_HEADER = "x-pointsman-actor"
"""Name of the person at the command line. Whoever holds the admin token is believed."""
MAX_MESSAGE_BYTES = 65_536
_ACTOR = re.compile(r"[A-Za-z0-9._@+-]{1,64}\Z")
_COMMAND_LINE = "cli"


def actor_of(request: WebRequest) -> str:
    """Return who asks, for the audit trail: `cli:ann`, or `cli` when no name was sent."""
    name = request.headers.get(ACTOR_HEADER, "")
    return f"{_COMMAND_LINE}:{name}" if _ACTOR.match(name) else _COMMAND_LINE


async def read_message(request: WebRequest, kind: type[T]) -> T:
    """Return the body of a request as a message.

    Raises:
        InvalidRequestError: It is none, and why.
        RequestTooLargeError: It is over `MAX_MESSAGE_BYTES`.
    """
    body = await read_body(request.stream(), request.headers, MAX_MESSAGE_BYTES)
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidRequestError(str(error)) from None
