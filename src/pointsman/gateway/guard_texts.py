"""Where the texts of a body stand, so that rules can read them and put others in their place.

A walk over the JSON of any dialect: every string is a text but for names, ids and data in base64.
So a field that nobody here has heard of is looked at, not leaked. What a rule has read is written
anew: a repeated key, of which the provider might read the other value, does not get past it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import msgspec
from msgspec import Raw, Struct

from pointsman.core.errors import InvalidRequestError
from pointsman.wire.malformed import MALFORMED

_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_NAMES = frozenset(
    {
        "cache_control",
        "call_id",
        "container",
        "detail",
        "encoding_format",
        "encrypted_content",
        "file_id",
        "finish_reason",
        "format",
        "id",
        "item_id",
        "media_type",
        "model",
        "name",
        "object",
        "previous_response_id",
        "role",
        "service_tier",
        "signature",
        "stop_reason",
        "system_fingerprint",
        "tenant_id",
        "thought_signature",
        "tool_call_id",
        "tool_use_id",
        "type",
    }
)
"""Keys whose text is a name, an id or a proof: changing one would break the conversation."""
_FREE = frozenset({"args", "arguments", "input", "metadata", "response"})
"""Keys whose objects are made by callers and models, so that any key in them may hold a text."""
_DATA_KEYS = frozenset({"data", "file_data", "image_url", "url", "b64_json"})
_BASE64 = re.compile(r"(?:data:[\w.+/-]{0,100};base64,)?[A-Za-z0-9+/_=\r\n-]{256,}\Z")
_ROLE_OF_TYPE = {
    "tool_result": "tool",
    "function_call_output": "tool",
    "function_call": "assistant",
}
_ROLE_OF_KEY = {"system": "system", "instructions": "system", "input": "user", "prompt": "user"}
_ANSWER_KEYS = frozenset({"candidates", "choices", "content", "message", "output", "output_text"})
_SMALLEST_LONG_NUMBER = 100_000_000_000
_JSON_ROLES = frozenset({"assistant", "function", "tool"})


Json: TypeAlias = Any
"""Anything that JSON can say."""


class TextPlace(Struct):
    """One text of a body and where it stands."""

    text: str
    role: str
    is_json: bool
    container: Json
    """The object or list that holds it."""
    key: Json

    def put(self, text: str) -> None:
        """Put another text in its place."""
        self.container[self.key] = text


class BodyTexts:
    """The texts of one body, which can be written again with others in their place."""

    __slots__ = ("_fields", "_values", "places")

    def __init__(self, fields: dict[str, Raw], values: dict[str, Any], role: str) -> None:
        self._fields = fields
        self._values = values
        self.places = list(texts_in(values, role))

    @classmethod
    def of_request(cls, body: bytes) -> "BodyTexts":
        """Take a request apart.

        Raises:
            InvalidRequestError: It holds a value that cannot be read, such as a number too large.
        """
        try:
            fields = _decode_fields(body)
            values = {key: _decode(raw) for key, raw in fields.items() if _may_hold_text(raw)}
        except MALFORMED as error:
            raise InvalidRequestError(f"the body cannot be checked: {error}") from None
        return cls(fields, values, "other")

    @classmethod
    def of_answer(cls, body: bytes) -> "BodyTexts | None":
        """Take a whole answer apart; None for one that cannot be read."""
        try:
            fields = _decode_fields(body)
            values = {key: _decode(raw) for key, raw in fields.items() if key in _ANSWER_KEYS}
        except MALFORMED:
            return None
        return cls(fields, values, "assistant")

    @property
    def characters(self) -> int:
        """How much there is to read."""
        return sum(len(place.text) for place in self.places)

    def body(self) -> bytes:
        """Return the body as it is now. What holds no text stays byte for byte."""
        changed = {key: Raw(_encode(value)) for key, value in self._values.items()}
        return _encode({**self._fields, **changed})

    def without_logprobs(self) -> None:
        """Take the tokens away that spell out what a text has lost."""
        choices = self._values.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and "logprobs" in choice:
                choice["logprobs"] = None

    def refused(self, refusal: str) -> bytes | None:
        """Return the answer with a refusal in its place; None for a form that has none."""
        for key, replace in _REFUSALS.items():
            if key in self._fields:
                changed = {name: Raw(_encode(value)) for name, value in replace(refusal).items()}
                return _encode({**self._fields, **changed})
        return None


def _refused_chat(refusal: str) -> dict[str, object]:
    message = {"role": "assistant", "content": refusal, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "content_filter"}
    return {"choices": [choice]}


def _refused_message(refusal: str) -> dict[str, object]:
    return {"content": [{"type": "text", "text": refusal}], "stop_reason": "refusal"}


def _refused_response(refusal: str) -> dict[str, object]:
    part = {"type": "refusal", "refusal": refusal}
    message = {"type": "message", "id": "msg_refused", "role": "assistant", "status": "completed"}
    return {"output": [{**message, "content": [part]}]}


_REFUSALS = {
    "choices": _refused_chat,
    "stop_reason": _refused_message,
    "output": _refused_response,
}
"""A key that only answers of one dialect have -> what says a refusal in its words."""


def texts_in(value: object, role: str) -> Iterator[TextPlace]:
    """Yield the texts in a decoded value, in no order.

    Args:
        value: An object or list; texts are replaced in it.
        role: Of texts that no message holds.
    """
    open_containers: list[tuple[Any, str, bool]] = [(value, role, False)]
    while open_containers:
        container, role, is_free = open_containers.pop()
        if isinstance(container, dict):
            role = _role(container, role)
        for key, inner in _members(container):
            if isinstance(inner, str | int):
                place = _place(container, key, role, is_free=is_free)
                if place is not None:
                    yield place
            elif isinstance(inner, dict | list) and key != "logprobs":
                own = _ROLE_OF_KEY.get(key, role) if role == "other" else role
                frees = is_free or (key in _FREE and isinstance(inner, dict))
                open_containers.append((inner, own, frees))


def _members(container: Json) -> Iterable[tuple[Any, object]]:
    return container.items() if isinstance(container, dict) else enumerate(container)


def _place(container: Json, key: Json, role: str, *, is_free: bool) -> TextPlace | None:
    value = container[key]
    if isinstance(value, int):
        # Long enough to be a card number; True and False are none.
        is_long = abs(value) >= _SMALLEST_LONG_NUMBER
        return TextPlace(str(value), role, False, container, key) if is_long else None
    if not value or (key in _NAMES and not is_free):
        return None
    # A document whose `data` is called text is text, whatever it looks like.
    if key in _DATA_KEYS and _BASE64.match(value) and container.get("type") != "text":
        return None
    if role == "other":
        role = _ROLE_OF_KEY.get(key, role)
    is_json = key in {"arguments", "partial_json"} or (
        role in _JSON_ROLES and value.lstrip()[:1] in {"{", "["}
    )
    return TextPlace(value, role, is_json, container, key)


def _role(container: dict[str, Any], inherited: str) -> str:
    kind = container.get("type")
    if isinstance(kind, str) and kind in _ROLE_OF_TYPE:
        return _ROLE_OF_TYPE[kind]
    role = container.get("role")
    return role if isinstance(role, str) else inherited


def _may_hold_text(raw: Raw) -> bool:
    return bytes(raw)[:1] in {b'"', b"[", b"{"}
