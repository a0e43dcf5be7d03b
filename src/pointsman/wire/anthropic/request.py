"""Requests of the Messages API, whole and as far as the gateway reads them.

Source: https://platform.claude.com/docs/en/api/messages (read 2026-11).
"""

import msgspec
from msgspec import Struct

from pointsman.wire.anthropic.blocks import CacheControl, RequestBlock, TextBlock


class Message(Struct):
    """One message."""

    role: str
    content: str | list[RequestBlock]


class Tool(Struct, omit_defaults=True):
    """A tool: the client's own without a type or with `custom`, else one that Anthropic defines."""

    name: str = ""
    description: str | None = None
    input_schema: dict[str, object] | None = None
    type: str | None = None
    strict: bool | None = None
    cache_control: CacheControl | None = None


class ToolChoice(Struct, omit_defaults=True):
    """Whether tools may, must or must not be called."""

    type: str
    """`auto`, `any`, `tool` or `none`."""
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(Struct, omit_defaults=True):
    """How much to think."""

    type: str
    """`enabled`, `disabled` or `adaptive`."""
    budget_tokens: int | None = None
    display: str | None = None


class OutputFormat(Struct, omit_defaults=True):
    """The form of the text."""

    type: str
    """`json_schema`."""
    schema: dict[str, object] | None = None


class OutputConfig(Struct, omit_defaults=True):
    """Effort and form of the output."""

    effort: str | None = None
    format: OutputFormat | None = None


class Metadata(Struct, omit_defaults=True):
    """About the request."""

    user_id: str | None = None


class MessagesRequest(Struct, omit_defaults=True):
    """A whole request. `max_tokens` is required, but not for counting tokens."""

    model: str
    messages: list[Message]
    max_tokens: int | None = None
    system: str | list[TextBlock] | None = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    metadata: Metadata | None = None
    service_tier: str | None = None


class ReadBlock(Struct):
    """What deciding reads of a block: its text and its kind."""

    type: str = ""
    text: str | None = None
    content: "str | list[ReadBlock] | dict[str, object] | None" = None
    """Of the result of a tool; an object in the results of some of Anthropic's own tools."""


class ReadMessage(Struct):
    """One message, as far as deciding reads it."""

    role: str
    content: str | list[ReadBlock]


class ReadTool(Struct):
    """One tool, as far as deciding reads it."""

    name: str = ""
    type: str | None = None


class ReadRequest(Struct):
    """What deciding reads of a request; the rest stays in the bytes."""

    messages: list[ReadMessage]
    model: str | None = None
    max_tokens: int | None = None
    system: str | list[ReadBlock] | None = None
    stream: bool | None = None
    tools: list[ReadTool] | None = None
    output_config: OutputConfig | None = None
    metadata: dict[str, object] | None = None
    tenant_id: str | None = None


decode_request = msgspec.json.Decoder(MessagesRequest).decode
decode_read_request = msgspec.json.Decoder(ReadRequest).decode
