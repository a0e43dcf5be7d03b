"""The names that a caller may ask for, in OpenAI's shape: `GET /v1/models`."""

from collections.abc import Mapping

from pointsman.core.identity import Principal
from pointsman.gateway.runtime import Runtime
from pointsman.policy.attribution import Claims, attribute


def models_body(
    runtime: Runtime, principal: Principal, headers: Mapping[str, str]
) -> dict[str, object]:
    """Return the body: what key, tenant and plan allow, and nothing else.

    Args:
        runtime: In force.
        principal: The caller.
        headers: Lower-case names; may name the tenant, where the key allows that.

    Raises:
        PermissionDeniedError: The tenant is disabled.
    """
    made = attribute(Claims(headers=headers), principal, runtime.attribution)
    terms = runtime.tenancy.terms(made.tenant, made.plan)
    return {
        "object": "list",
        "data": [
            {
                "id": name.name,
                "object": "model",
                "created": 0,
                "owned_by": name.provider or "pointsman",
            }
            for name in runtime.planner.names(principal, terms)
        ],
    }
