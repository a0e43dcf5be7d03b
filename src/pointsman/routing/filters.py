"""Filters: what makes a target ineligible for one request, with the two values that were compared.

    filter     code               observed                       limit
    key_scope  name_not_allowed   the name that was asked for    the patterns of the key
    health     pinned_down        the pinned state               the worst state that still serves
    health     provider_down      the state of the provider      the same
    health     target_down        the state of the target        the same
    context    too_long           input and output tokens        the context of the model

The order is the order in which they are asked; the first that excludes is the one recorded.
"""

from collections.abc import Mapping

from pointsman.core.facts import Facts
from pointsman.core.health import HealthView
from pointsman.core.records import Exclusion, TargetState
from pointsman.core.target import Target

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


def context_exclusion(target: Target, facts: Facts) -> Exclusion | None:
    """Exclude a target whose context cannot hold the estimated input and the output asked for."""
    limit = target.context_tokens
    if limit is None:
        return None
    needed = facts.estimated_input_tokens + (facts.max_output_tokens or 0)
    return Exclusion("context", "too_long", needed, limit) if needed > limit else None


def scope_exclusion(requested: str, patterns: tuple[str, ...]) -> Exclusion:
    """Return the exclusion of every target, for a name that the key may not ask for."""
    return Exclusion("key_scope", "name_not_allowed", requested, ", ".join(patterns))


def provider_state(health: HealthView, pinned: Mapping[str, str], provider: str) -> str:
    """Return the pinned state of a provider, else the observed one."""
    return pinned.get(provider) or health.provider_state(provider)


def _down(code: str) -> Exclusion:
    return Exclusion("health", code, _DOWN, WORST_SERVING)
