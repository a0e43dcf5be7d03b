"""Canonical instructions and turns as Ollama's messages.

A result of a tool is a message of its own, before what else the user said; pictures in it are the
message's.
"""

from collections.abc import Iterable, Sequence

import msgspec

from pointsman.core.canonical.conversation import Conversation, Turn
from pointsman.core.canonical.parts import (
    FilePart,
    ImagePart,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from pointsman.providers.parameters import Parameters
from pointsman.wire.malformed import MALFORMED

Fields = dict[str, object]

_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def encode_messages(conversation: Conversation, parameters: Parameters) -> list[Fields]:
    """Return the messages of a request; see `encode.encode_conversation`."""
    names = _call_names(conversation.turns)
    messages: list[Fields] = [
        {"role": "system", "content": part.text} for part in conversation.system
    ]
    for turn in conversation.turns:
        if turn.name is not None:
            parameters.drop("messages.name")
        if turn.role == "assistant":
            messages.append(_assistant(turn, parameters))
        else:
            messages.extend(_said(turn, names, parameters))
    if _has_cache_marks(conversation):
        parameters.note("cache_control", "left to the server, which caches by itself")
    return messages


def _said(turn: Turn, names: dict[str, str], parameters: Parameters) -> Iterable[Fields]:
    """Return the messages of a user's or a system's turn."""
    rest: list[Part] = []
    for part in turn.parts:
        if isinstance(part, ToolResultPart):
            yield _tool_result(part, names, parameters)
        else:
            rest.append(part)
    if rest or not turn.parts:
        yield _with_content({"role": turn.role}, rest, parameters)


def _assistant(turn: Turn, parameters: Parameters) -> Fields:
    message: Fields = {"role": "assistant"}
    spoken = [part for part in turn.parts if isinstance(part, TextPart | RefusalPart)]
    message["content"] = "".join(part.text for part in spoken)
    thoughts = "".join(part.text for part in turn.parts if isinstance(part, ReasoningPart))
    if thoughts:
        message["thinking"] = thoughts
    calls = [_call(part, parameters) for part in turn.parts if isinstance(part, ToolCallPart)]
    if calls:
        message["tool_calls"] = calls
    return message


def _call(part: ToolCallPart, parameters: Parameters) -> Fields:
    try:
        arguments = _decode_object(part.arguments.encode() or b"{}")
    except MALFORMED:
        parameters.map("tool_calls.arguments", "malformed JSON -> text in an object")
        arguments = {"malformed": msgspec.Raw(msgspec.json.encode(part.arguments))}
    return {"id": part.id, "function": {"name": part.name, "arguments": arguments}}


def _tool_result(part: ToolResultPart, names: dict[str, str], parameters: Parameters) -> Fields:
    if part.is_error:
        parameters.map("tool_result.is_error", "left to its text")
    message: Fields = {"role": "tool", "tool_call_id": part.call_id}
    name = part.name or names.get(part.call_id)
    if name is not None:
        message["tool_name"] = name
    return _with_content(message, part.parts, parameters)


def _with_content(message: Fields, parts: Sequence[Part], parameters: Parameters) -> Fields:
    texts: list[str] = []
    images: list[str] = []
    for part in parts:
        match part:
            case TextPart():
                texts.append(part.text)
            case ImagePart(data=str() as data):
                images.append(data)
            case ImagePart():
                raise parameters.refusal("messages.image_url", "by address is not taken")
            case FilePart(text=str() as text):
                parameters.map("messages.file", "plain text -> text")
                texts.append(text)
            case _:
                raise parameters.refusal(
                    "messages.content", "other than text and images is not taken"
                )
    message["content"] = "\n\n".join(texts)
    if images:
        message["images"] = images
    return message


def _call_names(turns: Sequence[Turn]) -> dict[str, str]:
    """Return the function of each call, by its id: results must name it here."""
    calls = (part for turn in turns for part in turn.parts if isinstance(part, ToolCallPart))
    return {call.id: call.name for call in calls}


def _has_cache_marks(conversation: Conversation) -> bool:
    parts = [*conversation.system, *(part for turn in conversation.turns for part in turn.parts)]
    return any(getattr(part, "cache", None) is not None for part in parts)
