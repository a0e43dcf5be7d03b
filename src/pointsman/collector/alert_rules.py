"""When figures are out of bounds, and what that does to the alerts that are open. Pure.

`evaluate` compares, `advance` remembers: at most one alert is open for a kind and a subject, from
when it was first found until it has not been found for a while.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from msgspec import structs

from pointsman.config.alerts import AlertsConfig
from pointsman.core.money import nano_usd_from_text
from pointsman.store.alerts import (
    MAX_ALERTS,
    Alert,
    AlertChanges,
    AlertFigures,
    AlertWindows,
    BudgetFigure,
    Finding,
    Window,
)

KINDS = (
    "budget", "user_spike", "feature_cost", "user_share", "fallback_rate", "breaker_open",
)  # fmt: skip
"""Every kind of alert."""
MAX_PER_KIND = 80
"""Findings of one kind; the largest figures come first."""
_S = 1_000_000_000
_SCOPE = re.compile(r"(?:\A|,)(key|tenant|team|user|feature|workload|model):")
_OPEN_STATES = frozenset({"open", "half_open"})


def windows_at(now_unix_ns: int, settings: AlertsConfig) -> AlertWindows:
    """Return the spans of time that alerts are decided from, which all end now."""

    def last(seconds: float) -> Window:
        return Window(max(0, now_unix_ns - round(seconds * _S)), now_unix_ns)

    def before(window: Window, seconds: float) -> Window:
        return Window(max(0, window.from_unix_ns - round(seconds * _S)), window.from_unix_ns)

    users, features = last(settings.user_spike.window), last(settings.feature_cost.window)
    return AlertWindows(
        budgets=last(settings.budget.window),
        users=users,
        users_before=before(users, settings.user_spike.baseline),
        features=features,
        features_before=before(features, settings.feature_cost.baseline),
        shares=last(settings.user_share.window),
        fallbacks=last(settings.fallback_rate.window),
        breakers=last(settings.breaker_open.window),
    )


def evaluate(figures: AlertFigures, settings: AlertsConfig) -> list[Finding]:
    """Return what is out of bounds. The same figures and settings give the same findings."""
    if not settings.enabled:
        return []
    kinds: tuple[Callable[[AlertFigures, AlertsConfig], Iterable[Finding]], ...] = (
        _budgets, _user_spikes, _feature_costs, _user_shares, _fallback_rates, _open_breakers,
    )  # fmt: skip
    return [finding for kind in kinds for finding in list(kind(figures, settings))[:MAX_PER_KIND]]


def advance(
    known: Sequence[Alert], findings: Sequence[Finding], now_unix_ns: int, clear_after_s: float
) -> AlertChanges:
    """Return what the findings of now change.

    Args:
        known: The alerts that are open.
        findings: What is out of bounds now.
        now_unix_ns: The time of the figures.
        clear_after_s: For how long an alert must not be found before it is cleared.
    """
    found = {finding.key: finding for finding in findings}
    by_key = {alert.finding.key: alert for alert in known}
    seen = [
        structs.replace(alert, seen_unix_ns=now_unix_ns, finding=found[key])
        for key, alert in by_key.items()
        if key in found
    ]
    limit_ns = now_unix_ns - round(clear_after_s * _S)
    cleared = [
        structs.replace(alert, cleared_unix_ns=now_unix_ns)
        for alert in known
        if alert.finding.key not in found and alert.seen_unix_ns <= limit_ns
    ]
    opened = [
        Alert(
            alert_id=_id_of(finding, now_unix_ns),
            opened_unix_ns=now_unix_ns,
            seen_unix_ns=now_unix_ns,
            finding=finding,
        )
        for key, finding in found.items()
        if key not in by_key
    ]
    room = max(0, MAX_ALERTS - len(known))
    return AlertChanges(opened=tuple(opened[:room]), seen=tuple(seen), cleared=tuple(cleared))


def _budgets(figures: AlertFigures, settings: AlertsConfig) -> Iterable[Finding]:
    rule = settings.budget
    for each in figures.budgets if rule.enabled else ():
        # A refusal alone says nothing: one call may be dearer than all that the cap allows.
        if each.spent_nano_usd * 100 < rule.percent * each.limit_nano_usd:
            continue
        yield Finding(
            kind="budget",
            subject=f"{each.scope} {each.rule}".strip(),
            tenant=each.tenant,
            observed=each.spent_nano_usd,
            bound=each.limit_nano_usd,
            unit="nano_usd",
            calls=each.requests,
            window_s=round(rule.window),
            requests=_filters(
                figures.windows.budgets, **({"tenant": each.tenant} | _of_scope(each))
            ),
        )


def _user_spikes(figures: AlertFigures, settings: AlertsConfig) -> Iterable[Finding]:
    rule, windows = settings.user_spike, figures.windows
    least = nano_usd_from_text(str(rule.min_usd))
    for each in figures.users if rule.enabled else ():
        usual = _scaled(each.before_nano_usd, windows.users, windows.users_before)
        bound = max(least, rule.times * usual)
        if each.spent_nano_usd >= bound and each.calls >= rule.min_calls:
            yield Finding(
                kind="user_spike",
                subject=f"user:{each.user}",
                tenant=each.tenant,
                observed=each.spent_nano_usd,
                bound=bound,
                unit="nano_usd",
                baseline=usual,
                calls=each.calls,
                window_s=round(rule.window),
                requests=_filters(windows.users, tenant=each.tenant, user=each.user),
            )


def _feature_costs(figures: AlertFigures, settings: AlertsConfig) -> Iterable[Finding]:
    rule, windows = settings.feature_cost, figures.windows
    least = nano_usd_from_text(str(rule.min_usd))
    for each in figures.features if rule.enabled else ():
        is_enough = (
            each.calls >= rule.min_calls
            and each.calls_before >= rule.min_baseline_calls
            and each.spent_nano_usd >= least
            and each.before_nano_usd > 0
        )
        # Multiplied out: the averages themselves are no whole numbers.
        if is_enough and (
            each.spent_nano_usd * each.calls_before
            >= rule.times * each.before_nano_usd * each.calls
        ):
            yield Finding(
                kind="feature_cost",
                subject=f"feature:{each.feature}",
                tenant=each.tenant,
                observed=each.spent_nano_usd // each.calls,
                bound=rule.times * each.before_nano_usd // each.calls_before,
                unit="nano_usd",
                baseline=each.before_nano_usd // each.calls_before,
                calls=each.calls,
                window_s=round(rule.window),
                requests=_filters(windows.features, tenant=each.tenant, feature=each.feature),
            )


def _user_shares(figures: AlertFigures, settings: AlertsConfig) -> Iterable[Finding]:
    rule, window = settings.user_share, figures.windows.shares
    least = nano_usd_from_text(str(rule.min_usd))
    for each in figures.shares if rule.enabled else ():
        is_enough = each.users >= rule.min_users and each.feature_nano_usd >= max(1, least)
        if is_enough and each.spent_nano_usd * 100 >= rule.percent * each.feature_nano_usd:
            yield Finding(
                kind="user_share",
                subject=f"user:{each.user} of feature:{each.feature}",
                tenant=each.tenant,
                observed=each.spent_nano_usd * 100 // each.feature_nano_usd,
                bound=rule.percent,
                unit="percent",
                calls=each.calls,
                window_s=round(rule.window),
                requests=_filters(window, tenant=each.tenant, user=each.user, feature=each.feature),
            )


def _fallback_rates(figures: AlertFigures, settings: AlertsConfig) -> Iterable[Finding]:
    rule = settings.fallback_rate
    for each in figures.fallbacks if rule.enabled else ():
        if each.calls >= rule.min_calls and each.fallbacks * 100 >= rule.percent * each.calls:
            name = "route" if each.by == "route" else "called_target"
            filters = {name: each.name, "reason": "provider_failover"}
            yield Finding(
                kind="fallback_rate",
                subject=f"{each.by}:{each.name}",
                observed=each.fallbacks * 100 // each.calls,
                bound=rule.percent,
                unit="percent",
                calls=each.calls,
                window_s=round(rule.window),
                requests=_filters(figures.windows.fallbacks, **filters),
            )


def _open_breakers(figures: AlertFigures, settings: AlertsConfig) -> Iterable[Finding]:
    rule = settings.breaker_open
    for each in figures.breakers if rule.enabled else ():
        if each.state in _OPEN_STATES and each.openings:
            yield Finding(
                kind="breaker_open",
                subject=f"target:{each.target}",
                observed=each.openings,
                bound=1,
                unit="openings",
                window_s=round(rule.window),
                requests=_filters(figures.windows.breakers, called_target=each.target),
            )


def _scaled(nano_usd: int, window: Window, baseline: Window) -> int:
    """Return what a stretch as long as the window cost on average, rounded down."""
    length = baseline.to_unix_ns - baseline.from_unix_ns
    return nano_usd * (window.to_unix_ns - window.from_unix_ns) // length if length > 0 else 0


def _filters(window: Window, **names: str | None) -> dict[str, str]:
    given = {name: value for name, value in names.items() if value is not None}
    return given | {"from": str(window.from_unix_ns), "to": str(window.to_unix_ns)}


def _of_scope(budget: BudgetFigure) -> dict[str, str | None]:
    """Return the filters that the owner of a counter stands for: `tenant:acme,user:ada`."""
    parts = _SCOPE.split(budget.scope)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _id_of(finding: Finding, now_unix_ns: int) -> str:
    told = "\0".join((finding.kind, finding.subject, finding.tenant or ""))
    return f"alr_{now_unix_ns // 1_000_000:012x}{sha256(told.encode()).hexdigest()[:12]}"
