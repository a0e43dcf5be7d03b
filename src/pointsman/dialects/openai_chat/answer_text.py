"""The text of a chat completion, to be read and replaced."""

from collections.abc import Sequence
from typing import Any

import msgspec

from pointsman.dialects.openai_chat.assemble import AssembledAnswer, assemble
from pointsman.wire.malformed import MALFORMED

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_decode_assembled = msgspec.json.Decoder(AssembledAnswer).decode
_encode = msgspec.json.Encoder().encode


def answer_text(answer: bytes) -> str | None:
    """Return the content of the only choice; None when there is none, or several choices."""
    try:
        choices = _decode(answer)["choices"]
        content = choices[0]["message"]["content"] if len(choices) == 1 else None
    except (*MALFORMED, KeyError, TypeError, IndexError):
        return None
    return content if isinstance(content, str) else None


def with_answer_text(answer: bytes, text: str) -> bytes:
    """Return the completion whose only choice says `text`."""
    body = _decode(answer)
    body["choices"][0]["message"]["content"] = text
    return _encode(body)


def streamed_text(payloads: Sequence[bytes]) -> str | None:
    """Return the content of a stream, of all its choices."""
    return _decode_assembled(assemble(payloads)).content if payloads else None
