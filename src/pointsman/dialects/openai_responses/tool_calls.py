"""Tool calls of responses, and asking again with what was wrong with them."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Raw, Struct

from pointsman.core.canonical.parts import ToolCallPart
from pointsman.dialects.openai_responses.assemble import AssembledResponse, assemble_response
from pointsman.wire.malformed import MALFORMED

_encode = msgspec.json.Encoder().encode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_assembled = msgspec.json.Decoder(AssembledResponse).decode


class _Item(Struct):
    type: str = ""
    call_id: str = ""
    name: str = ""
    arguments: str = ""


class _Response(Struct):
    output: list[_Item]


class _RawResponse(Struct):
    output: list[Raw]


class _Request(Struct):
    input: str | list[dict[str, object]]


_decode_answer = msgspec.json.Decoder(_Response).decode
_decode_raw_answer = msgspec.json.Decoder(_RawResponse).decode
_decode_request = msgspec.json.Decoder(_Request).decode
_decode_item = msgspec.json.Decoder(_Item).decode


def answered_calls(answer: bytes) -> list[ToolCallPart]:
    """Return the functions that a response calls; none of an answer of another shape."""
    try:
        return _calls(_decode_answer(answer).output)
    except MALFORMED:
        return []


def streamed_calls(payloads: Sequence[bytes]) -> list[ToolCallPart]:
    """Return the calls of a stream that came to its end; of one that was cut none can be told."""
    if not payloads:
        return []
    try:
        return _calls(map(_decode_item, _decode_assembled(assemble_response(payloads)).output))
    except MALFORMED:
        return []


def with_feedback(body: bytes, answer: bytes, feedback: Mapping[str, str]) -> bytes:
    """Return the request with the items that answered it and an output for each call."""
    fields = _decode_fields(body)
    given = _decode_request(body).input
    items: list[object] = (
        [{"role": "user", "content": given}] if isinstance(given, str) else [*given]
    )
    items += _decode_raw_answer(answer).output
    items += [
        {"type": "function_call_output", "call_id": call_id, "output": text}
        for call_id, text in feedback.items()
    ]
    fields["input"] = Raw(_encode(items))
    return _encode(fields)


def _calls(items: Iterable[_Item]) -> list[ToolCallPart]:
    return [
        ToolCallPart(item.call_id, item.name, item.arguments)
        for item in items
        if item.type == "function_call"
    ]
