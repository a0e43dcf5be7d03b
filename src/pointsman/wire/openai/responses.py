"""The Responses API: requests as the gateway reads and decodes them.

Source: https://platform.openai.com/docs/api-reference/responses/create (read 2026-11).
"""

import msgspec
from msgspec import Struct, field


class InputPart(Struct):
    """A part of a message, or of what a function returned."""

    type: str = ""
    """`input_text`, `output_text`, `refusal`, `input_image`, `input_file` …"""
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    detail: str | None = None
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None


class SummaryPart(Struct):
    """A part of a summary of reasoning, or of reasoning itself."""

    text: str = ""


class InputItem(Struct):
    """One item of the input. Without a type it is a message."""

    type: str = "message"
    role: str | None = None
    content: str | list[InputPart] | None = None
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: str | list[InputPart] | None = None
    summary: list[SummaryPart] | None = None
    encrypted_content: str | None = None


class Tool(Struct):
    """A function of the client's, or a tool that the provider runs."""

    type: str = "function"
    name: str = ""
    description: str | None = None
    parameters: dict[str, object] | None = None
    strict: bool | None = None


class ReasoningConfig(Struct):
    """How much to think, and what of it to show."""

    effort: str | None = None
    summary: str | None = None


class TextFormat(Struct, omit_defaults=True):
    """The form of the text."""

    type: str = ""
    """`text`, `json_object` or `json_schema`."""
    name: str | None = None
    description: str | None = None
    schema: dict[str, object] | None = None
    strict: bool | None = None


class TextConfig(Struct, omit_defaults=True):
    """Form and length of the text."""

    format: TextFormat | None = None
    verbosity: str | None = None


class ResponsesRequest(Struct):
    """A request, without what only a provider that keeps responses can do."""

    input: str | list[InputItem] = field(default_factory=list)
    model: str | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    parallel_tool_calls: bool | None = None
    reasoning: ReasoningConfig | None = None
    service_tier: str | None = None
    stream: bool | None = None
    temperature: float | None = None
    text: TextConfig | None = None
    tool_choice: str | dict[str, object] | None = None
    tools: list[Tool] | None = None
    top_logprobs: int | None = None
    top_p: float | None = None
    user: str | None = None
    tenant_id: str | None = None
    metadata: dict[str, object] | None = None


decode_request = msgspec.json.Decoder(ResponsesRequest).decode
