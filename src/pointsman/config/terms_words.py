"""What plans, tenants and the terms of keys come to, in words, for the printed plan."""

from collections.abc import Mapping, Sequence

from pointsman.config.policy import PlanConfig, TenantPolicyConfig


def tenant_words(tenant: TenantPolicyConfig) -> list[str]:
    """Return the lines of a tenant: its plan, then what differs."""
    first = [f"plan {tenant.plan}"] if tenant.plan is not None else ["no plan"]
    if tenant.disabled:
        first.append("disabled: every request is refused")
    own = [line for line in terms_words(tenant) if line != _NOTHING]
    return ["; ".join(first), *own]


_NOTHING = "says nothing"


def terms_words(terms: PlanConfig | TenantPolicyConfig) -> list[str]:
    """Return the lines of terms; one that says so when they say nothing."""
    parts = scope_words(terms.models, terms.routes, terms.dialects, terms.aliases)
    if terms.daily_usd is not None:
        each = " for each tenant" if isinstance(terms, PlanConfig) else ""
        parts.append(f"{terms.daily_usd} USD a day{each}")
    if terms.limits:
        parts.append(f"limits {', '.join(terms.limits)}")
    if terms.budgets:
        parts.append(f"budgets {', '.join(terms.budgets)}")
    if terms.budget_routes is not None:
        parts.append(f"budgets may {'' if terms.budget_routes else 'not '}move requests")
    if terms.time_zone is not None:
        parts.append(f"days of {terms.time_zone}")
    return ["; ".join(parts)] if parts else [_NOTHING]


def scope_words(
    models: Sequence[str],
    routes: Sequence[str],
    dialects: Sequence[str],
    aliases: Mapping[str, str],
) -> list[str]:
    """Return what names mean and which are allowed, as far as anything is said of it."""
    parts = [f"{name} means {means}" for name, means in aliases.items()]
    for words, patterns in (("models", models), ("routes", routes), ("dialects", dialects)):
        if patterns:
            parts.append(f"{words} {', '.join(patterns)}")
    return parts
