"""Arguments of a tool call for APIs that want an object where models write text."""

import msgspec
from msgspec import Raw

from pointsman.wire.malformed import MALFORMED

_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode


def object_of(text: str) -> tuple[Raw, bool]:
    """Return arguments as an object, and whether they were one.

    Other text is put within an object, as Anthropic documents it for arguments that a cut stream
    left unfinished:
    https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming
    (read 2026-11).
    """
    raw = text.strip().encode()
    if not raw:
        return Raw(b"{}"), True
    try:
        _decode_object(raw)
    except MALFORMED:
        return Raw(_encode({"INVALID_JSON": text})), False
    return Raw(raw), True
