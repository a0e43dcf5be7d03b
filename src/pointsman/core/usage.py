"""Token usage of one call, normalised over providers.

`input_tokens` holds all input tokens, cache reads and writes included; `output_tokens` holds all
output tokens, reasoning included (the OpenTelemetry GenAI convention). None is unknown; 0 is zero.
"""

from msgspec import Struct


class Usage(Struct, frozen=True, omit_defaults=True):
    """Tokens that a provider reported, or that we estimated, for one attempt."""

    input_tokens: int | None = None
    """All input tokens, cached ones included."""
    output_tokens: int | None = None
    """All output tokens, reasoning included."""
    cache_read_tokens: int | None = None
    """Input tokens served from the provider's prompt cache; part of `input_tokens`."""
    cache_write_tokens: int | None = None
    """Input tokens written to the provider's prompt cache; part of `input_tokens`."""
    reasoning_tokens: int | None = None
    """Output tokens spent on reasoning; part of `output_tokens`."""
    estimated: bool = False
    """True when no provider reported these figures."""
    cache_write_1h_tokens: int | None = None
    """Those of `cache_write_tokens` that are to stay for an hour, which Anthropic prices apart;
    None is unknown, and then they are priced as the rest."""
