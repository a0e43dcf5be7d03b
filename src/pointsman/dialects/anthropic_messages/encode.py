"""A canonical answer to a message."""

import msgspec
from msgspec import Raw

from pointsman.core.canonical.answer import Answer, AnswerChoice, FinishReason
from pointsman.core.canonical.parts import (
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
)
from pointsman.core.usage import Usage
from pointsman.wire.anthropic import blocks as wire
from pointsman.wire.anthropic.answer import (
    AnswerBlock,
    CacheCreation,
    MessageBody,
    OutputTokensDetails,
)
from pointsman.wire.anthropic.answer import Usage as WireUsage

_encode = msgspec.json.Encoder().encode
_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode

STOP_REASONS: dict[FinishReason, str] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
}


def encode_message(answer: Answer) -> bytes:
    """Return a `message` object; of several choices, which this dialect cannot ask for, the first.

    Reasoning without the proof that Anthropic asks for gets an empty one.
    """
    choice = answer.choices[0] if answer.choices else AnswerChoice([], None)
    reason = choice.finish_reason
    return _encode(
        MessageBody(
            id=answer.id,
            role="assistant",
            model=answer.model,
            content=[block for part in choice.parts for block in _blocks(part)],
            stop_reason=STOP_REASONS[reason] if reason is not None else None,
            stop_sequence=choice.stop_sequence,
            usage=wire_usage(answer.usage),
        )
    )


def wire_usage(usage: Usage | None) -> WireUsage:
    """Return the counts as this API writes them: input without what the cache read and wrote."""
    if usage is None:
        return WireUsage(0, 0)
    read, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    reasoning = usage.reasoning_tokens
    return WireUsage(
        input_tokens=max(0, (usage.input_tokens or 0) - read - written),
        output_tokens=usage.output_tokens or 0,
        cache_creation_input_tokens=usage.cache_write_tokens,
        cache_read_input_tokens=usage.cache_read_tokens,
        cache_creation=_by_stay(written, usage.cache_write_1h_tokens),
        output_tokens_details=OutputTokensDetails(reasoning) if reasoning is not None else None,
    )


def _by_stay(written: int, kept: int | None) -> CacheCreation | None:
    """Return the tokens written to the cache by how long they stay, where that is known."""
    return CacheCreation(written - kept, kept) if kept is not None else None


def _blocks(part: Part) -> list[AnswerBlock]:
    match part:
        case TextPart() | RefusalPart():
            return [wire.TextBlock(part.text)] if part.text else []
        case ReasoningPart(encrypted=str(cipher)):
            return [wire.RedactedThinkingBlock(cipher)]
        case ReasoningPart():
            return [wire.ThinkingBlock(part.text, part.signature or "")]
        case ToolCallPart():
            return [wire.ToolUseBlock(part.id, part.name, _input(part.arguments))]
        case _:
            return []


def _input(arguments: str) -> Raw:
    """Return the arguments as the object that this API has; what is none is kept as text in one."""
    try:
        _decode_object(arguments or "{}")
    except (msgspec.MsgspecError, RecursionError):
        return Raw(_encode({"malformed_arguments": arguments}))
    return Raw((arguments or "{}").encode())
