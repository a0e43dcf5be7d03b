"""`keys`: who may call the gateway."""

from typing import Literal

from msgspec import field

from pointsman.config.section import Secret, Section


class KeyConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One key. Give either the key itself (from a variable) or its SHA-256."""

    key: Secret | None = None
    """The key itself, at best from a variable: `"${GATEWAY_KEY}"`."""
    sha256: str | None = None
    """64 hex digits, as `pointsman keys hash` prints them."""
    tenant: str | None = None
    """Binds the key: requests with it belong to this tenant, whatever they say."""
    plan: str | None = None
    """A plan of its own, which goes before the tenant's; conditions read it as `tier`."""
    user: str | None = None
    """Who uses this key, on every record."""
    team: str | None = None
    """The team that this key belongs to, on every record."""
    models: list[str] = field(default_factory=list)
    """Globs of names that may be asked for; without `models` and `routes`, every name."""
    routes: list[str] = field(default_factory=list)
    """Globs of routes: names that lead to one of them may be asked for too."""
    dialects: list[str] = field(default_factory=list)
    """Globs of dialects that may be used, as in `openai.*`; empty allows all."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Name that clients send -> what it means with this key; goes before tenant and plan."""
    scopes: list[Literal["call", "explain", "override"]] = field(default_factory=lambda: ["call"])
    """What the key may do: `call` (make requests), `explain` (see records, endpoints and counters),
    `override` (choose the target of a request)."""
    may_set_tenant: bool = False
    """Believe `tenant_id` and `x-pointsman-tenant` of requests with this key."""
