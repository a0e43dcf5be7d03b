"""Alerts as they are kept, and the figures that they are decided from. No rule, no SQL, no engine.

Every figure comes from a bounded window of time. Amounts are integer nano-USD.
"""

from msgspec import Struct, field

MAX_FIGURES = 500
"""Rows of each list of figures; the largest come first."""
MAX_ALERTS = 500
"""Alerts of one answer."""


class Window(Struct, frozen=True):
    """A span of time, its end exclusive."""

    from_unix_ns: int
    to_unix_ns: int

    @property
    def length_s(self) -> float:
        """Return its length in seconds."""
        return (self.to_unix_ns - self.from_unix_ns) / 1e9


class AlertWindows(Struct, frozen=True, kw_only=True):
    """Which spans of time the figures are taken from."""

    budgets: Window
    users: Window
    users_before: Window
    features: Window
    features_before: Window
    shares: Window
    fallbacks: Window
    breakers: Window


class BudgetFigure(Struct, frozen=True, kw_only=True):
    """A budget of which requests said that it is nearly or wholly spent."""

    tenant: str | None
    scope: str
    rule: str
    spent_nano_usd: int
    limit_nano_usd: int
    requests: int
    refused: int
    resets_unix_ns: int | None


class UserFigure(Struct, frozen=True, kw_only=True):
    """What one user spent, now and before."""

    tenant: str | None
    user: str
    calls: int
    spent_nano_usd: int
    before_nano_usd: int


class FeatureFigure(Struct, frozen=True, kw_only=True):
    """What requests of one feature cost, now and before."""

    tenant: str | None
    feature: str
    calls: int
    spent_nano_usd: int
    calls_before: int
    before_nano_usd: int


class ShareFigure(Struct, frozen=True, kw_only=True):
    """The user who spent the most of one feature."""

    tenant: str | None
    feature: str
    user: str
    spent_nano_usd: int
    feature_nano_usd: int
    calls: int
    users: int
    """How many users the feature had."""


class FallbackFigure(Struct, frozen=True, kw_only=True):
    """How often requests were served elsewhere than at their first choice."""

    by: str
    """`route` or `target`."""
    name: str
    calls: int
    fallbacks: int


class BreakerFigure(Struct, frozen=True, kw_only=True):
    """A breaker that changed its state."""

    target: str
    state: str
    """The last one that a record tells of."""
    opened_unix_ns: int
    """When it opened last, as far as records tell; 0 when none does."""
    openings: int
    request_id: str
    """Of the last change."""


class AlertFigures(Struct, frozen=True, kw_only=True):
    """Everything that alerts are decided from."""

    windows: AlertWindows
    budgets: tuple[BudgetFigure, ...] = ()
    users: tuple[UserFigure, ...] = ()
    features: tuple[FeatureFigure, ...] = ()
    shares: tuple[ShareFigure, ...] = ()
    fallbacks: tuple[FallbackFigure, ...] = ()
    breakers: tuple[BreakerFigure, ...] = ()


class Finding(Struct, frozen=True, kw_only=True):
    """Something that is out of bounds now, with both values that were compared."""

    kind: str
    """`budget`, `user_spike`, `feature_cost`, `user_share`, `fallback_rate` or `breaker_open`."""
    subject: str
    """Whom or what it is about: `user:ada`, `route:auto`."""
    tenant: str | None = None
    """Whose business it is; None is the operator's."""
    observed: int
    bound: int
    unit: str
    """Of the two: `nano_usd`, `percent` or `openings`."""
    baseline: int | None = None
    """The usual value, where the bound follows from one."""
    calls: int = 0
    window_s: int = 0
    requests: dict[str, str] = field(default_factory=dict)
    """Filters of the list of requests that show those behind it."""

    @property
    def key(self) -> tuple[str, str, str | None]:
        """Return what there is at most one open alert of."""
        return self.kind, self.subject, self.tenant


class Alert(Struct, frozen=True, kw_only=True):
    """A finding from when it was first seen until it was seen no more."""

    alert_id: str
    opened_unix_ns: int
    seen_unix_ns: int
    """When it was found last."""
    cleared_unix_ns: int | None = None
    """None while it is open."""
    finding: Finding
    """As it was found last."""

    @property
    def is_open(self) -> bool:
        """Tell whether it still holds."""
        return self.cleared_unix_ns is None


class AlertChanges(Struct, frozen=True, kw_only=True):
    """What one look at the figures changed. Each alert is whole, as it is to be kept."""

    opened: tuple[Alert, ...] = ()
    seen: tuple[Alert, ...] = ()
    cleared: tuple[Alert, ...] = ()
