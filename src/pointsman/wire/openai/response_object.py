"""The Responses API: the object that answers, and what its items hold, as they are written.

Source: https://platform.openai.com/docs/api-reference/responses/object (read 2026-11).
"""

from msgspec import Raw, Struct, field


class OutputText(Struct, tag="output_text"):
    """Text of a message."""

    text: str
    annotations: list[Raw] = field(default_factory=list)
    logprobs: list[Raw] = field(default_factory=list)


class OutputRefusal(Struct, tag="refusal"):
    """The model declines."""

    refusal: str


class MessageItem(Struct, tag="message"):
    """A message of the model."""

    id: str
    content: list[OutputText | OutputRefusal]
    status: str = "completed"
    role: str = "assistant"


class FunctionCallItem(Struct, tag="function_call"):
    """The model asks for a function to be called."""

    id: str
    call_id: str
    name: str
    arguments: str
    status: str = "completed"


class SummaryText(Struct, tag="summary_text"):
    """A part of a summary of reasoning."""

    text: str


class ReasoningItem(Struct, tag="reasoning", omit_defaults=True):
    """What the model thought."""

    id: str
    summary: list[SummaryText]
    encrypted_content: str | None = None


OutputItem = MessageItem | FunctionCallItem | ReasoningItem


class InputTokensDetails(Struct):
    """Part of `input_tokens`."""

    cached_tokens: int = 0
    cache_write_tokens: int = 0


class OutputTokensDetails(Struct):
    """Part of `output_tokens`."""

    reasoning_tokens: int = 0


class ResponseUsage(Struct):
    """Tokens."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens_details: OutputTokensDetails


class IncompleteDetails(Struct):
    """Why a response is not complete."""

    reason: str
    """`max_output_tokens` or `content_filter`."""


class ResponseObject(Struct, kw_only=True):
    """A response. What it does not have is null, as the API writes it."""

    id: str
    object_type: str = field(default="response", name="object")
    created_at: int
    status: str
    error: object = None
    incomplete_details: IncompleteDetails | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    model: str
    output: list[OutputItem]
    parallel_tool_calls: bool = True
    previous_response_id: str | None = None
    reasoning: dict[str, str | None]
    store: bool = False
    temperature: float | None = None
    text: dict[str, object]
    tool_choice: object = "auto"
    tools: list[Raw]
    top_p: float | None = None
    truncation: str = "disabled"
    usage: ResponseUsage | None = None
    user: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
