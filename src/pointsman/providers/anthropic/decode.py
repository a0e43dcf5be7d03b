"""The provider's words to ours: whole answers, their text, and why they ended.

Reading is tolerant: blocks of kinds that are not known are left out, fields of a surprising type
count as absent. What cannot be missing is the message and its content.
"""

import msgspec
from msgspec import Raw

from pointsman.core.canonical.answer import Answer, AnswerChoice, FinishReason
from pointsman.core.canonical.parts import Part, ReasoningPart, TextPart, ToolCallPart
from pointsman.core.provider import Completion
from pointsman.cost.usage import from_anthropic
from pointsman.providers.judge import Judge
from pointsman.providers.tolerant import decode_tolerantly
from pointsman.wire.anthropic.received import ReceivedBlock, ReceivedMessage, decode_message
from pointsman.wire.malformed import MALFORMED

FINISH_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "refusal": "refusal",
    "model_context_window_exceeded": "length",
}
"""Source: https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons (2026-11)."""

_NO_ERROR = (Raw(), Raw(b"null"))


def decode_native(body: bytes, status: int, judge: Judge) -> Completion:
    """Describe a whole answer that is handed on as it is.

    Raises:
        UpstreamError: It is an error body, not JSON, or no message.
    """
    message = _message(body, status, judge)
    return Completion(
        body=body,
        response_id=message.id,
        model=message.model,
        finish_reasons=[message.stop_reason] if message.stop_reason else [],
        usage=from_anthropic(message.usage),
        output_characters=sum(map(block_characters, message.content or ())),
    )


def decode_answer(body: bytes, status: int, judge: Judge, unix_s: int) -> Answer:
    """Decode a whole answer.

    Args:
        body: As it came, with a success status.
        status: That status.
        judge: Turns an error into the one to raise.
        unix_s: Now; the API does not say when an answer was made.

    Raises:
        UpstreamError: It is an error body, not JSON, or no message.
    """
    message = _message(body, status, judge)
    parts = [part for part in map(_part, message.content or ()) if part is not None]
    choice = AnswerChoice(parts, finish_reason(message.stop_reason), message.stop_sequence)
    return Answer(
        id=message.id or "",
        model=message.model or "",
        created_unix_s=unix_s,
        choices=[choice],
        usage=from_anthropic(message.usage),
    )


def finish_reason(stop_reason: str | None) -> FinishReason | None:
    """Return why an answer ended; a reason that is not known yet is an ordinary end."""
    return FINISH_REASONS.get(stop_reason, "stop") if stop_reason else None


def is_error(error: Raw) -> bool:
    """Tell whether an `error` field is present and says something."""
    return error not in _NO_ERROR


def block_characters(block: ReceivedBlock) -> int:
    """Return the code points of text, reasoning and tool arguments."""
    if block.type == "tool_use":
        return len(arguments_of(block))
    return len(block.text or "") + len(block.thinking or "")


def arguments_of(block: ReceivedBlock) -> str:
    """Return the arguments of a whole tool call as JSON text."""
    said = bytes(block.input)
    return said.decode("utf-8", "replace") if said not in (b"", b"null") else "{}"


def _message(body: bytes, status: int, judge: Judge) -> ReceivedMessage:
    try:
        message = decode_message(body)
    except MALFORMED:
        message = decode_tolerantly(body, ReceivedMessage) or ReceivedMessage()
    if is_error(message.error) or message.content is None:
        raise judge.error(status, body)
    return message


def _part(block: ReceivedBlock) -> Part | None:
    match block.type:
        case "text":
            return TextPart(block.text or "")
        case "thinking":
            return ReasoningPart(block.thinking or "", signature=block.signature or None)
        case "redacted_thinking":
            return ReasoningPart(encrypted=block.data)
        case "tool_use":
            return ToolCallPart(block.id or "", block.name or "", _compact(block))
        case _:
            # Tools that Anthropic runs itself: their outcome is in the text that follows.
            return None


def _compact(block: ReceivedBlock) -> str:
    """Return arguments without the white space that the API's own JSON may have."""
    text = arguments_of(block)
    try:
        return msgspec.json.format(text, indent=-1)
    except MALFORMED:
        return text
