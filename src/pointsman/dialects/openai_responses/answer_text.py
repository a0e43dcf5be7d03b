"""The text of a response, to be read and replaced."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from pointsman.dialects.openai_responses.assemble import assemble_response
from pointsman.wire.malformed import MALFORMED

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


def answer_text(answer: bytes) -> str | None:
    """Return the text of a response; None when it has none. Several parts are one text."""
    try:
        texts = [part["text"] for part in _texts(_decode(answer))]
        return "".join(texts) if texts else None
    except (*MALFORMED, KeyError, TypeError):
        return None


def with_answer_text(answer: bytes, text: str) -> bytes:
    """Return the response whose first text is `text`, and whose others are empty."""
    body = _decode(answer)
    for part in _texts(body):
        part["text"], text = text, ""
    return _encode(body)


def streamed_text(payloads: Sequence[bytes]) -> str | None:
    """Return the text of a stream that came to its end."""
    return answer_text(assemble_response(payloads)) if payloads else None


def _texts(response: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in response.get("output", ()):
        if item["type"] == "message":
            yield from (part for part in item["content"] if part["type"] == "output_text")
