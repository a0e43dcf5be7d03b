"""What a model takes, as routing compares it with what a request needs."""

from msgspec import Struct


class Capabilities(Struct, frozen=True, kw_only=True):
    """What a model takes. None is unknown, and unknown excludes nothing."""

    vision: bool | None = None
    """Images in messages."""
    tools: bool | None = None
    """Tool calls."""
    tools_in_streams: bool | None = None
    """Tool calls in streamed answers."""
    json_schema: bool | None = None
    """Output that follows a JSON schema."""
    context_tokens: int | None = None
    """Input and output together."""
