"""Alerts as a collector would raise them, for tests of pages and for pictures of them."""

from pointsman.store.alerts import Alert, AlertChanges, Finding

MINUTE = 60 * 10**9


def sample_alerts(now_unix_ns: int, subject: str | None = None) -> AlertChanges:
    """Return three open alerts and a cleared one; with a subject, all are about that."""
    findings = [
        Finding(
            kind="budget", subject="tenant:acme daily", tenant="acme", observed=46_812_000_000,
            bound=50_000_000_000, unit="nano_usd", calls=211, window_s=86_400,
            requests={"tenant": "acme", "from": "24h"},
        ),
        Finding(
            kind="fallback_rate", subject="route:auto", observed=34, bound=20, unit="percent",
            calls=412, window_s=900, requests={"route": "auto", "reason": "provider_failover"},
        ),
        Finding(
            kind="user_share", subject="user:hank of feature:search", tenant="globex", observed=94,
            bound=90, unit="percent", calls=38, window_s=86_400,
            requests={"user": "hank", "feature": "search"},
        ),
        Finding(
            kind="breaker_open", subject="target:large", observed=2, bound=1, unit="openings",
            window_s=3_600, requests={"called_target": "large"},
        ),
    ]  # fmt: skip
    alerts = [
        Alert(
            alert_id=f"alr_{number}",
            opened_unix_ns=now_unix_ns - (number + 1) * 17 * MINUTE,
            seen_unix_ns=now_unix_ns - MINUTE // 3,
            cleared_unix_ns=now_unix_ns - 9 * MINUTE if number == 3 else None,
            finding=finding if subject is None else _about(finding, subject),
        )
        for number, finding in enumerate(findings)
    ]
    return AlertChanges(opened=tuple(alerts))


def _about(finding: Finding, subject: str) -> Finding:
    return Finding(
        kind=finding.kind, subject=subject, tenant=subject, observed=finding.observed,
        bound=finding.bound, unit=finding.unit, requests={"user": subject},
    )  # fmt: skip
