"""Who is calling: the result of authentication."""

from collections.abc import Mapping

from msgspec import Struct

from pointsman.core.records import AliasUse


class Principal(Struct, frozen=True, kw_only=True):
    """An authenticated caller, or the anonymous one of a gateway without keys."""

    key_name: str | None = None
    """Name of the key as configured; None when the gateway has no keys."""
    tenant: str | None = None
    """The tenant the key is bound to. When set, it wins over whatever the request says."""
    plan: str | None = None
    """The key's own plan, which wins over its tenant's; None takes the tenant's."""
    user: str | None = None
    team: str | None = None
    models: tuple[str, ...] = ()
    """Glob patterns of the model names that may be asked for; empty allows all."""
    routes: tuple[str, ...] = ()
    """Glob patterns of the routes that names may lead to, besides `models`."""
    dialects: tuple[str, ...] = ()
    """Glob patterns of the dialects that may be used, as `openai.*`; empty allows all."""
    aliases: Mapping[str, AliasUse] = {}
    """Names that mean something else for this key."""
    scopes: frozenset[str] = frozenset()
    """`call` (make requests), `explain` (see records, endpoints and counters), `override`."""
    may_set_tenant: bool = True
    """Whether `tenant_id` and `x-pointsman-tenant` of the request are believed."""

    def allows(self, scope: str) -> bool:
        """Tell whether the caller holds `scope`."""
        return scope in self.scopes


ANONYMOUS = Principal(scopes=frozenset({"call", "explain", "override"}))
"""The caller of a loopback gateway without keys: it is the operator's own machine."""
