"""The text of a streamed message put together again, for the kept content."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from pointsman.wire.malformed import MALFORMED

_encode = msgspec.json.Encoder().encode


class _Delta(Struct):
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None


class _Block(Struct):
    name: str | None = None


class _Event(Struct):
    type: str = ""
    index: int = 0
    content_block: _Block | None = None
    delta: _Delta | None = None


class AssembledToolUse(Struct):
    """One tool call."""

    name: str = ""
    arguments: str = ""


class AssembledMessage(Struct, omit_defaults=True):
    """What a streamed message said."""

    content: str
    thinking: str = ""
    tool_calls: list[AssembledToolUse] = []
    chunks: int = 0


_decode_event = msgspec.json.Decoder(_Event).decode


def assemble_message(payloads: Sequence[bytes]) -> bytes:
    """Return text, reasoning and tool calls of a streamed message as one JSON object."""
    if not payloads:
        return b""
    texts: list[str] = []
    thoughts: list[str] = []
    calls: dict[int, AssembledToolUse] = {}
    for payload in payloads:
        try:
            event = _decode_event(payload)
        except MALFORMED:
            continue  # the client has it; there is no text to be read in it
        if event.content_block is not None and event.content_block.name:
            calls[event.index] = AssembledToolUse(event.content_block.name)
        delta = event.delta
        if delta is None:
            continue
        texts.append(delta.text or "")
        thoughts.append(delta.thinking or "")
        if event.index in calls:
            calls[event.index].arguments += delta.partial_json or ""
    return _encode(
        AssembledMessage("".join(texts), "".join(thoughts), list(calls.values()), len(payloads))
    )
