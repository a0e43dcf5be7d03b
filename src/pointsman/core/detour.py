"""Where a prompt rule sends a request instead of where its model name leads."""

from msgspec import Struct


class Detour(Struct, frozen=True, kw_only=True):
    """A rule's choice of a target or route. Nothing else may serve the request then."""

    rule: str
    """Path of the rule: `policy.rules.secrets-stay-here`."""
    use: str
    """A declared target or route."""
    replaces_named: bool = False
    """Whether it also replaces a model that the caller named; else such a request is refused."""
    message: str | None = None
    """What the caller is told then; None for the gateway's own words."""
