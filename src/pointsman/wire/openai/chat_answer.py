"""Chat completions and their chunks in full, as they are written for clients.

Sources: https://platform.openai.com/docs/api-reference/chat/object and
https://platform.openai.com/docs/api-reference/chat-streaming/streaming (read 2026-11). Extensions:
`reasoning_content` (DeepSeek, vLLM), `reasoning_details` and `images` (OpenRouter), `extra_content`
of a tool call (Google).
"""

from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType

from pointsman.wire.openai.chat_request import ReasoningDetail


class Function(Struct):
    """The function of a call."""

    name: str
    arguments: str


class FunctionPiece(Struct):
    """A piece of a call's arguments."""

    arguments: str


class Call(Struct):
    """A tool call."""

    id: str
    function: Function
    type: str = "function"
    extra_content: dict[str, Any] | UnsetType = UNSET
    index: int | UnsetType = UNSET
    """In chunks only."""


class CallPiece(Struct):
    """More of a tool call that has begun."""

    index: int
    function: FunctionPiece


class Image(Struct):
    """A picture that the model made."""

    image_url: dict[str, str]
    type: str = "image_url"


class Message(Struct):
    """The message of a choice."""

    content: str | None
    refusal: str | None = None
    role: str = "assistant"
    reasoning_content: str | UnsetType = UNSET
    reasoning_details: list[ReasoningDetail] | UnsetType = UNSET
    tool_calls: list[Call] | UnsetType = UNSET
    function_call: Function | UnsetType = UNSET
    images: list[Image] | UnsetType = UNSET


class Delta(Struct):
    """What a chunk adds to the message of a choice."""

    role: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    refusal: str | UnsetType = UNSET
    reasoning_content: str | UnsetType = UNSET
    reasoning_details: list[ReasoningDetail] | UnsetType = UNSET
    tool_calls: list[Call | CallPiece] | UnsetType = UNSET
    function_call: Function | FunctionPiece | UnsetType = UNSET


class Choice(Struct):
    """One alternative."""

    index: int
    message: Message
    finish_reason: str
    logprobs: Raw | None = None


class ChunkChoice(Struct):
    """What a chunk says of one alternative."""

    index: int
    delta: Delta
    logprobs: Raw | UnsetType = UNSET
    finish_reason: str | None = None


class Usage(Struct):
    """Token counts."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: dict[str, int] | UnsetType = UNSET
    completion_tokens_details: dict[str, int] | UnsetType = UNSET


class Completion(Struct):
    """A whole answer."""

    id: str
    created: int
    model: str
    choices: list[Choice]
    object: str = "chat.completion"
    usage: Usage | UnsetType = UNSET
    service_tier: str | UnsetType = UNSET
    system_fingerprint: str | UnsetType = UNSET


class Chunk(Struct):
    """One event of a streamed answer."""

    id: str
    created: int
    model: str
    choices: list[ChunkChoice]
    object: str = "chat.completion.chunk"
    usage: Usage | UnsetType = UNSET
