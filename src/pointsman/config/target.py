"""`targets`: a provider and a model under a name, with its limits."""

from typing import Annotated

from msgspec import Meta

from pointsman.config.resilience import BreakerConfig, ProbeConfig, RetryConfig
from pointsman.config.section import Duration, Positive, Section


class TimeoutConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of one attempt at the target, each a duration such as `20s`."""

    connect: Duration = Duration(5.0)
    """Name lookup, TCP and TLS."""
    first_token: Duration = Duration(60.0)
    """From the request sent to the first byte of the answer's body."""
    idle: Duration = Duration(30.0)
    """Longest silence between two pieces of the answer."""
    total: Duration = Duration(300.0)
    """The whole attempt."""


class CapabilitiesConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the model takes; it wins over what the built-in table knows.

    What neither knows excludes nothing.
    """

    vision: bool | None = None
    """Images in messages."""
    tools: bool | None = None
    """Tool calls."""
    tools_in_streams: bool | None = None
    """Tool calls in streamed answers."""
    json_schema: bool | None = None
    """Output that follows a JSON schema."""


class TargetConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One target."""

    provider: str
    """Name of a declared provider."""
    model: str
    """The model as that provider names it."""
    timeout: TimeoutConfig = TimeoutConfig()
    """Limits of one attempt."""
    context_tokens: Positive | None = None
    """Size of the context; larger prompts exclude the target."""
    capabilities: CapabilitiesConfig = CapabilitiesConfig()
    """What the model takes; a request that needs more excludes the target."""
    region: str | None = None
    """Where the model runs, as `residency` names places: `eu`, `local` …; absent is the
    provider's."""
    max_concurrent: Positive | None = None
    """Calls under way at once; absent is no limit."""
    max_wait: Duration = Duration(1.0)
    """How long a request waits for room among them before it moves on."""
    retry: RetryConfig | None = None
    """In place of `resilience.retry`, as a whole."""
    breaker: BreakerConfig | None = None
    """In place of `resilience.breaker`, as a whole."""
    num_ctx: Positive | list[Positive] | None = None
    """For `ollama`: the size of the context in tokens, or several of which the smallest that a
    request fits is taken. In place of the provider's."""
    keep_alive: str | int | None = None
    """For `ollama`: how long the model stays in memory after a call: `5m`, `24h`, 0 unloads it at
    once, -1 keeps it. Absent is the server's own default."""
    tokens_per_second: Annotated[float, Meta(gt=0)] | None = None
    """For `ollama`: the rate at which the model writes; the limits of time are raised to what
    an answer takes at that rate."""
    probe: ProbeConfig | None = None
    """Calls in the background; absent makes none."""
