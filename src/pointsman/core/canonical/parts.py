"""The pieces that a turn of a conversation, or an answer, is made of."""

from typing import TypeAlias

from msgspec import Struct


class CacheHint(Struct, frozen=True, omit_defaults=True):
    """The caller's wish that the provider keeps everything up to this piece in its prompt cache."""

    ttl: str | None = None
    """How long, in the caller's words: `5m`, `1h`; None is the provider's default."""


class TextPart(Struct, tag="text", omit_defaults=True):
    """Text."""

    text: str
    cache: CacheHint | None = None


class ImagePart(Struct, tag="image", omit_defaults=True):
    """A picture, by address or as data: exactly one of `url` and `data` is set."""

    url: str | None = None
    """`https://…`; never a `data:` URL, which is decoded to `data`."""
    data: str | None = None
    """Base64, as it came."""
    media_type: str | None = None
    """As in `image/png`; set with `data`."""
    detail: str | None = None
    """OpenAI's `low`, `high` or `auto`."""
    cache: CacheHint | None = None


class AudioPart(Struct, tag="audio", omit_defaults=True):
    """Sound as data."""

    data: str
    """Base64."""
    media_type: str
    """As in `audio/wav`."""


class FilePart(Struct, tag="file", omit_defaults=True):
    """A document: by address, by the provider's id for an upload, or as data."""

    url: str | None = None
    file_id: str | None = None
    data: str | None = None
    """Base64."""
    text: str | None = None
    """A document that is given as plain text."""
    media_type: str | None = None
    filename: str | None = None
    cache: CacheHint | None = None


class ReasoningPart(Struct, tag="reasoning", omit_defaults=True):
    """What a model thought before it answered."""

    text: str = ""
    signature: str | None = None
    """Proof by the provider that made it; must come back unchanged in the next request."""
    encrypted: str | None = None
    """Reasoning that only its provider can read; `text` is empty then."""
    id: str | None = None
    """The provider's id of it, where it has one."""


class RefusalPart(Struct, tag="refusal", omit_defaults=True):
    """The model's own words for declining."""

    text: str


class ToolCallPart(Struct, tag="tool_call", omit_defaults=True):
    """The model asks the client to call a function."""

    id: str
    name: str
    arguments: str
    """JSON as text, as the model wrote it: it may be malformed."""
    signature: str | None = None
    """Gemini's `thoughtSignature`; must come back unchanged."""
    cache: CacheHint | None = None


class ToolResultPart(Struct, tag="tool_result", omit_defaults=True):
    """What the client's function returned."""

    call_id: str
    parts: list["TextPart | ImagePart | FilePart"]
    name: str | None = None
    """Of the function; found in the call with the same id where the dialect does not repeat it."""
    is_error: bool = False
    cache: CacheHint | None = None


Part: TypeAlias = (
    TextPart
    | ImagePart
    | AudioPart
    | FilePart
    | ReasoningPart
    | RefusalPart
    | ToolCallPart
    | ToolResultPart
)


def output_characters(parts: list[Part]) -> int:
    """Return the code points of text, reasoning, refusals and tool arguments."""
    count = 0
    for part in parts:
        match part:
            case TextPart() | ReasoningPart() | RefusalPart():
                count += len(part.text)
            case ToolCallPart():
                count += len(part.arguments)
            case _:
                pass
    return count
