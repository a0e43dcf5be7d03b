"""A target that the caller asks for beside the model: honoured or rejected, always recorded."""

from dataclasses import dataclass

from pointsman.core.identity import Principal
from pointsman.core.records import CallRecord
from pointsman.core.target import Target
from pointsman.core.terms import NO_TERMS, Terms
from pointsman.routing.permissions import forbidding
from pointsman.routing.route import Route
from pointsman.routing.scope import ModelScopes
from pointsman.routing.table import RoutingTable

_MAX_SHOWN = 64


@dataclass(frozen=True, slots=True)
class Override:
    """What was asked, by whom, on which route."""

    name: str
    principal: Principal
    route: Route | None
    terms: Terms = NO_TERMS


def honoured(
    record: CallRecord, table: RoutingTable, scopes: ModelScopes, asked: Override
) -> Target | None:
    """Return the target to use instead of the route's choice; None when it was rejected.

    Sets `override_source` and the reason, or `override_rejected` to `<name>: <code>` with the code
    `scope_missing`, `route_forbids`, `key_scope`, `tenant_scope`, `plan_scope` or `unknown_target`
    (CP-10).
    """
    target = table.targets.get(asked.name)
    code = _refused(scopes, asked)
    if code is None and target is None:
        code = "unknown_target"
    if code is not None:
        record.override_rejected = f"{_shown(asked.name)}: {code}"
        return None

    record.override_source = "header"
    record.reason = "caller_override"
    return target


def _refused(scopes: ModelScopes, asked: Override) -> str | None:
    if not asked.principal.allows("override"):
        return "scope_missing"
    if asked.route is not None and not asked.route.allow_override:
        return "route_forbids"
    forbids = forbidding(scopes, asked.principal, asked.terms, asked.name, None)
    return None if forbids is None else f"{forbids.kind}_scope"


def _shown(name: str) -> str:
    # It may be any text and ends up in records and headers.
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in name[:_MAX_SHOWN])
