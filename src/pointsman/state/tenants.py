"""`TenantStore`: whom keys are bound to, the plan of each, and what differs for it.

A tenant is never deleted, since its records and counters outlive it; it is disabled.
"""

from collections.abc import Mapping

from msgspec import UNSET
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pointsman.config.policy import PlanConfig
from pointsman.state.database import Change, StateDatabase
from pointsman.state.errors import NameTakenError, UnknownTenantError
from pointsman.state.models import KeyRow, TenantRow
from pointsman.state.tenant_messages import MAX_PAGE, ChangeTenant, CreateTenant, TenantView
from pointsman.state.terms_rows import differences, merged, terms_of, terms_row


class TenantStore:
    """The tenants of one database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    async def create(self, wish: CreateTenant, *, actor: str) -> TenantView:
        """Make a tenant.

        Raises:
            NameTakenError: There is one; keys make the tenants they are bound to.
            InvalidRequestError: Its terms are too long.
        """
        terms = terms_row(wish.terms)
        terms_of(terms)
        async with self._database.change(actor) as change:
            if await change.session.get(TenantRow, wish.id) is not None:
                raise NameTakenError(
                    f"there is a tenant `{wish.id}`; `pointsman tenants update` changes it"
                )
            row = _added(change, wish.id, wish.plan, terms)
            change.audit("tenant.created", wish.id, {"plan": wish.plan, "terms": terms})
        return _view(row, 0)

    async def change(self, tenant: str, wish: ChangeTenant, *, actor: str) -> TenantView:
        """Change what is named and leave the rest; what changes nothing leaves no trace.

        Raises:
            UnknownTenantError: There is no such tenant.
            InvalidRequestError: The terms would be none.
        """
        before = await self.get(tenant)
        if not _wanted(terms_row(before.terms), before.plan, before.disabled_unix_ns, wish):
            return before
        async with self._database.change(actor) as change:
            # Read again: another change may have come in between, and this one goes on top of it.
            row = await change.session.get_one(TenantRow, tenant)
            made = _wanted(row.terms, row.plan, row.disabled_unix_ns, wish)
            if wish.plan is not UNSET:
                row.plan = wish.plan
            row.terms = terms_row(merged(row.terms, wish.terms))
            if wish.disabled is not UNSET:
                row.disabled_unix_ns = change.at_unix_ns if wish.disabled else None
            change.audit(_action(made), tenant, made)
            live_keys = await _live_keys(change.session, tenant, change.at_unix_ns)
        return _view(row, live_keys)

    async def get(self, tenant: str) -> TenantView:
        """Return one tenant.

        Raises:
            UnknownTenantError: There is no such tenant.
        """
        async with self._database.transaction() as session:
            row = await session.get(TenantRow, tenant)
            if row is None:
                raise UnknownTenantError(f"there is no tenant `{tenant[:64]}`")
            live_keys = await _live_keys(session, tenant, self._database.clock.unix_ns())
        return _view(row, live_keys)

    async def list_tenants(self, limit: int = MAX_PAGE, *, after: str = "") -> list[TenantView]:
        """Return tenants by id, without the number of their keys.

        Args:
            limit: How many, at most `MAX_PAGE`.
            after: Only those whose id comes later: the last one of the page before.
        """
        wanted = select(TenantRow).where(TenantRow.id > after).order_by(TenantRow.id)
        async with self._database.transaction() as session:
            rows = (await session.scalars(wanted.limit(min(limit, MAX_PAGE)))).all()
        return [_view(row, 0) for row in rows]


async def require_tenant(change: Change, tenant: str) -> TenantRow:
    """Return the row of a tenant, made if need be, as part of a change."""
    row = await change.session.get(TenantRow, tenant)
    if row is None:
        row = _added(change, tenant, None, {})
        change.audit("tenant.created", tenant, {"plan": None, "terms": {}})
        # Rows that point to it follow in the same transaction.
        await change.session.flush()
    return row


def _added(change: Change, tenant: str, plan: str | None, terms: dict[str, object]) -> TenantRow:
    row = TenantRow(
        id=tenant,
        plan=plan,
        terms=terms,
        created_unix_ns=change.at_unix_ns,
        disabled_unix_ns=None,
    )
    change.session.add(row)
    return row


def _wanted(
    terms: Mapping[str, object], plan: str | None, disabled_unix_ns: int | None, wish: ChangeTenant
) -> dict[str, dict[str, object]]:
    """Return what a wish would change: field -> `from` and `to`."""
    found = differences(terms, terms_row(merged(terms, wish.terms)))
    if wish.plan is not UNSET and wish.plan != plan:
        found["plan"] = {"from": plan, "to": wish.plan}
    is_disabled = disabled_unix_ns is not None
    if wish.disabled is not UNSET and wish.disabled != is_disabled:
        found["disabled"] = {"from": is_disabled, "to": wish.disabled}
    return found


def _action(made: Mapping[str, Mapping[str, object]]) -> str:
    if set(made) == {"disabled"}:
        return "tenant.disabled" if made["disabled"]["to"] else "tenant.enabled"
    return "tenant.changed"


async def _live_keys(session: AsyncSession, tenant: str, now_ns: int) -> int:
    alive = or_(KeyRow.expires_unix_ns.is_(None), KeyRow.expires_unix_ns > now_ns)
    counted = select(func.count()).where(
        KeyRow.tenant == tenant, KeyRow.revoked_unix_ns.is_(None), alive
    )
    return await session.scalar(counted) or 0


def _view(row: TenantRow, live_keys: int) -> TenantView:
    terms: PlanConfig = terms_of(row.terms)
    return TenantView(
        id=row.id,
        plan=row.plan,
        terms=terms,
        created_unix_ns=row.created_unix_ns,
        disabled_unix_ns=row.disabled_unix_ns,
        live_keys=live_keys,
    )
