"""Makes snapshots from the database; joins the source of snapshots to its commits."""

from sqlalchemy import or_, select

from pointsman.state.database import StateDatabase
from pointsman.state.models import KeyRow, MetaRow, PlanRow, TenantRow
from pointsman.state.snapshot import (
    Snapshot,
    SnapshotKey,
    SnapshotPlan,
    SnapshotSource,
    SnapshotTenant,
)
from pointsman.state.terms_rows import terms_of

REMEMBERED_NS = 30 * 86_400 * 1_000_000_000
"""How long a gateway can tell that a key was revoked or has expired; then it is just unknown."""


class DatabaseSnapshots:
    """Reads one database for gateways."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    async def current(self) -> tuple[str, int]:
        """Return the id of the database and its version now."""
        return await self._database.current()

    async def snapshot(self) -> Snapshot:
        """Return the state as of one moment."""
        now_ns = self._database.clock.unix_ns()
        since_ns = now_ns - REMEMBERED_NS
        keys = select(KeyRow).order_by(KeyRow.created_unix_ns, KeyRow.id)
        for ended in (KeyRow.revoked_unix_ns, KeyRow.expires_unix_ns):
            keys = keys.where(or_(ended.is_(None), ended > since_ns))
        async with self._database.transaction() as session:
            # First: should a commit come between the reads, the version is the older one and the
            # next poll brings the rest.
            meta = (await session.scalars(select(MetaRow))).one()
            key_rows = (await session.scalars(keys)).all()
            tenants = (await session.scalars(select(TenantRow).order_by(TenantRow.id))).all()
            plans = (await session.scalars(select(PlanRow).order_by(PlanRow.name))).all()
        return Snapshot(
            state_id=meta.state_id,
            version=meta.version,
            made_unix_ns=now_ns,
            keys_required=meta.keys_required,
            keys=tuple(map(_key, key_rows)),
            tenants=tuple(map(_tenant, tenants)),
            plans=tuple(SnapshotPlan(name=row.name, terms=terms_of(row.terms)) for row in plans),
        )


def snapshot_source(database: StateDatabase) -> SnapshotSource:
    """Return the source that wakes its waiters whenever this database changes."""
    source = SnapshotSource(DatabaseSnapshots(database))
    database.subscribe(source.announce)
    return source


def _tenant(row: TenantRow) -> SnapshotTenant:
    return SnapshotTenant(
        id=row.id,
        plan=row.plan,
        is_disabled=row.disabled_unix_ns is not None,
        terms=terms_of(row.terms),
    )


def _key(row: KeyRow) -> SnapshotKey:
    return SnapshotKey(
        id=row.id,
        name=row.name,
        sha256=row.sha256,
        tenant=row.tenant,
        plan=row.plan,
        user=row.user,
        team=row.team,
        models=tuple(row.models),
        routes=tuple(row.routes),
        dialects=tuple(row.dialects),
        aliases=dict(row.aliases),
        scopes=tuple(row.scopes),
        may_set_tenant=row.may_set_tenant,
        expires_unix_ns=row.expires_unix_ns,
        revoked_unix_ns=row.revoked_unix_ns,
    )
