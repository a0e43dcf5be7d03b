"""Proofs of thinking on their way through clients and back.

Gemini signs a call, or the text of an answer; never the thoughts themselves. The signature of a
call has a place of its own in the canonical form. That of a text travels as reasoning without
words, where other families have theirs, so it is marked: a conversation may go on with another
provider, and each refuses proofs that are not its own. Base64 has no colon.

Source: https://ai.google.dev/gemini-api/docs/thought-signatures (read 2026-11).
"""

from pointsman.core.canonical.parts import ReasoningPart

UNCHECKED = "skip_thought_signature_validator"
"""What stands for the signature of a call that has none, because another model made it or a
client's dialect lost it: the API does not check it then. As others cite the vendor's page:
https://github.com/badlogic/pi-mono/issues/1829."""
_MARK = "gemini:"


def marked(signature: str) -> str:
    """Return the signature of a text as clients are given it."""
    return _MARK + signature


def own_signature(part: ReasoningPart) -> str | None:
    """Return Gemini's signature that a piece of reasoning carries; None for another's, or none."""
    signature = part.signature
    if signature is None or not signature.startswith(_MARK):
        return None
    return signature.removeprefix(_MARK)
