"""The names that a caller may ask for, in the shape that it reads: `GET /v1/models`.

OpenAI's shape; Anthropic's for a client that sends `anthropic-version`, as its official one does.
Sources: https://platform.openai.com/docs/api-reference/models and
https://platform.claude.com/docs/en/api/models-list (read 2026-11).
"""

from collections.abc import Mapping

from pointsman.core.errors import UnknownModelError
from pointsman.core.identity import Principal
from pointsman.gateway.runtime import Runtime
from pointsman.policy.attribution import Claims, attribute
from pointsman.routing.table import ModelName

_EPOCH = "1970-01-01T00:00:00Z"
"""When a name was made is not known; both shapes must say something."""


def models_body(
    runtime: Runtime, principal: Principal, headers: Mapping[str, str], name: str | None = None
) -> dict[str, object]:
    """Return the body: what key, tenant and plan allow, and nothing else.

    Args:
        runtime: In force.
        principal: The caller.
        headers: Lower-case names; may name the tenant, where the key allows that.
        name: The one name that is asked about; None for all.

    Raises:
        PermissionDeniedError: The tenant is disabled.
        UnknownModelError: There is no such name for this caller.
    """
    made = attribute(Claims(headers=headers), principal, runtime.attribution)
    terms = runtime.tenancy.terms(made.tenant, made.plan)
    names = runtime.planner.names(principal, terms)
    shape = _for_anthropic if "anthropic-version" in headers else _for_openai
    if name is None:
        return _list([shape(each) for each in names], is_anthropic=shape is _for_anthropic)
    for each in names:
        if each.name == name:
            return shape(each)
    raise UnknownModelError(f"no model {name[:100]!r} for this caller", param="model")


def _list(entries: list[dict[str, object]], *, is_anthropic: bool) -> dict[str, object]:
    if not is_anthropic:
        return {"object": "list", "data": entries}
    ends = {
        "first_id": entries[0]["id"] if entries else None,
        "last_id": entries[-1]["id"] if entries else None,
    }
    return {"data": entries, "has_more": False, **ends}


def _for_openai(name: ModelName) -> dict[str, object]:
    owner = name.provider or "pointsman"
    return {"id": name.name, "object": "model", "created": 0, "owned_by": owner}


def _for_anthropic(name: ModelName) -> dict[str, object]:
    return {"id": name.name, "type": "model", "display_name": name.name, "created_at": _EPOCH}
