"""`PlanStore`: the plans that were made at run time. Those of the file are not here."""

from sqlalchemy import func, or_, select

from pointsman.config.policy import PlanConfig
from pointsman.state.database import Change, StateDatabase
from pointsman.state.errors import InUseError, UnknownPlanError
from pointsman.state.models import KeyRow, PlanRow, TenantRow
from pointsman.state.tenant_messages import MAX_PAGE, PlanView
from pointsman.state.terms_rows import differences, terms_of, terms_row


class PlanStore:
    """The plans of one database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    async def put(self, name: str, terms: PlanConfig, *, actor: str) -> PlanView:
        """Make a plan, or replace what one says; the same again leaves no trace.

        Args:
            name: Checked when it was decoded.
            terms: All of them: what is not said holds no more.
            actor: Who asks, for the audit trail.

        Raises:
            InvalidRequestError: The terms are too long.
        """
        written = terms_row(terms)
        terms_of(written)
        async with self._database.transaction() as session:
            row = await session.get(PlanRow, name)
        if row is not None and row.terms == written:
            return _view(row, 0)
        async with self._database.change(actor) as change:
            row = await change.session.get(PlanRow, name)
            if row is None:
                row = _row(name, written, change.at_unix_ns)
                change.session.add(row)
                change.audit("plan.created", name, {"terms": written})
            else:
                change.audit("plan.changed", name, dict(differences(row.terms, written)))
                row.terms, row.changed_unix_ns = written, change.at_unix_ns
            tenants = await _tenants(change, name)
        return _view(row, tenants)

    async def get(self, name: str) -> PlanView:
        """Return one plan.

        Raises:
            UnknownPlanError: There is none of that name.
        """
        found = await self._page(name)
        if not found:
            raise UnknownPlanError(f"no plan `{name[:64]}` was made at run time")
        return found[0]

    async def list_plans(self) -> list[PlanView]:
        """Return the plans by name, at most `MAX_PAGE`: they are few, and written by people."""
        return await self._page(None)

    async def remove(self, name: str, *, actor: str) -> None:
        """Remove a plan that no tenant and no live key has.

        Raises:
            UnknownPlanError: There is none of that name.
            InUseError: Somebody has it.
        """
        await self.get(name)
        async with self._database.change(actor) as change:
            row = await change.session.get(PlanRow, name)
            if row is None:
                raise UnknownPlanError(f"no plan `{name[:64]}` was made at run time")
            await _require_unused(change, name)
            await change.session.delete(row)
            change.audit("plan.removed", name, {"terms": row.terms})

    async def _page(self, name: str | None) -> list[PlanView]:
        having = select(func.count()).where(TenantRow.plan == PlanRow.name).scalar_subquery()
        wanted = select(PlanRow, having).order_by(PlanRow.name).limit(MAX_PAGE)
        if name is not None:
            wanted = wanted.where(PlanRow.name == name)
        async with self._database.transaction() as session:
            rows = (await session.execute(wanted)).all()
        return [_view(row, tenants) for row, tenants in rows]


async def _require_unused(change: Change, name: str) -> None:
    alive = or_(KeyRow.expires_unix_ns.is_(None), KeyRow.expires_unix_ns > change.at_unix_ns)
    keys = select(KeyRow.name).where(KeyRow.plan == name, KeyRow.revoked_unix_ns.is_(None), alive)
    tenants = select(TenantRow.id).where(TenantRow.plan == name)
    for kind, wanted in (("tenant", tenants), ("key", keys)):
        holder = await change.session.scalar(wanted.limit(1))
        if holder is not None:
            raise InUseError(f"the {kind} `{holder}` has the plan `{name}`; give it another first")


async def _tenants(change: Change, name: str) -> int:
    counted = select(func.count()).where(TenantRow.plan == name)
    return await change.session.scalar(counted) or 0


def _row(name: str, terms: dict[str, object], now_ns: int) -> PlanRow:
    return PlanRow(name=name, terms=terms, created_unix_ns=now_ns, changed_unix_ns=now_ns)


def _view(row: PlanRow, tenants: int) -> PlanView:
    return PlanView(
        name=row.name,
        terms=terms_of(row.terms),
        created_unix_ns=row.created_unix_ns,
        changed_unix_ns=row.changed_unix_ns,
        tenants=tenants,
    )
