"""What is said about tenants and plans between the command line and the collector's admin API.

The bounds are checked when a message is decoded. Knows no SQL and no HTTP.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from pointsman.config.policy import PlanConfig
from pointsman.state.key_messages import Label

PlanName = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}\Z")]
MAX_PAGE = 500


class CreateTenant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The wish for a tenant: body of `POST /internal/v1/tenants`."""

    id: Label
    plan: Label | None = None
    terms: PlanConfig = PlanConfig()
    """What differs for it from its plan."""


class ChangeTenant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different: body of `PATCH /internal/v1/tenant?id=…`."""

    plan: Label | UnsetType | None = UNSET
    """None takes the plan away."""
    disabled: bool | UnsetType = UNSET
    terms: dict[str, object] = {}
    """Field of `PlanConfig` -> its new value; None takes it away."""


class TenantView(Struct, frozen=True, kw_only=True):
    """A tenant as it is shown."""

    id: str
    plan: str | None
    terms: PlanConfig
    created_unix_ns: int
    disabled_unix_ns: int | None
    """Since when it may not call; None when it may."""
    live_keys: int = 0
    """Issued keys that are bound to it and may be used."""
    warnings: tuple[str, ...] = ()
    """What is probably not meant; told once, in the answer to a change."""


class TenantList(Struct, frozen=True, kw_only=True):
    """Answer to `GET /internal/v1/tenants`: by id."""

    tenants: tuple[TenantView, ...]
    next_after: str | None = None
    """`after` of the next page; None at the end."""


class PlanView(Struct, frozen=True, kw_only=True):
    """A plan as it is shown."""

    name: str
    terms: PlanConfig
    created_unix_ns: int
    changed_unix_ns: int
    tenants: int = 0
    """How many tenants have it at run time."""
    warnings: tuple[str, ...] = ()


class PlanList(Struct, frozen=True, kw_only=True):
    """Answer to `GET /internal/v1/plans`: by name."""

    plans: tuple[PlanView, ...]
