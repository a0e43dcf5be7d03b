"""Checks of `alerts`: amounts that can be read, windows that can be compared."""

import re

from pointsman.config.checks.subject import Subject
from pointsman.config.findings import quoted

MAX_WINDOW_S = 31 * 86_400.0
"""Longest span that is looked at: figures are taken again and again."""
_AMOUNT = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?\Z")


def check_alerts(subject: Subject) -> None:
    """Note what no alert can be decided from."""
    alerts = subject.config.alerts
    if alerts.every < 1.0:
        subject.error("alerts.every", "figures are looked at once a second at most")
    for name in ("budget", "user_spike", "feature_cost", "user_share", "fallback_rate",
                 "breaker_open"):  # fmt: skip
        rule, path = getattr(alerts, name), f"alerts.{name}"
        for span in ("window", "baseline"):
            length = getattr(rule, span, None)
            if length is not None and not 1.0 <= length <= MAX_WINDOW_S:
                subject.error(f"{path}.{span}", "must be from 1s to 31d")
        baseline = getattr(rule, "baseline", None)
        if baseline is not None and baseline < rule.window:
            subject.error(f"{path}.baseline", "must not be shorter than the window")
        _check_amount(subject, f"{path}.min_usd", getattr(rule, "min_usd", "0"))


def _check_amount(subject: Subject, path: str, written: object) -> None:
    if _AMOUNT.match(str(written)) is None:
        subject.error(path, f"expected US dollars such as 5 or 0.50, got {quoted(str(written))}")
