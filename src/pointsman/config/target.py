"""`targets`: a provider and a model under a name, with its limits."""

from pointsman.config.section import Duration, Section


class TimeoutConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of one attempt at the target, each a duration such as `20s`."""

    connect: Duration = Duration(5.0)
    first_token: Duration = Duration(60.0)
    idle: Duration = Duration(30.0)
    total: Duration = Duration(300.0)


class TargetConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One target."""

    provider: str
    """Name of a declared provider."""
    model: str
    """The model as that provider names it."""
    timeout: TimeoutConfig = TimeoutConfig()
    context_tokens: int | None = None
    """Size of the context; larger prompts exclude the target."""
