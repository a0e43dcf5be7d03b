"""Stored prompts and answers as a conversation to be read. Pure; never raises, whatever is stored.

Bodies are what callers and providers wrote, of any shape; what is not understood is shown as the
text it is. Shapes: https://platform.openai.com/docs/api-reference/chat (read 2026-11).
"""

import re
from typing import Any

import msgspec
from msgspec import Struct

from pointsman.store.rows import ContentRow

MAX_TURNS = 400
MAX_PARTS = 100
_MARKER = re.compile(r"(\[redacted: [a-z0-9_ -]{1,40}\])")


class Piece(Struct, frozen=True):
    """A stretch of text."""

    text: str
    is_redacted: bool
    """Whether it stands for something that was taken out."""


class Said(Struct, frozen=True):
    """One part of a turn."""

    label: str
    """`calls order_status`, `image`; empty for plain text."""
    pieces: list[Piece]


class Turn(Struct, frozen=True):
    """What one side said at once."""

    role: str
    said: list[Said]
    is_answer: bool = False


def conversation(content: ContentRow) -> list[Turn]:
    """Return the turns of a request and its answer, in order."""
    asked = _asked(content)
    turns = asked[:MAX_TURNS]
    if len(asked) > MAX_TURNS:
        turns.append(_turn("…", f"{len(asked) - MAX_TURNS} more messages are in the raw text"))
    has_system = any(turn.role in {"system", "developer"} for turn in asked)
    if content.system and not has_system:
        turns.insert(0, _turn("system", content.system))
    return turns + _answered(content.response)


def pieces_of(text: str) -> list[Piece]:
    """Return a text taken apart at its redaction marks."""
    parts = _MARKER.split(text)
    return [Piece(part, number % 2 == 1) for number, part in enumerate(parts) if part]


def _asked(content: ContentRow) -> list[Turn]:
    if content.prompt is None:
        return []
    body = _decoded(content.prompt)
    messages = body.get("messages") if isinstance(body, dict) else body
    if not isinstance(messages, list) or not messages:
        return [_turn("user", content.prompt)]
    return [_message(message, "user") for message in messages]


def _answered(response: str | None) -> list[Turn]:
    if not response:
        return []
    body = _decoded(response)
    if isinstance(body, dict) and isinstance(body.get("choices"), list):
        messages = [choice.get("message") for choice in body["choices"] if isinstance(choice, dict)]
        turns = [_message(message, "assistant", is_answer=True) for message in messages if message]
        return turns or [_turn("assistant", response, is_answer=True)]
    if isinstance(body, dict) and ("content" in body or "tool_calls" in body):
        return [_message(body, "assistant", is_answer=True)]
    return [_turn("assistant", response, is_answer=True)]


def _message(message: object, role: str, *, is_answer: bool = False) -> Turn:
    if not isinstance(message, dict):
        return _turn(role, _text(message), is_answer=is_answer)
    said = _reasoning(message) + _content(message.get("content")) + _tool_calls(message)
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        said.append(Said("refusal", pieces_of(refusal)))
    given = message.get("role")
    shown = given if isinstance(given, str) and given else role
    return Turn(shown[:80], said or [Said("nothing", [])], is_answer)


def _reasoning(message: dict[str, Any]) -> list[Said]:
    found = message.get("reasoning_content") or message.get("reasoning")
    return [Said("reasoning", pieces_of(found))] if isinstance(found, str) else []


def _content(content: object) -> list[Said]:
    if content is None or content == "":
        return []
    if isinstance(content, list):
        return [_part(part) for part in content[:MAX_PARTS]]
    return [Said("", pieces_of(_text(content)))]


def _part(part: object) -> Said:
    if isinstance(part, dict):
        if isinstance(part.get("text"), str):
            return Said("", pieces_of(part["text"]))
        kind = part.get("type")
        return Said(str(kind or "part")[:80].replace("_", " "), [])
    return Said("", pieces_of(_text(part)))


def _tool_calls(message: dict[str, Any]) -> list[Said]:
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return []
    said = []
    for call in calls[:MAX_PARTS]:
        function = call.get("function", call) if isinstance(call, dict) else call
        named = function if isinstance(function, dict) else {}
        arguments = named.get("arguments", "" if named else function)
        label = f"calls {str(named.get('name') or 'a tool')[:200]}"
        said.append(Said(label, pieces_of(_text(arguments))))
    return said


def _turn(role: str, text: str, *, is_answer: bool = False) -> Turn:
    return Turn(role, [Said("", pieces_of(text))], is_answer)


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _decoded(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
