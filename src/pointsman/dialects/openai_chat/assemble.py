"""The text of a streamed answer put together again: nothing hides in a gap of two chunks."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from pointsman.wire.malformed import MALFORMED
from pointsman.wire.openai.chat import ChunkChoice, decode_chunk

_encode = msgspec.json.Encoder().encode


class AssembledToolCall(Struct):
    """One tool call of a streamed answer."""

    name: str = ""
    arguments: str = ""


class AssembledAnswer(Struct, omit_defaults=True):
    """A streamed answer put together again."""

    content: str
    tool_calls: list[AssembledToolCall] = []
    chunks: int = 0


class _FunctionDelta(Struct):
    name: str | None = None
    arguments: str | None = None


class _ToolCallDelta(Struct):
    index: int = 0
    function: _FunctionDelta | None = None


_decode_tool_call = msgspec.json.Decoder(_ToolCallDelta).decode


def assemble(chunks: Sequence[bytes]) -> bytes:
    """Put the text of streamed chunks together, so that nothing hides in a gap between two."""
    texts: list[str] = []
    tool_calls: dict[int, AssembledToolCall] = {}
    for data in chunks:
        for choice in _choices(data):
            delta = choice.delta
            if delta is None:
                continue
            if delta.content:
                texts.append(delta.content)
            for raw in delta.tool_calls or ():
                _add_tool_call(tool_calls, raw)
    if not chunks:
        return b""
    answer = AssembledAnswer(
        content="".join(texts), tool_calls=list(tool_calls.values()), chunks=len(chunks)
    )
    return _encode(answer)


def _choices(data: bytes) -> list[ChunkChoice]:
    """Return the choices of a chunk; none of one whose content has another form than text."""
    try:
        return decode_chunk(data).choices or []
    except MALFORMED:
        return []


def _add_tool_call(tool_calls: dict[int, AssembledToolCall], raw: msgspec.Raw) -> None:
    try:
        delta = _decode_tool_call(raw)
    except MALFORMED:
        return  # arguments as an object, as some servers write them: the client has the chunk
    call = tool_calls.setdefault(delta.index, AssembledToolCall())
    if delta.function is not None:
        call.name += delta.function.name or ""
        call.arguments += delta.function.arguments or ""
