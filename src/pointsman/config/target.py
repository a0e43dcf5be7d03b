"""`targets`: a provider and a model under a name, with its limits."""

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
