"""Tool calls of answers in chat completions, and asking again with what was wrong with them."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw, Struct

from pointsman.core.canonical.parts import ToolCallPart
from pointsman.dialects.openai_chat.assemble import AssembledAnswer, assemble
from pointsman.wire.malformed import MALFORMED

_encode = msgspec.json.Encoder().encode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_assembled = msgspec.json.Decoder(AssembledAnswer).decode


class _Function(Struct):
    name: str = ""
    arguments: str = ""


class _Call(Struct):
    id: str = ""
    function: _Function | None = None


class _Message(Struct):
    tool_calls: list[_Call] | None = None


class _Choice(Struct):
    message: _Message | None = None


class _Answer(Struct):
    choices: list[_Choice] = []


class _SaidAgain(Struct, omit_defaults=True):
    """What a request may repeat of an answer: it has fields that no request takes."""

    role: str = ""
    content: object = None
    tool_calls: list[Raw] | None = None
    reasoning_content: str | None = None


class _RawChoice(Struct):
    message: _SaidAgain


class _RawAnswer(Struct):
    choices: list[_RawChoice]


class _Request(Struct):
    messages: list[Raw]


_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_raw_answer = msgspec.json.Decoder(_RawAnswer).decode
_decode_request = msgspec.json.Decoder(_Request).decode


def answered_calls(answer: bytes) -> list[ToolCallPart]:
    """Return the calls of functions in all choices; none of an answer of another shape."""
    try:
        choices = _decode_answer(answer).choices
    except MALFORMED:
        return []
    calls = [
        call
        for choice in choices
        if choice.message is not None
        for call in choice.message.tool_calls or []
    ]
    return [
        ToolCallPart(call.id, call.function.name, call.function.arguments)
        for call in calls
        if call.function is not None
    ]


def streamed_calls(payloads: Sequence[bytes]) -> list[ToolCallPart]:
    """Return the calls of a stream; their ids stay in it, for nobody is asked again."""
    if not payloads:
        return []
    calls = _decode_assembled(assemble(payloads)).tool_calls
    return [ToolCallPart("", call.name, call.arguments) for call in calls]


def with_feedback(body: bytes, answer: bytes, feedback: Mapping[str, str]) -> bytes:
    """Return the request with the answer's first message and a `tool` message for each call."""
    fields = _decode_fields(body)
    said = _decode_raw_answer(answer).choices[0].message
    results = [
        Raw(_encode({"role": "tool", "tool_call_id": call_id, "content": text}))
        for call_id, text in feedback.items()
    ]
    fields["messages"] = Raw(_encode([*_decode_request(body).messages, said, *results]))
    return _encode(fields)
