"""Answers of the Messages API as the gateway reads them: partial, every field optional.

Apart from `answer`, which is how they are written: blocks and events of kinds that are not known
here must pass. Source: https://platform.claude.com/docs/en/api/messages and
https://platform.claude.com/docs/en/build-with-claude/streaming (read 2026-11).
"""

import msgspec
from msgspec import Raw, Struct, field

from pointsman.wire.anthropic.answer import Usage


class ReceivedBlock(Struct):
    """A block of the answer; which fields are set depends on `type`."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    """Of redacted thinking."""
    id: str | None = None
    name: str | None = None
    input: Raw = field(default_factory=Raw)


class ReceivedMessage(Struct):
    """A whole answer, or its beginning in a stream."""

    type: str | None = None
    id: str | None = None
    model: str | None = None
    content: list[ReceivedBlock] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: Usage | None = None
    error: Raw = field(default_factory=Raw)


class ReceivedDelta(Struct):
    """More of a block, or how the answer ended; which fields are set depends on `type`."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class ReceivedEvent(Struct):
    """One event of a stream; which fields are set depends on `type`."""

    type: str = ""
    index: int = 0
    message: ReceivedMessage | None = None
    content_block: ReceivedBlock | None = None
    delta: ReceivedDelta | None = None
    usage: Usage | None = None
    error: Raw = field(default_factory=Raw)


class TokenCount(Struct):
    """The answer to a request to count tokens."""

    input_tokens: int


decode_message = msgspec.json.Decoder(ReceivedMessage).decode
decode_event = msgspec.json.Decoder(ReceivedEvent).decode
decode_token_count = msgspec.json.Decoder(TokenCount).decode
