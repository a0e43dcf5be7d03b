"""Proofs of thinking on their way through clients and back.

Gemini signs a call, or the text of an answer; never the thoughts themselves. The signature of a
call has a place of its own in the canonical form and in chat completions. That of a text, and that
of a call in other dialects, travels as reasoning without words and is marked: a conversation may
go on with another provider, and each refuses proofs that are not its own. Base64 has no colon.

Source: https://ai.google.dev/gemini-api/docs/thought-signatures (read 2026-11).
"""

from pointsman.core.canonical.parts import ReasoningPart

UNCHECKED = "skip_thought_signature_validator"
"""What stands for the signature of a call that has none, because another model made it or a
client's dialect lost it: the API does not check it then. As others cite the vendor's page:
https://github.com/badlogic/pi-mono/issues/1829."""
_MARK = "gemini:"
_CALL_MARK = "gemini-call:"
_DIALECTS_WITH_SIGNED_CALLS = frozenset({"openai.chat"})


def needs_signatures_apart(dialect: str) -> bool:
    """Tell whether a client's dialect has no place for the signature of a call.

    It goes before the call then, as reasoning without words.
    """
    return dialect not in _DIALECTS_WITH_SIGNED_CALLS


def marked(signature: str) -> str:
    """Return the signature of a text as clients are given it."""
    return _MARK + signature


def marked_call(signature: str) -> str:
    """Return the signature of the call that follows as clients are given it."""
    return _CALL_MARK + signature


def own_signature(part: ReasoningPart) -> str | None:
    """Return Gemini's signature of a text that reasoning carries; None for another's, or none."""
    return _after(_MARK, part)


def call_signature(part: ReasoningPart) -> str | None:
    """Return Gemini's signature of the next call that reasoning carries; None as above."""
    return _after(_CALL_MARK, part)


def is_foreign(part: ReasoningPart) -> bool:
    """Tell whether reasoning has a proof or a cipher of another provider."""
    if part.encrypted is not None:
        return True
    signature = part.signature
    return bool(signature) and own_signature(part) is None and call_signature(part) is None


def _after(mark: str, part: ReasoningPart) -> str | None:
    signature = part.signature
    if signature is None or not signature.startswith(mark):
        return None
    return signature.removeprefix(mark)
