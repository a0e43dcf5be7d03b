"""Taking out of a client's own body what the gateway once put into its answers.

A conversation that another vendor answered before holds that vendor's reasoning and proofs
(`reasoning_content`, `reasoning_details`, `extra_content`), if the client sends answers back as
they came. OpenAI and others refuse fields of messages that they do not know.
"""

import msgspec
from msgspec import Raw

from pointsman.wire.malformed import MALFORMED

_TEXT_MARK = b'"reasoning_content"'
_PROOF_MARK = b'"reasoning_details"'
_CALL_MARK = b'"extra_content"'
_OF_MESSAGES = ("reasoning_content", "reasoning_details")
_OF_CALLS = "extra_content"
_decode_objects = msgspec.json.Decoder(list[dict[str, Raw]]).decode
_encode = msgspec.json.Encoder().encode


def may_hold_proofs(body: bytes) -> bool:
    """Tell, without decoding, whether there may be something to take out."""
    return _TEXT_MARK in body or _PROOF_MARK in body or _CALL_MARK in body


def take_out_proofs(fields: dict[str, Raw], changes: list[str]) -> None:
    """Take them out of the messages of a body's fields, with a line each in `changes`."""
    try:
        messages = _decode_objects(fields.get("messages", Raw(b"[]")))
    except MALFORMED:
        # The provider will say what is wrong with them.
        return
    found = {key for message in messages for key in _OF_MESSAGES if message.pop(key, None)}
    for message in messages:
        calls = message.get("tool_calls")
        if calls is not None and _CALL_MARK in bytes(calls):
            stripped = _without_extras(calls)
            if stripped is not None:
                message["tool_calls"] = stripped
                found.add(f"tool_calls.{_OF_CALLS}")
    if found:
        fields["messages"] = Raw(_encode(messages))
        changes.extend(f"messages.{key}: dropped" for key in sorted(found))


def _without_extras(calls: Raw) -> Raw | None:
    """Return the calls without extensions; None when there are none in them."""
    try:
        found = _decode_objects(calls)
    except MALFORMED:
        return None
    taken = [call.pop(_OF_CALLS, None) for call in found]
    if not any(taken):
        # The words stand in an argument.
        return None
    return Raw(_encode(found))
