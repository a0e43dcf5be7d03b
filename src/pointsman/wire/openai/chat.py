"""Chat completions: the parts of requests, answers and chunks that the gateway reads.

Decoding is partial: fields that are not named here are skipped, not lost, because bodies are
forwarded as bytes. Source: https://platform.openai.com/docs/api-reference/chat (read 2026-11).
"""

import msgspec
from msgspec import Raw, Struct, field


class ContentPart(Struct):
    """One part of a multimodal message."""

    type: str = ""
    text: str | None = None


class ChatMessage(Struct):
    """One message of the conversation."""

    role: str
    content: str | list[ContentPart] | None = None


class FunctionName(Struct):
    """The name of a declared function."""

    name: str = ""


class ChatTool(Struct):
    """One declared tool."""

    type: str = "function"
    function: FunctionName | None = None


class StreamOptions(Struct):
    """Options of a streamed answer."""

    include_usage: bool | None = None


class ResponseFormat(Struct):
    """Which form the output must have."""

    type: str = "text"


class ChatRequest(Struct):
    """What the gateway reads of a request body."""

    messages: list[ChatMessage]
    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    n: int | None = None
    tools: list[ChatTool] | None = None
    response_format: ResponseFormat | None = None
    web_search_options: dict[str, Raw] | None = None
    """Present when the provider is to search the web by itself."""
    user: str | None = None
    tenant_id: str | None = None
    metadata: dict[str, object] | None = None


class PromptTokensDetails(Struct):
    """Part of `prompt_tokens`."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class CompletionTokensDetails(Struct):
    """Part of `completion_tokens`."""

    reasoning_tokens: int | None = None


class ChatUsage(Struct):
    """Token counts as OpenAI-compatible APIs report them."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: PromptTokensDetails | None = None
    completion_tokens_details: CompletionTokensDetails | None = None


class FunctionCall(Struct):
    """The function that a tool call names, or a piece of its arguments in a chunk."""

    name: str | None = None
    arguments: str | None = None
    """JSON as text."""


class ToolCall(Struct):
    """A tool call of an answer, or a piece of one in a chunk."""

    index: int = 0
    function: FunctionCall | None = None


class AnswerMessage(Struct):
    """The message of a choice, as far as its length and tool calls matter."""

    content: str | None = None
    reasoning_content: str | None = None
    """Reasoning beside the answer: DeepSeek and vLLM.
    https://api-docs.deepseek.com/guides/reasoning_model (read 2026-11)."""
    reasoning: str | None = None
    """The same at OpenRouter and Groq.
    https://openrouter.ai/docs/use-cases/reasoning-tokens (read 2026-11)."""
    refusal: str | None = None
    tool_calls: list[Raw] | None = None
    """Each a `ToolCall`, or a piece of one in a chunk."""


class AnswerChoice(Struct):
    """One choice of a whole answer."""

    message: AnswerMessage | None = None
    finish_reason: str | None = None


class ChatCompletion(Struct):
    """What the gateway reads of a whole answer."""

    id: str | None = None
    model: str | None = None
    choices: list[AnswerChoice] | None = None
    usage: ChatUsage | None = None
    error: Raw = field(default_factory=Raw)


class ChunkChoice(Struct):
    """One choice of a chunk; `delta` has the shape of a message."""

    index: int = 0
    delta: AnswerMessage | None = None
    finish_reason: str | None = None


class ChatChunk(Struct):
    """What the gateway reads of one streamed chunk."""

    id: str | None = None
    model: str | None = None
    choices: list[ChunkChoice] | None = None
    usage: ChatUsage | None = None
    error: Raw = field(default_factory=Raw)


decode_request = msgspec.json.Decoder(ChatRequest).decode
decode_completion = msgspec.json.Decoder(ChatCompletion).decode
decode_chunk = msgspec.json.Decoder(ChatChunk).decode
decode_tool_call = msgspec.json.Decoder(ToolCall).decode
