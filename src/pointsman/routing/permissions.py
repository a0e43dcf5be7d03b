"""What a caller may ask for, and what the names it sends mean to it.

Each of key and terms (of the tenant, else of its plan) must allow a name; one that says nothing
allows every name. What a route then chooses among its targets is the operator's business.
"""

from collections.abc import Sequence

from pointsman.core.errors import PermissionDeniedError, UnknownModelError
from pointsman.core.identity import Principal
from pointsman.core.records import AliasUse, CallRecord
from pointsman.core.terms import NameScope, Terms
from pointsman.routing.considered import exclude_all
from pointsman.routing.resolve import MAX_SHOWN_NAME, resolve
from pointsman.routing.scope import ModelScopes
from pointsman.routing.table import AUTO, ModelName, RoutingTable

_MAX_SHOWN = 16
"""Patterns that a refusal names."""


def alias_of(name: str, principal: Principal, terms: Terms) -> AliasUse | None:
    """Return what a name means to this caller; None when it means itself. The key goes first."""
    return principal.aliases.get(name) or terms.aliases.get(name)


def forbidding(
    scopes: ModelScopes, principal: Principal, terms: Terms, name: str, route: str | None
) -> NameScope | None:
    """Return whose scope does not allow a name.

    Args:
        scopes: Compiled patterns.
        principal: The caller.
        terms: Of its tenant and plan.
        name: As it was asked for.
        route: The route that it turns into; None when it is none.

    Returns:
        None when everybody allows it.
    """
    models, routes = principal.models, principal.routes
    if (models or routes) and not _allows(scopes, models, routes, (name, route)):
        return NameScope("key", principal.key_name, models, routes)
    given = terms.names
    if given is None or _allows(scopes, given.models, given.routes, (name, route)):
        return None
    return given


def allowed_names(
    table: RoutingTable, scopes: ModelScopes, principal: Principal, terms: Terms
) -> list[ModelName]:
    """Return the declared names that a caller may ask for, and those that mean one of them."""
    declared = {name.name: name for name in table.names()}
    found = dict(declared)
    for alias in (*principal.aliases.values(), *terms.aliases.values()):
        meant = declared.get(alias.means)
        if meant is not None:
            found.setdefault(alias.name, ModelName(alias.name, "alias", meant.provider))
    return [
        name
        for name in found.values()
        if forbidding(scopes, principal, terms, name.name, _route_of(name, table, principal, terms))
        is None
    ]


def _route_of(
    name: ModelName, table: RoutingTable, principal: Principal, terms: Terms
) -> str | None:
    alias = alias_of(name.name, principal, terms)
    meaning = name.name if alias is None else alias.means
    return meaning if meaning in table.routes else None


def check_dialect(
    scopes: ModelScopes, record: CallRecord, principal: Principal, terms: Terms
) -> None:
    """Refuse a dialect that the key, or the terms of its tenant and plan, do not allow.

    Raises:
        PermissionDeniedError: It names the dialects that are allowed.
    """
    given = terms.dialects
    if principal.dialects and not scopes.allows(principal.dialects, record.dialect):
        raise _dialect_refused(record, "this key", principal.dialects)
    if given is not None and not scopes.allows(given.dialects, record.dialect):
        raise _dialect_refused(record, f"the {given.kind} `{given.owner}`", given.dialects)


def refuse_name(record: CallRecord, table: RoutingTable, scope: NameScope) -> PermissionDeniedError:
    """Note every target that the name stands for as excluded, and return the refusal."""
    name = AUTO if record.requested_model is None else record.requested_model
    shown = name[:MAX_SHOWN_NAME]
    meaning = name if record.alias is None else record.alias.means
    try:
        exclude_all(record, resolve(table, meaning).chain, shown, scope)
    except UnknownModelError:
        # Whether the name exists is not this caller's business.
        record.candidates = []
    who = "this key" if scope.kind == "key" else f"the {scope.kind} `{scope.owner}`"
    return PermissionDeniedError(
        f"{who} may not ask for the model `{shown}`; allowed: {allowed_text(scope)}",
        param="model",
        code="model_not_allowed",
        metadata={"allowed_models": scope.models, "allowed_routes": scope.routes},
    )


def undeclared_alias(alias: AliasUse) -> UnknownModelError:
    """Return the refusal of a name whose meaning nobody declares, as after a route was removed."""
    return UnknownModelError(
        f"`{alias.name}` means `{alias.means[:MAX_SHOWN_NAME]}` for the {alias.kind} "
        f"`{alias.owner}`, and nothing of that name is declared on this gateway",
        param="model",
    )


def allowed_text(scope: NameScope) -> str:
    """Return what a scope allows, for people."""
    parts = [_listed(scope.models)] if scope.models else []
    if scope.routes:
        parts.append(f"what leads to the routes {_listed(scope.routes)}")
    return ", and ".join(parts)


def _allows(
    scopes: ModelScopes,
    models: tuple[str, ...],
    routes: tuple[str, ...],
    asked: tuple[str, str | None],
) -> bool:
    name, route = asked
    if models and scopes.allows(models, name):
        return True
    return bool(routes) and route is not None and scopes.allows(routes, route)


def _dialect_refused(record: CallRecord, who: str, allowed: Sequence[str]) -> PermissionDeniedError:
    return PermissionDeniedError(
        f"{who} may not ask in the dialect `{record.dialect}`; allowed: {_listed(allowed)}",
        code="dialect_not_allowed",
        metadata={"allowed_dialects": list(allowed)},
    )


def _listed(patterns: Sequence[str]) -> str:
    text = ", ".join(f"`{pattern}`" for pattern in patterns[:_MAX_SHOWN])
    left = len(patterns) - _MAX_SHOWN
    return f"{text} and {left} more" if left > 0 else text
