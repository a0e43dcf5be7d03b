"""Checks of plans, tenants and the terms of keys; also of those that are given at run time."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from pointsman.config.checks.policy import check_amount, check_budgets, check_limits, check_zone
from pointsman.config.checks.shared import check_shared
from pointsman.config.checks.subject import NAME, ProviderKinds, Subject, did_you_mean
from pointsman.config.findings import Findings, quoted
from pointsman.config.policy import PlanConfig, TenantPolicyConfig
from pointsman.config.root import Config
from pointsman.core.conditions import compile_glob

DAILY = "daily"
"""Name of the budget that `daily_usd` is short for."""


def check_terms(subject: Subject) -> None:
    """Note what is wrong with the plans, the tenants and the terms of keys."""
    policy = subject.config.policy
    for name, plan in policy.plans.items():
        if not NAME.match(name):
            subject.error(f"policy.plans.{name}", "a plan's name is letters, digits and . _ : / @")
        _check_one(subject, f"policy.plans.{name}", plan)
    for name, tenant in policy.tenants.items():
        path = f"policy.tenants.{name}"
        _check_one(subject, path, tenant)
        _check_plan_name(subject, f"{path}.plan", tenant.plan)
    for name, key in subject.config.keys.items():
        _check_plan_name(subject, f"keys.{name}.plan", key.plan)
        _check_aliases(subject, f"keys.{name}.aliases", key.aliases)
        _check_routes(subject, f"keys.{name}.routes", key.routes)


def problems_of(config: Config, path: str, terms: PlanConfig) -> tuple[list[str], list[str]]:
    """Return what is wrong, and what is probably not meant, with terms given at run time.

    They may count only where the file could: several workers need Redis for it.

    Args:
        config: What the terms are to fit: its routes and targets.
        path: Where they belong, for the messages: `policy.plans.free`.
        terms: Decoded.
    """
    findings = Findings(None)
    alone = replace(config, policy=replace(config.policy, plans={"given": terms}, tenants={}))
    none = ProviderKinds(known=frozenset(), keyless=frozenset(), without_address=frozenset())
    subject = Subject(alone, findings, kinds=none, folder=Path())
    _check_one(subject, path, terms)
    check_shared(subject)
    return [str(one) for one in findings.errors], [str(one) for one in findings.warnings]


def _check_one(subject: Subject, path: str, terms: PlanConfig | TenantPolicyConfig) -> None:
    if terms.time_zone is not None:
        check_zone(subject, f"{path}.time_zone", terms.time_zone)
    if terms.daily_usd is not None:
        check_amount(subject, f"{path}.daily_usd", terms.daily_usd)
        if DAILY in terms.budgets:
            subject.error(f"{path}.daily_usd", f"there is a budget called {quoted(DAILY)} too")
    check_limits(subject, f"{path}.limits", terms.limits)
    check_budgets(subject, f"{path}.budgets", terms.budgets)
    _check_aliases(subject, f"{path}.aliases", terms.aliases)
    _check_routes(subject, f"{path}.routes", terms.routes)
    for part in ("models", "dialects"):
        for index, pattern in enumerate(getattr(terms, part)):
            if not pattern:
                subject.error(f"{path}.{part}[{index}]", "an empty pattern matches nothing")


def _check_aliases(subject: Subject, path: str, aliases: Mapping[str, str]) -> None:
    config = subject.config
    models = {target.model for target in config.targets.values()}
    for name, means in aliases.items():
        provider, slash, _ = means.partition("/")
        if not name or not means:
            subject.error(f"{path}.{name}", "an alias needs a name and what it means")
        elif name == means:
            subject.warn(f"{path}.{name}", "means itself")
        elif (
            means in models
            or subject.is_declared("routes", means)
            or subject.is_declared("targets", means)
            or (slash and provider in config.providers)
        ):
            continue
        else:
            hint = did_you_mean(means, [*config.routes, *config.targets])
            message = f"{quoted(means)} is no route, target or model that is declared"
            subject.error(f"{path}.{name}", message, hint=hint)


def _check_routes(subject: Subject, path: str, patterns: Sequence[str]) -> None:
    for index, pattern in enumerate(patterns):
        if not pattern:
            subject.error(f"{path}[{index}]", "an empty pattern matches nothing")
        elif not any(map(compile_glob(pattern), subject.config.routes)):
            hint = did_you_mean(pattern, subject.config.routes)
            subject.warn(f"{path}[{index}]", f"{quoted(pattern)} is no route", hint=hint)


def _check_plan_name(subject: Subject, path: str, plan: str | None) -> None:
    plans = subject.config.policy.plans
    if plan is not None and plans and plan not in plans:
        message = f"the plan {quoted(plan)} is not declared here"
        subject.warn(path, message, hint=did_you_mean(plan, plans))
