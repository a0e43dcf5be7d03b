"""`keys`: who may call the gateway."""

from msgspec import field

from pointsman.config.section import Secret, Section


class KeyConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One key. Give either the key itself (from a variable) or its SHA-256."""

    key: Secret | None = None
    sha256: str | None = None
    """64 hex digits, as `pointsman keys hash` prints them."""
    tenant: str | None = None
    """Binds the key: requests with it belong to this tenant, whatever they say."""
    plan: str | None = None
    user: str | None = None
    team: str | None = None
    models: list[str] = field(default_factory=list)
    """Globs of model names that may be asked for; empty allows all."""
    scopes: list[str] = field(default_factory=lambda: ["call"])
    """`call`, `explain`, `override`."""
    may_set_tenant: bool = False
    """Believe `tenant_id` and `x-pointsman-tenant` of requests with this key."""
