"""Tool calls of messages, and asking again with what was wrong with them."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw, Struct

from pointsman.core.canonical.parts import ToolCallPart
from pointsman.dialects.anthropic_messages.assemble import AssembledMessage, assemble_message
from pointsman.wire.malformed import MALFORMED

_encode = msgspec.json.Encoder().encode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_assembled = msgspec.json.Decoder(AssembledMessage).decode


class _Block(Struct):
    type: str = ""
    id: str = ""
    name: str = ""
    input: Raw = Raw(b"{}")


class _Message(Struct):
    content: list[_Block]


class _RawMessage(Struct):
    content: Raw


class _Request(Struct):
    messages: list[Raw]


_decode_answer = msgspec.json.Decoder(_Message).decode
_decode_raw_answer = msgspec.json.Decoder(_RawMessage).decode
_decode_request = msgspec.json.Decoder(_Request).decode


def answered_calls(answer: bytes) -> list[ToolCallPart]:
    """Return the client's tools that a message uses; none of an answer of another shape."""
    try:
        blocks = _decode_answer(answer).content
    except MALFORMED:
        return []
    return [
        ToolCallPart(block.id, block.name, bytes(block.input).decode("utf-8", "replace"))
        for block in blocks
        if block.type == "tool_use"
    ]


def streamed_calls(payloads: Sequence[bytes]) -> list[ToolCallPart]:
    """Return the calls of a stream; their ids stay in it, for nobody is asked again."""
    if not payloads:
        return []
    calls = _decode_assembled(assemble_message(payloads)).tool_calls
    return [ToolCallPart("", call.name, call.arguments or "{}") for call in calls]


def with_feedback(body: bytes, answer: bytes, feedback: Mapping[str, str]) -> bytes:
    """Return the request with the message that answered it and a result for each call."""
    fields = _decode_fields(body)
    results = [
        {"type": "tool_result", "tool_use_id": call_id, "content": text, "is_error": True}
        for call_id, text in feedback.items()
    ]
    said = {"role": "assistant", "content": _decode_raw_answer(answer).content}
    asked = {"role": "user", "content": results}
    fields["messages"] = Raw(_encode([*_decode_request(body).messages, said, asked]))
    return _encode(fields)
