"""Turns of a conversation to contents: roles alternate, results follow their calls.

What the API demands, by the errors that it gives: a content has parts, and each part has something;
a content with calls is followed by one with as many responses; a response has the name of its
function, and the id of its call where the model gives ids; from Gemini 3 on the first call of a
content has a signature. Consecutive turns of one role are joined here, so that results of parallel
calls stand together, in the calls' order.
Sources: google-genai 3.4.0, `types.FunctionResponse` (`output`, `error`), and for signatures
https://ai.google.dev/gemini-api/docs/thought-signatures (read 2026-11).
"""

from itertools import pairwise

import msgspec
from msgspec import Raw

from pointsman.core.canonical.conversation import Conversation, Turn
from pointsman.core.canonical.parts import (
    AudioPart,
    FilePart,
    ImagePart,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from pointsman.core.errors import UpstreamError
from pointsman.providers.call_arguments import object_of
from pointsman.providers.gemini.media import MediaEncoder
from pointsman.providers.gemini.models import ModelFacts
from pointsman.providers.gemini.signatures import (
    UNCHECKED,
    call_signature,
    is_foreign,
    own_signature,
)
from pointsman.providers.parameters import Parameters
from pointsman.wire.gemini import request as wire
from pointsman.wire.malformed import MALFORMED

_OPENING = "."
"""The user's part of a conversation that begins with a call."""

_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode


class ContentEncoder:
    """Encodes the turns of one conversation.

    Args:
        conversation: What is said.
        facts: What the model takes.
        parameters: Gets what had to be changed.
    """

    __slots__ = ("_conversation", "_facts", "_media", "_names", "_noted", "_parameters")

    def __init__(
        self, conversation: Conversation, facts: ModelFacts, parameters: Parameters
    ) -> None:
        self._conversation = conversation
        self._facts = facts
        self._parameters = parameters
        self._media = MediaEncoder(facts, parameters)
        self._names: dict[str, str] = {}
        """Id of a call -> its function, in the order of the calls."""
        self._noted: set[str] = set()

    def encode(self) -> tuple[list[wire.Part], list[wire.Content]]:
        """Return the parts of the system instruction, and the contents.

        Raises:
            UpstreamError: A part of the conversation has no place in the API, or the changes that
                it needs are refused.
        """
        system = self._system_parts(self._conversation.system)
        contents: list[wire.Content] = []
        for turn in self._conversation.turns:
            if turn.name is not None:
                self._drop_once("messages.name")
            if turn.role == "system":
                self._map_once("messages.role", "system -> the system prompt")
                system.extend(self._system_parts(turn.parts))
            elif turn.role == "assistant":
                _append(contents, "model", self._model_parts(turn))
            else:
                _append(contents, "user", self._user_parts(turn))
        _order_results(contents)
        if not self._facts.has_call_ids:
            _strip_ids(contents)
        return self._open(system, contents)

    def _open(
        self, system: list[wire.Part], contents: list[wire.Content]
    ) -> tuple[list[wire.Part], list[wire.Content]]:
        """See that there is a content, and that calls are not the first."""
        if system and not self._facts.takes_system:
            self._map_once("messages.role", "system -> the user's: this model has no system prompt")
            return [], _behind(system, contents)
        if system and not contents:
            self._map_once("messages", "the system prompt is sent as the user's")
            return [], [wire.Content("user", system)]
        if contents and _calls_of(contents[0]):
            self._map_once("messages", "a message of the user put first")
            return system, [wire.Content("user", [wire.Part(text=_OPENING)]), *contents]
        return system, contents

    def _system_parts(self, parts: list[TextPart] | list[Part]) -> list[wire.Part]:
        texts = [part for part in parts if isinstance(part, TextPart) and part.text]
        return [self._text(part) for part in texts]

    def _text(self, part: TextPart) -> wire.Part:
        if part.cache is not None and "cache" not in self._noted:
            self._noted.add("cache")
            self._parameters.note("cache_control", "absent: this API caches by itself")
        return wire.Part(text=part.text)

    def _user_parts(self, turn: Turn) -> list[wire.Part]:
        found: list[wire.Part] = []
        for part in turn.parts:
            match part:
                case TextPart():
                    if part.text:
                        found.append(self._text(part))
                case ToolResultPart():
                    found.extend(self._result(part))
                case ImagePart() | FilePart() | AudioPart():
                    if isinstance(part, ImagePart) and part.detail not in (None, "auto"):
                        self._drop_once("messages.image_url.detail")
                    found.append(self._media.encode(part))
                case _:
                    raise self._misplaced("user")
        return found

    def _model_parts(self, turn: Turn) -> list[wire.Part]:
        found: list[wire.Part] = []
        signature: str | None = None
        signature_of_next: str | None = None
        for part in turn.parts:
            match part:
                case TextPart():
                    found.append(self._text(part))
                case ReasoningPart():
                    signature = own_signature(part) or signature
                    signature_of_next = call_signature(part) or signature_of_next
                    found.extend(self._thought(part))
                case RefusalPart():
                    self._map_once("messages.refusal", "sent as text")
                    found.append(wire.Part(text=part.text))
                case ToolCallPart():
                    found.append(self._call(part, signature_of_next))
                    signature_of_next = None
                case ToolResultPart():
                    raise self._misplaced("assistant")
                case _:
                    found.append(self._media.encode(part))
        found = [part for part in found if part.text != ""]
        _sign_text(found, signature)
        self._sign_calls(found)
        return found

    def _thought(self, part: ReasoningPart) -> list[wire.Part]:
        """Return thoughts in words; what only another provider can read or prove is left out."""
        if is_foreign(part):
            self._drop_once("messages.reasoning")
            return []
        return [wire.Part(text=part.text, thought=True)] if part.text else []

    def _call(self, part: ToolCallPart, signature: str | None) -> wire.Part:
        self._names[part.id] = part.name
        call = wire.FunctionCall(part.name, self._arguments(part.arguments), part.id)
        return wire.Part(function_call=call, thought_signature=part.signature or signature)

    def _sign_calls(self, parts: list[wire.Part]) -> None:
        first = next((part for part in parts if part.function_call is not None), None)
        if first is None or first.thought_signature or not self._facts.checks_signatures:
            return
        first.thought_signature = UNCHECKED
        if "signature" not in self._noted:
            self._noted.add("signature")
            self._parameters.note("messages.tool_calls.signature", "absent -> not checked")

    def _arguments(self, text: str) -> Raw:
        """Return the arguments as an object, as the API wants what models write as text."""
        arguments, is_object = object_of(text)
        if not is_object:
            self._map_once("messages.tool_calls.arguments", "no JSON object, sent within one")
        return arguments

    def _result(self, part: ToolResultPart) -> list[wire.Part]:
        name = self._names.get(part.call_id) or part.name
        if name is None:
            raise self._parameters.refusal("messages.tool_call_id", "without its call is not taken")
        texts = [each.text for each in part.parts if isinstance(each, TextPart)]
        media = [self._media.encode(each) for each in part.parts if not isinstance(each, TextPart)]
        said = wire.FunctionResponse(
            name, _response("\n".join(texts), is_error=part.is_error), part.call_id
        )
        inside = [each.inline_data for each in media if each.inline_data is not None]
        if not media or (self._facts.takes_media_results and len(inside) == len(media)):
            said.parts = [wire.FunctionResponsePart(each) for each in inside] or None
            return [wire.Part(function_response=said)]
        self._map_once("messages.tool_results", "pictures and documents put beside the result")
        return [wire.Part(function_response=said), *media]

    def _misplaced(self, role: str) -> UpstreamError:
        return self._parameters.refusal(
            "messages.content", f"of this kind by the {role} is not taken"
        )

    def _drop_once(self, param: str) -> None:
        if param not in self._noted:
            self._noted.add(param)
            self._parameters.drop(param)

    def _map_once(self, param: str, change: str) -> None:
        if param not in self._noted:
            self._noted.add(param)
            self._parameters.map(param, change)


def _append(contents: list[wire.Content], role: str, parts: list[wire.Part]) -> None:
    """Add a turn's parts to the last content of the same role, or as a content of their own."""
    if not parts:
        return
    if contents and contents[-1].role == role:
        contents[-1].parts.extend(parts)
    else:
        contents.append(wire.Content(role, parts))


def _behind(system: list[wire.Part], contents: list[wire.Content]) -> list[wire.Content]:
    """Put what would be the system instruction at the head of what the user says first."""
    if contents and contents[0].role == "user":
        first = wire.Content("user", [*system, *contents[0].parts])
        return [first, *contents[1:]]
    return [wire.Content("user", system), *contents]


def _calls_of(content: wire.Content) -> list[wire.FunctionCall]:
    return [part.function_call for part in content.parts if part.function_call is not None]


def _order_results(contents: list[wire.Content]) -> None:
    """Put results at the head of their content, in the order of the calls before it."""
    for before, content in pairwise(contents):
        if not any(part.function_response is not None for part in content.parts):
            continue
        places = {call.id: place for place, call in enumerate(_calls_of(before))}

        def place(part: wire.Part, places: dict[str | None, int] = places) -> int:
            answered = part.function_response
            return len(places) + 1 if answered is None else places.get(answered.id, len(places))

        content.parts.sort(key=place)


def _strip_ids(contents: list[wire.Content]) -> None:
    """Leave results to be matched by name and order, as models without ids do."""
    for content in contents:
        for part in content.parts:
            if part.function_call is not None:
                part.function_call.id = None
            if part.function_response is not None:
                part.function_response.id = None


def _sign_text(parts: list[wire.Part], signature: str | None) -> None:
    """Give the signature of a text back to it: the last one that is no thought, or an empty one."""
    if signature is None:
        return
    for part in reversed(parts):
        if part.text is not None and not part.thought:
            part.thought_signature = signature
            return
    parts.append(wire.Part(text="", thought_signature=signature))


def _response(text: str, *, is_error: bool) -> Raw:
    """Return a result as the object that the API wants; one that is an object already stays."""
    raw = text.strip().encode()
    try:
        fields = _decode_object(raw) if not is_error else None
    except MALFORMED:
        fields = None
    if fields is not None and not fields.keys() & {"output", "error"}:
        return Raw(raw)
    return Raw(_encode({"error" if is_error else "output": text}))
