"""Answers of the Messages API, whole and streamed.

Source: https://platform.claude.com/docs/en/api/messages and
https://platform.claude.com/docs/en/build-with-claude/streaming (read 2026-11).
"""

from typing import TypeAlias

from msgspec import Raw, Struct

from pointsman.wire.anthropic.blocks import (
    RedactedThinkingBlock,
    TextBlock,
    ThinkingBlock,
    ToolUseBlock,
)


class CacheCreation(Struct):
    """Tokens written to the cache, by how long they stay."""

    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class OutputTokensDetails(Struct):
    """Part of `output_tokens`."""

    thinking_tokens: int | None = None


class Usage(Struct, omit_defaults=True):
    """Tokens. `input_tokens` does not hold those read from or written to the cache."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputTokensDetails | None = None


AnswerBlock: TypeAlias = TextBlock | ThinkingBlock | RedactedThinkingBlock | ToolUseBlock


class MessageBody(Struct, tag="message", tag_field="type"):
    """A whole answer, as it is written. Absent values are null, as the API writes them."""

    id: str
    role: str
    model: str
    content: list[AnswerBlock]
    stop_reason: str | None
    stop_sequence: str | None
    usage: Usage


class TextDelta(Struct, tag="text_delta"):
    """More text."""

    text: str


class ThinkingDelta(Struct, tag="thinking_delta"):
    """More reasoning."""

    thinking: str


class SignatureDelta(Struct, tag="signature_delta"):
    """The proof of the reasoning, at its end."""

    signature: str


class InputJsonDelta(Struct, tag="input_json_delta"):
    """More of the arguments of a tool call."""

    partial_json: str


class CitationsDelta(Struct, tag="citations_delta"):
    """A citation of the text."""

    citation: Raw


BlockDelta: TypeAlias = TextDelta | ThinkingDelta | SignatureDelta | InputJsonDelta | CitationsDelta


class MessageStart(Struct, tag="message_start"):
    """The answer begins; its content is empty."""

    message: MessageBody


class BlockStart(Struct, tag="content_block_start"):
    """A block begins."""

    index: int
    content_block: AnswerBlock


class BlockDeltaEvent(Struct, tag="content_block_delta"):
    """More of a block."""

    index: int
    delta: BlockDelta


class BlockStop(Struct, tag="content_block_stop"):
    """A block is complete."""

    index: int


class EndDelta(Struct):
    """How the answer ended."""

    stop_reason: str | None = None
    stop_sequence: str | None = None


class MessageDelta(Struct, tag="message_delta"):
    """The end of the answer, with the tokens so far."""

    delta: EndDelta
    usage: Usage


class MessageStop(Struct, tag="message_stop"):
    """The stream is complete."""
