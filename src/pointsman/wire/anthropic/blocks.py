"""Content blocks of messages, in requests and in answers.

Source: https://platform.claude.com/docs/en/api/messages (read 2026-11).
"""

from typing import TypeAlias

from msgspec import UNSET, Raw, Struct


class CacheControl(Struct, omit_defaults=True):
    """A breakpoint of the prompt cache."""

    type: str = ""
    """`ephemeral`."""
    ttl: str | None = None
    """`5m` or `1h`."""


class Base64Source(Struct, tag="base64"):
    """Data in the request."""

    media_type: str
    data: str


class UrlSource(Struct, tag="url"):
    """An address that Anthropic fetches."""

    url: str


class FileSource(Struct, tag="file"):
    """An upload to the Files API."""

    file_id: str


class TextSource(Struct, tag="text"):
    """A document as plain text."""

    media_type: str
    data: str


class ContentSource(Struct, tag="content"):
    """A document as content blocks."""

    content: Raw


Source: TypeAlias = Base64Source | UrlSource | FileSource | TextSource | ContentSource


class TextBlock(Struct, tag="text", omit_defaults=True):
    """Text."""

    text: str
    cache_control: CacheControl | None = None
    citations: object = UNSET


class ImageBlock(Struct, tag="image", omit_defaults=True):
    """A picture."""

    source: Source
    cache_control: CacheControl | None = None


class DocumentBlock(Struct, tag="document", omit_defaults=True):
    """A document."""

    source: Source
    title: str | None = None
    context: str | None = None
    citations: object = UNSET
    cache_control: CacheControl | None = None


class ThinkingBlock(Struct, tag="thinking"):
    """Reasoning with its proof."""

    thinking: str
    signature: str


class RedactedThinkingBlock(Struct, tag="redacted_thinking"):
    """Reasoning that only Anthropic can read."""

    data: str


class ToolUseBlock(Struct, tag="tool_use", omit_defaults=True):
    """A call of the client's tool."""

    id: str
    name: str
    input: Raw
    """A JSON object."""
    cache_control: CacheControl | None = None
    caller: object = UNSET


class ToolResultBlock(Struct, tag="tool_result", omit_defaults=True):
    """What the client's tool returned."""

    tool_use_id: str
    content: str | list[TextBlock | ImageBlock | DocumentBlock] | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None


RequestBlock: TypeAlias = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | ThinkingBlock
    | RedactedThinkingBlock
    | ToolUseBlock
    | ToolResultBlock
)
"""What a message of a request may hold, as far as another provider can be told of it."""
