"""`TenantStore`: whom keys are bound to, and the plan of each."""

from msgspec import Struct
from sqlalchemy import select

from pointsman.state.database import Change, StateDatabase
from pointsman.state.models import TenantRow


class Tenant(Struct, frozen=True, kw_only=True):
    """One tenant."""

    id: str
    plan: str | None
    created_unix_ns: int


class TenantStore:
    """The tenants of one database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    async def put(self, tenant: str, plan: str | None, *, actor: str) -> Tenant:
        """Make a tenant, or give one that is there another plan."""
        async with self._database.change(actor) as change:
            row = await require_tenant(change, tenant)
            row.plan = plan
            change.audit("tenant.put", tenant, {"plan": plan})
        return _tenant(row)

    async def list_tenants(self) -> list[Tenant]:
        """Return every tenant by id."""
        async with self._database.transaction() as session:
            rows = (await session.scalars(select(TenantRow).order_by(TenantRow.id))).all()
        return [_tenant(row) for row in rows]


async def require_tenant(change: Change, tenant: str) -> TenantRow:
    """Return the row of a tenant, made if need be, as part of a change."""
    row = await change.session.get(TenantRow, tenant)
    if row is None:
        row = TenantRow(id=tenant, plan=None, created_unix_ns=change.at_unix_ns)
        change.session.add(row)
        # Rows that point to it follow in the same transaction.
        await change.session.flush()
    return row


def _tenant(row: TenantRow) -> Tenant:
    return Tenant(id=row.id, plan=row.plan, created_unix_ns=row.created_unix_ns)
