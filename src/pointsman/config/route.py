"""`routes`: what a model name that clients send turns into."""

from typing import Annotated, Literal

from msgspec import Meta, field

from pointsman.config.section import Duration, Section


class RuleConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule. Rules are looked at in order; the first whose condition holds chooses."""

    when: object = None
    """A condition (see docs/reference/conditions.md); absent means always."""
    use: str | list[str] = ""
    """A target, or several of which the first eligible one is chosen."""
    reason: str | None = None
    """A reason code of the vocabulary or of `reasons`."""


class StrategyConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to choose among several targets when no rule does."""

    kind: Literal["ordered", "weighted"] = "ordered"
    """`ordered` (the first eligible) or `weighted` (a recorded draw)."""
    weights: dict[str, float] = field(default_factory=dict)
    """For `weighted`: target -> weight, a positive number; shares are weights over their sum."""


class RouteConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One route: a model name that clients may send."""

    targets: list[str] = field(default_factory=list)
    """The chain in order; the first eligible serves, the others are failover."""
    rules: list[RuleConfig] = field(default_factory=list)
    """Looked at in order; the first whose condition holds chooses."""
    strategy: StrategyConfig | None = None
    """How to choose when no rule does; absent means the order of `targets`."""
    failover: list[str] = field(default_factory=list)
    """Targets to try, in order, when the chosen one fails before the first byte."""
    retry_first: bool = False
    """Whether a target that failed hard (no connection, timeout, 5xx) is asked again before the
    next one; absent or false moves on at once while another is left."""
    max_cost_ratio: Annotated[float, Meta(ge=1)] | None = None
    """In place of `resilience.max_cost_ratio`."""
    timeout: Duration | None = None
    """The whole call, over all attempts."""
    allow_override: bool = True
    """Whether `x-pointsman-target` of a caller with that right is honoured."""
    reason: str | None = None
    """Reason when no rule has one."""
