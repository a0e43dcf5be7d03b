"""Filters: what makes a target ineligible for one request, with the two values that were compared.

    filter     code               observed                       limit
    key_scope  name_not_allowed   the name that was asked for    what the key may ask for
    tenant_scope, plan_scope      the same, of the key's tenant or its plan
    residency  region_not_allowed where the target runs          the places allowed
    health     pinned_down        the pinned state               the worst state that still serves
    breaker    open               failures in a row, or percent  what opened it; with the time left
    breaker    provider_open      the same, of its provider
    breaker    being_tried        calls that try it now          1
    breaker    coming_back        the number drawn               the share it gets
    health     provider_down      the state of the provider      the same
    health     target_down        the state of the target        the same
    context    too_long           input and output tokens        the context of the model
    context    not_larger         the context of the model       one that was too small (after the
                                                                 provider's refusal)
    capability no_vision          images in the request          0
    capability no_tools           tools in the request           0
    capability no_stream_tools    tools in the streamed request  0
    capability no_json_schema     true                           false
    cost       over_ratio         times the first choice's price `max_cost_ratio`

The order is the order in which they are asked; the first that excludes is the one recorded.
"""

from collections.abc import Mapping

from pointsman.core.breaking import exclusion_by
from pointsman.core.facts import Facts
from pointsman.core.health import HealthView
from pointsman.core.records import Exclusion, TargetState
from pointsman.core.target import Target
from pointsman.core.terms import NameScope

WORST_SERVING = "degraded"
"""The worst state in which a target is still called."""
_DOWN = "down"


def health_exclusion(target: Target, state: TargetState, provider_state: str) -> Exclusion | None:
    """Exclude a target that is down. A pinned state stands for both observed ones.

    Writes the state that counted into `state`, which the record keeps.
    """
    if target.health is not None:
        state.health = target.health
        return _down("pinned_down") if target.health == _DOWN else None

    if provider_state == _DOWN:
        state.health = _DOWN
        return _down("provider_down")
    if state.health is None:
        state.health = provider_state
    return _down("target_down") if state.health == _DOWN else None


def breaker_exclusion(state: TargetState) -> Exclusion | None:
    """Exclude a target that its breaker keeps away, or that gets a part of its traffic only.

    Reads what the record keeps, the number drawn included, so that it can be decided again.
    """
    detail = state.breaker_detail
    if detail is None:
        return None
    share, drawn = detail.share, state.ramp_draw
    if share is not None and drawn is not None and drawn >= share:
        return Exclusion("breaker", "coming_back", drawn, share, opened_by=detail.opened_by)
    return exclusion_by(state.breaker, detail)


def capability_exclusion(target: Target, facts: Facts) -> Exclusion | None:
    """Exclude a target that is known not to take what the request holds."""
    takes = target.capabilities
    if facts.image_count and takes.vision is False:
        return Exclusion("capability", "no_vision", facts.image_count, 0)
    if facts.tool_count:
        if takes.tools is False:
            return Exclusion("capability", "no_tools", facts.tool_count, 0)
        if facts.stream and takes.tools_in_streams is False:
            return Exclusion("capability", "no_stream_tools", facts.tool_count, 0)
    if facts.json_schema and takes.json_schema is False:
        return Exclusion("capability", "no_json_schema", True, False)
    return None


def residency_exclusion(target: Target, allowed: frozenset[str] | None) -> Exclusion | None:
    """Exclude a target outside the allowed places; one whose place is unknown is outside."""
    if allowed is None or target.region in allowed:
        return None
    limit = ", ".join(sorted(allowed))
    return Exclusion("residency", "region_not_allowed", target.region or "unknown", limit)


def context_exclusion(target: Target, facts: Facts) -> Exclusion | None:
    """Exclude a target whose context cannot hold the estimated input and the output asked for."""
    limit = target.context_tokens
    if limit is None:
        return None
    needed = facts.estimated_input_tokens + (facts.max_output_tokens or 0)
    return Exclusion("context", "too_long", needed, limit) if needed > limit else None


def scope_exclusion(requested: str, scope: NameScope) -> Exclusion:
    """Return the exclusion of every target, for a name that may not be asked for."""
    allowed = [*scope.models, *(f"route {route}" for route in scope.routes)]
    return Exclusion(f"{scope.kind}_scope", "name_not_allowed", requested, ", ".join(allowed))


def provider_state(health: HealthView, pinned: Mapping[str, str], provider: str) -> str:
    """Return the pinned state of a provider, else the observed one."""
    return pinned.get(provider) or health.provider_state(provider)


def _down(code: str) -> Exclusion:
    return Exclusion("health", code, _DOWN, WORST_SERVING)
