"""`alerts`: when the collector raises an alert. Bounds of volume keep small figures quiet."""

from pointsman.config.policy import Amount, Percent
from pointsman.config.section import Duration, Positive, Section

_DAY = Duration(86_400.0)
_WEEK = Duration(7 * 86_400.0)


class BudgetAlertConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A budget is nearly or wholly spent, as requests that it warned of or refused tell."""

    enabled: bool = True
    """Whether it is looked for."""
    percent: Percent = 90
    """Share of the cap that is nearly spent; a budget's own `warn_percent` must not be above it."""
    window: Duration = _DAY
    """How long after the last request that was warned or refused, within the budget's period."""


class UserSpikeConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user spends many times what is usual for that user."""

    enabled: bool = True
    """Whether it is looked for."""
    window: Duration = _DAY
    """What is compared, up to now."""
    baseline: Duration = _WEEK
    """What it is compared with: the time before the window, for a stretch as long as the window."""
    times: Positive = 5
    """How many times the usual is a spike."""
    min_usd: Amount = "10"
    """Less than this in the window is never a spike."""
    min_calls: Positive = 20
    """Fewer calls in the window are never a spike."""


class FeatureCostConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request of a feature costs many times what such requests cost before."""

    enabled: bool = True
    """Whether it is looked for."""
    window: Duration = Duration(3600.0)
    """What is compared, up to now."""
    baseline: Duration = _WEEK
    """The time before the window whose average it is compared with."""
    times: Positive = 3
    """How many times the average is too much."""
    min_usd: Amount = "1"
    """Less than this in the window is never too much."""
    min_calls: Positive = 20
    """Fewer calls in the window say nothing."""
    min_baseline_calls: Positive = 100
    """Fewer calls before it are no average."""


class UserShareConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One user spends nearly all that a feature costs, at whatever rate of requests."""

    enabled: bool = True
    """Whether it is looked for."""
    window: Duration = _DAY
    """What is looked at, up to now."""
    percent: Percent = 90
    """Share of the feature's cost that is too much for one user."""
    min_usd: Amount = "5"
    """A feature that cost less in the window is left alone."""
    min_users: Positive = 3
    """A feature with fewer users is left alone."""


class FallbackRateConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A route, or a target, serves many requests elsewhere than at the first choice."""

    enabled: bool = True
    """Whether it is looked for."""
    window: Duration = Duration(900.0)
    """What is looked at, up to now."""
    percent: Percent = 20
    """Share of the requests that is too much, although all of them may have been answered."""
    min_calls: Positive = 50
    """Fewer requests in the window say nothing."""


class BreakerOpenConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The breaker of a target has opened and not closed again."""

    enabled: bool = True
    """Whether it is looked for."""
    window: Duration = Duration(3600.0)
    """How long after its last change."""


class AlertsConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the collector raises an alert."""

    enabled: bool = True
    """Whether any is raised."""
    every: Duration = Duration(60.0)
    """How often the figures are looked at."""
    clear_after: Duration = Duration(600.0)
    """For how long an alert must not be found again before it is cleared."""
    budget: BudgetAlertConfig = BudgetAlertConfig()
    """A budget is nearly or wholly spent."""
    user_spike: UserSpikeConfig = UserSpikeConfig()
    """A user spends many times the usual."""
    feature_cost: FeatureCostConfig = FeatureCostConfig()
    """A feature costs many times the usual per request."""
    user_share: UserShareConfig = UserShareConfig()
    """One user spends nearly all that a feature costs."""
    fallback_rate: FallbackRateConfig = FallbackRateConfig()
    """Many requests are served elsewhere than at the first choice."""
    breaker_open: BreakerOpenConfig = BreakerOpenConfig()
    """The breaker of a target is open."""
