"""The text of a streamed response put together again, for the kept content."""

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from pointsman.wire.malformed import MALFORMED

_encode = msgspec.json.Encoder().encode
_ENDS = ("response.completed", "response.incomplete", "response.failed")


class _Response(Struct):
    output: list[Raw] = []


class _Event(Struct):
    type: str = ""
    delta: str | None = None
    response: _Response | None = None


class AssembledResponse(Struct, omit_defaults=True):
    """What a streamed response said."""

    output: list[Raw] = []
    """Its items, when it came to its end."""
    pieces: str = ""
    """All pieces of text, reasoning and arguments in a row, when it did not."""
    chunks: int = 0


_decode_event = msgspec.json.Decoder(_Event).decode


def assemble_response(payloads: Sequence[bytes]) -> bytes:
    """Return what a streamed response said as one JSON object."""
    if not payloads:
        return b""
    pieces: list[str] = []
    for payload in payloads:
        try:
            event = _decode_event(payload)
        except MALFORMED:
            continue  # the client has it; there is no text to be read in it
        if event.type in _ENDS and event.response is not None:
            return _encode(AssembledResponse(event.response.output, chunks=len(payloads)))
        pieces.append(event.delta or "")
    return _encode(AssembledResponse(pieces="".join(pieces), chunks=len(payloads)))
