"""`KeyStore`: issues, lists and revokes the keys of gateways.

A key is shown once, in the answer to its issue; the database has its digest. Keys of the
configuration file are not here.
"""

from sqlalchemy import or_, select, update

from pointsman.state.database import Change, StateDatabase
from pointsman.state.errors import NameTakenError, UnknownKeyError
from pointsman.state.key_messages import IssuedKey, IssueKey, KeyStatus, KeyView
from pointsman.state.models import KeyRow, MetaRow
from pointsman.state.secret_text import digest_of, make_id, make_key
from pointsman.state.tenants import require_tenant

_S = 1_000_000_000


class KeyStore:
    """The issued keys of one database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    async def issue(self, wish: IssueKey, *, actor: str) -> IssuedKey:
        """Make a key. From the first one on, gateways of this state require keys for good.

        Args:
            wish: Checked when it was decoded.
            actor: Who asks, for the audit trail.

        Raises:
            NameTakenError: A live key has the name.
        """
        secret = make_key()
        async with self._database.change(actor) as change:
            await _require_free(change, wish.name)
            if wish.tenant is not None:
                await require_tenant(change, wish.tenant)
            row = _row(wish, secret, change.at_unix_ns)
            change.session.add(row)
            await change.session.execute(update(MetaRow).values(keys_required=True))
            change.audit("key.issued", row.id, _audited(wish))
        return IssuedKey(key=_view(row, row.created_unix_ns), secret=secret)

    async def list_keys(self) -> list[KeyView]:
        """Return every key, newest first, the revoked and expired ones too."""
        wanted = select(KeyRow).order_by(KeyRow.created_unix_ns.desc(), KeyRow.id)
        async with self._database.transaction() as session:
            rows = (await session.scalars(wanted)).all()
        now_ns = self._database.clock.unix_ns()
        return [_view(row, now_ns) for row in rows]

    async def revoke(self, name_or_id: str, *, actor: str) -> KeyView:
        """Make a key useless at once and for good.

        Revoking it again changes nothing, not even when it was revoked.

        Args:
            name_or_id: An id, or the name of a key; of several that had the name, the newest.
            actor: Who asks, for the audit trail.

        Raises:
            UnknownKeyError: There is no such key.
        """
        found = await self._find(name_or_id)
        if found.revoked_unix_ns is not None:
            return _view(found, self._database.clock.unix_ns())

        async with self._database.change(actor) as change:
            # Read again: another revocation may have come in between, and the first one counts.
            row = await change.session.get_one(KeyRow, found.id)
            if row.revoked_unix_ns is None:
                row.revoked_unix_ns = change.at_unix_ns
            change.audit("key.revoked", row.id, {"name": row.name})
        return _view(row, self._database.clock.unix_ns())

    async def _find(self, name_or_id: str) -> KeyRow:
        named = or_(KeyRow.id == name_or_id, KeyRow.name == name_or_id)
        # An id wins over a name that looks like one; then the live ones, then the newest.
        wanted = (
            select(KeyRow)
            .where(named)
            .order_by(
                KeyRow.id != name_or_id,
                KeyRow.revoked_unix_ns.is_not(None),
                KeyRow.created_unix_ns.desc(),
            )
            .limit(1)
        )
        async with self._database.transaction() as session:
            row = await session.scalar(wanted)
        if row is None:
            raise UnknownKeyError("there is no key of that name or id; see `pointsman keys list`")
        return row


async def _require_free(change: Change, name: str) -> None:
    alive = or_(KeyRow.expires_unix_ns.is_(None), KeyRow.expires_unix_ns > change.at_unix_ns)
    holders = select(KeyRow.id).where(KeyRow.name == name, KeyRow.revoked_unix_ns.is_(None), alive)
    if await change.session.scalar(holders.limit(1)) is not None:
        raise NameTakenError(
            f"a live key is called `{name}`; revoke it first, or choose another name"
        )


def _row(wish: IssueKey, secret: str, now_ns: int) -> KeyRow:
    lifetime_s = wish.expires_in_s
    return KeyRow(
        id=make_id("key"),
        name=wish.name,
        sha256=digest_of(secret),
        tenant=wish.tenant,
        plan=wish.plan,
        user=wish.user,
        team=wish.team,
        models=list(wish.models),
        routes=list(wish.routes),
        dialects=list(wish.dialects),
        aliases=dict(wish.aliases),
        scopes=sorted(set(wish.scopes)),
        may_set_tenant=wish.may_set_tenant,
        created_unix_ns=now_ns,
        expires_unix_ns=None if lifetime_s is None else now_ns + lifetime_s * _S,
        revoked_unix_ns=None,
        last_four=secret[-4:],
    )


def _audited(wish: IssueKey) -> dict[str, object]:
    return {
        "name": wish.name,
        "tenant": wish.tenant,
        "plan": wish.plan,
        "user": wish.user,
        "team": wish.team,
        "models": list(wish.models),
        "routes": list(wish.routes),
        "dialects": list(wish.dialects),
        "aliases": dict(wish.aliases),
        "scopes": sorted(set(wish.scopes)),
        "may_set_tenant": wish.may_set_tenant,
        "expires_in_s": wish.expires_in_s,
    }


def _view(row: KeyRow, now_ns: int) -> KeyView:
    return KeyView(
        id=row.id,
        name=row.name,
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
        created_unix_ns=row.created_unix_ns,
        expires_unix_ns=row.expires_unix_ns,
        revoked_unix_ns=row.revoked_unix_ns,
        last_four=row.last_four,
        status=_status(row, now_ns),
    )


def _status(row: KeyRow, now_ns: int) -> KeyStatus:
    if row.revoked_unix_ns is not None:
        return "revoked"
    has_expired = row.expires_unix_ns is not None and row.expires_unix_ns <= now_ns
    return "expired" if has_expired else "live"
