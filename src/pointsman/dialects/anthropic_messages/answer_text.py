"""The text of a message, to be read and replaced."""

from collections.abc import Sequence
from typing import Any

import msgspec

from pointsman.dialects.anthropic_messages.assemble import AssembledMessage, assemble_message
from pointsman.wire.malformed import MALFORMED

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_decode_assembled = msgspec.json.Decoder(AssembledMessage).decode
_encode = msgspec.json.Encoder().encode


def answer_text(answer: bytes) -> str | None:
    """Return the text of a message; None when it has none. Several blocks are one text."""
    try:
        blocks = _decode(answer)["content"]
        texts = [block["text"] for block in blocks if block["type"] == "text"]
        return "".join(texts) if texts else None
    except (*MALFORMED, KeyError, TypeError):
        return None


def with_answer_text(answer: bytes, text: str) -> bytes:
    """Return the message with one block of text, where its first was."""
    body = _decode(answer)
    blocks: list[dict[str, Any]] = []
    for block in body["content"]:
        if block["type"] != "text":
            blocks.append(block)
        elif not any(each["type"] == "text" for each in blocks):
            blocks.append({"type": "text", "text": text})
    body["content"] = blocks
    return _encode(body)


def streamed_text(payloads: Sequence[bytes]) -> str | None:
    """Return the text of a stream."""
    return _decode_assembled(assemble_message(payloads)).content if payloads else None
