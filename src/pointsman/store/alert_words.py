"""An alert in words, made from its codes and values. Pure."""

from pointsman.core.explain.amounts import count_text, money_text
from pointsman.store.alerts import Finding

TITLES = {
    "budget": "Budget nearly or wholly spent",
    "user_spike": "A user spends many times the usual",
    "feature_cost": "A feature costs many times the usual per request",
    "user_share": "One user spends nearly all that a feature costs",
    "fallback_rate": "Many requests are served elsewhere than at the first choice",
    "breaker_open": "The breaker of a target is open",
}
"""Kind -> what it means."""


def told(finding: Finding) -> str:
    """Return one half sentence with the values that were compared."""
    span = _span(finding.window_s)
    calls = count_text(finding.calls, "call")
    if finding.kind == "budget":
        share = finding.observed * 100 // finding.bound if finding.bound else 100
        return f"{_money(finding.observed)} of {_money(finding.bound)} spent, {share} %"
    if finding.kind == "user_spike":
        usual = f"; usually {_money(finding.baseline)}" if finding.baseline else ""
        return f"{_money(finding.observed)} in {span} with {calls}{usual}"
    if finding.kind == "feature_cost":
        usual = _money(finding.baseline)
        return f"{_money(finding.observed)} per request in {span}, usually {usual}; {calls}"
    if finding.kind == "user_share":
        return f"{finding.observed} % of the feature's cost in {span}, bound {finding.bound} %"
    if finding.kind == "fallback_rate":
        bound = f"bound {finding.bound} %"
        return f"{finding.observed} % of {calls} in {span} fell back, {bound}"
    return f"opened {count_text(finding.observed, 'time')} in {span}"


def _money(nano_usd: int | None) -> str:
    return money_text(nano_usd)


def _span(seconds: int) -> str:
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            count = seconds // size
            return f"the last {unit}" if count == 1 else f"the last {count} {unit}s"
    return f"the last {seconds} s"
