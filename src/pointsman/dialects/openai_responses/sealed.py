"""Proofs and ciphers of other providers' reasoning, sealed into `encrypted_content`.

This API gives a client one opaque text per reasoning item, to be sent back unchanged. What another
provider needs back (a signature over visible reasoning, or reasoning that only it can read) is put
into that text with a mark before it, so that the next request can be told from OpenAI's own.
"""

import base64
import binascii

import msgspec
from msgspec import Struct

from pointsman.core.canonical.parts import ReasoningPart

_MARK = "pointsman1:"


class _Sealed(Struct, omit_defaults=True):
    signature: str | None = None
    encrypted: str | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Sealed).decode


def seal(signature: str | None, encrypted: str | None) -> str | None:
    """Return the text that keeps both; None when there is nothing to keep."""
    if signature is None and encrypted is None:
        return None
    return _MARK + base64.b64encode(_encode(_Sealed(signature, encrypted))).decode()


def unseal(text: str, content: str | None) -> ReasoningPart:
    """Return the reasoning that visible text and `encrypted_content` stand for.

    Content without our mark is somebody else's cipher, and stays what it is.
    """
    if content is None:
        return ReasoningPart(text)
    if not content.startswith(_MARK):
        return ReasoningPart(text, encrypted=content)
    try:
        sealed = _decode(base64.b64decode(content[len(_MARK) :], validate=True))
    except (binascii.Error, msgspec.MsgspecError):
        return ReasoningPart(text, encrypted=content)
    return ReasoningPart(text, signature=sealed.signature, encrypted=sealed.encrypted)
