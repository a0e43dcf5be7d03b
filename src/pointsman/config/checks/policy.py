"""Checks of `policy`: names, scopes, conditions, amounts, time zones and targets."""

import re
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from pointsman.config.checks.conditions import check_match
from pointsman.config.checks.subject import NAME, Subject, did_you_mean
from pointsman.config.findings import quoted
from pointsman.config.policy import (
    BUDGET_SCOPES,
    LIMIT_SCOPES,
    Amount,
    BudgetConfig,
    LimitConfig,
)

_NUMBERS = (
    "requests_per_minute",
    "tokens_per_minute",
    "concurrent",
    "requests_per_day",
    "requests_per_month",
    "tokens_per_day",
    "tokens_per_month",
)
# Narrower than what Decimal reads, as for rates: nine digits are more than anybody's budget.
_AMOUNT = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?\Z")


def check_policy(subject: Subject) -> None:
    """Note rules that cannot be applied."""
    policy = subject.config.policy
    check_zone(subject, "policy.time_zone", policy.time_zone)
    check_limits(subject, "policy.limits", policy.limits)
    check_budgets(subject, "policy.budgets", policy.budgets)
    if policy.agent_runs is not None:
        check_match(subject, "policy.agent_runs.match", policy.agent_runs.match)


def check_limits(subject: Subject, path: str, limits: Mapping[str, LimitConfig]) -> None:
    """Note limits that cannot be applied, of the gateway, a plan or a tenant."""
    _check_names(subject, path, limits)
    for name, limit in limits.items():
        _check_limit(subject, f"{path}.{name}", limit)


def check_budgets(subject: Subject, path: str, budgets: Mapping[str, BudgetConfig]) -> None:
    """Note budgets that cannot be applied, of the gateway, a plan or a tenant."""
    _check_names(subject, path, budgets)
    for name, budget in budgets.items():
        _check_budget(subject, f"{path}.{name}", budget)


def _check_limit(subject: Subject, path: str, limit: LimitConfig) -> None:
    _check_scopes(subject, f"{path}.scope", limit.scope, LIMIT_SCOPES)
    check_match(subject, f"{path}.match", limit.match)
    is_empty = all(getattr(limit, number) is None for number in _NUMBERS)
    if is_empty and not subject.has_problem_within(path):
        subject.error(path, "a limit needs a number", hint=f"one of {', '.join(_NUMBERS)}")


def _check_budget(subject: Subject, path: str, budget: BudgetConfig) -> None:
    _check_scopes(subject, f"{path}.scope", budget.scope, BUDGET_SCOPES)
    check_match(subject, f"{path}.match", budget.match)
    check_amount(subject, f"{path}.usd", budget.usd)
    if budget.route_to is None:
        return
    if not subject.is_declared("targets", budget.route_to):
        hint = did_you_mean(budget.route_to, subject.config.targets)
        subject.error(f"{path}.route_to", f"unknown target {quoted(budget.route_to)}", hint=hint)
    policy = subject.config.policy
    if not any(each.budget_routes for each in (*policy.tenants.values(), *policy.plans.values())):
        subject.warn(
            f"{path}.route_to",
            "never used: no tenant allows it",
            hint="set policy.tenants.<tenant>.budget_routes: true",
        )


def check_amount(subject: Subject, path: str, amount: Amount) -> None:
    """Note what is no amount of money above zero."""
    if not _AMOUNT.match(str(amount)) or not float(amount) > 0:
        message = f"{quoted(str(amount))} is not an amount of US dollars above zero"
        subject.error(path, message, hint="as in 12.50")


def _check_names(subject: Subject, path: str, rules: Mapping[str, object]) -> None:
    for name in rules:
        if not NAME.match(name):
            subject.error(f"{path}.{name}", "a rule's name is letters, digits and . _ : / @ + -")


def _check_scopes(
    subject: Subject, path: str, written: str | list[str], known: Sequence[str]
) -> None:
    scopes = [written] if isinstance(written, str) else written
    if not scopes:
        subject.error(path, "a rule needs a scope", hint=f"one of {', '.join(known)}")
    for scope in scopes:
        if scope not in known:
            subject.error(path, f"unknown scope {quoted(scope)}", hint=f"one of {', '.join(known)}")


def check_zone(subject: Subject, path: str, name: str) -> None:
    """Note a name that is no time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not found, not a name, a folder of names
        hint = "as in Europe/Berlin; the machine needs the time zone data of its system"
        subject.error(path, f"unknown time zone {quoted(name)}", hint=hint)
