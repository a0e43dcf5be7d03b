"""The closed vocabulary of route reasons, and why the served model differs from the requested one.

Every record, header and metric label uses these words. A configuration may declare more under
`reasons:`, each with the sentence that explains it; anything else is a load error.
"""

from enum import StrEnum

ROUTE_REASONS: dict[str, str] = {
    "short_prompt_default": "the prompt is short enough for the small model",
    "long_prompt_upgrade": "the prompt is longer than the small model's threshold",
    "explicit_model_passthrough": "the caller named the model",
    "explicit_target": "the caller named a configured target",
    "alias": "the name stands for it by the caller's key, tenant or plan",
    "primary_provider_ok": "the first target of the chain served",
    "provider_failover": "the first choice failed or was unhealthy, so another target served",
    "enterprise_high_complexity": "an enterprise caller sent a complex request",
    "default_fast_path": "no other rule matched, so the default target served",
    "default_policy": "the route's default rule chose the target",
    "rule_match": "a rule of the route matched",
    "load_balance": "the route spreads its traffic by weight",
    "budget_route": "a budget rule moved the request to another target",
    "cost_policy": "a cost policy chose the target",
    "budget_aware_escalation": "a policy escalated within the budget",
    "confidence_below_threshold": "the cheaper model's confidence was too low",
    "delegate_to_planner": "the step was handed to a planning model",
    "caller_override": "the caller asked for this target and was allowed to",
    "guardrail": "a prompt rule sends such requests there",
    "health_probe": "the gateway itself asked whether the target serves",
    "not_routed": "the request was refused before a route was chosen",
}
"""Reason code -> half a sentence that completes 'because …'."""


class Difference(StrEnum):
    """Why the served model is not the requested name (`requested_vs_served`)."""

    NONE = "none"
    ALIAS = "alias"
    RULE = "rule"
    LOAD_BALANCE = "load_balance"
    EXPERIMENT = "experiment"
    CACHE = "cache"
    BUDGET = "budget"
    CAPACITY = "capacity"
    RESIDENCY = "residency"
    RETRY = "retry"
    FAILOVER = "failover"
    GUARDRAIL = "guardrail"
