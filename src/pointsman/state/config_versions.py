"""`ConfigVersionStore`: which configurations have run, and what each changed of the one before."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct
from sqlalchemy import select

from pointsman.config.outline import Entry, EntryChange, changes
from pointsman.state.database import Change, StateDatabase
from pointsman.state.models import ConfigInForceRow, ConfigVersionRow

MAX_ROWS = 200
"""Audit rows of one change of the configuration; more entries are counted."""
_NOUNS = {
    "routes": "route",
    "keys": "key",
    "providers": "provider",
    "targets": "target",
    "prices": "price",
    "policy": "policy",
    "residency": "policy",
    "policy.plans": "plan",
    "policy.tenants": "tenant",
}
"""Part of the configuration -> what the audit calls an entry of it; anything else is `config`."""


class KnownConfigVersion(Struct, frozen=True, kw_only=True):
    """A configuration version that some process has run."""

    version: str
    first_seen_unix_ns: int
    source: str
    """The file it came from, or `environment`."""


class ConfigVersionStore:
    """The configuration versions of one database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    async def note(
        self,
        version: str,
        source: str,
        *,
        actor: str,
        entries: Mapping[str, Entry] | None = None,
    ) -> bool:
        """Keep the version that is in force now, and a trace of what it changed.

        Args:
            version: Its hash.
            source: The file it came from, or `environment`.
            actor: What put it in force: `start` or `reload`.
            entries: What it says, entry by entry; None tells the version only.

        Returns:
            Whether it was never seen before. The version in force again changes nothing.
        """
        async with self._database.transaction() as session:
            known = await session.get(ConfigVersionRow, version)
            in_force = await session.get(ConfigInForceRow, 1)
        if known is not None and in_force is not None and in_force.version == version:
            return False
        async with self._database.change(actor) as change:
            is_first = await change.session.get(ConfigVersionRow, version) is None
            if is_first:
                change.session.add(
                    ConfigVersionRow(
                        version=version, first_seen_unix_ns=change.at_unix_ns, source=source
                    )
                )
            await _put_in_force(change, version, source, entries or {})
        return is_first

    async def list_versions(self) -> list[KnownConfigVersion]:
        """Return every known version, newest first."""
        wanted = select(ConfigVersionRow).order_by(ConfigVersionRow.first_seen_unix_ns.desc())
        async with self._database.transaction() as session:
            rows = (await session.scalars(wanted)).all()
        return [
            KnownConfigVersion(
                version=row.version, first_seen_unix_ns=row.first_seen_unix_ns, source=row.source
            )
            for row in rows
        ]


async def _put_in_force(
    change: Change, version: str, source: str, entries: Mapping[str, Entry]
) -> None:
    leaves = {path: [entry.digest, entry.shown] for path, entry in entries.items()}
    row = await change.session.get(ConfigInForceRow, 1)
    before, found = None, list[EntryChange]()
    if row is None:
        change.session.add(ConfigInForceRow(id=1, version=version, leaves=leaves))
    else:
        before = row.version
        found = changes(msgspec.convert(row.leaves, dict[str, Entry]), entries)
        row.version, row.leaves = version, leaves
    versions = {"from": before, "to": version}
    for one in found[:MAX_ROWS]:
        _audit_entry(change, one, {"config": versions, "source": source})
    change.audit(
        "config.in_force",
        version,
        {
            "config": versions,
            "source": source,
            "entries": len(entries),
            "changed": [one.path for one in found[:MAX_ROWS]],
            "not_told": max(0, len(found) - MAX_ROWS),
        },
    )


def _audit_entry(change: Change, one: EntryChange, where: Mapping[str, object]) -> None:
    details = {**where, "hash": {"from": one.before, "to": one.after}, "changes": one.leaves}
    change.audit(f"{_noun(one.path)}.{one.verb}", one.path[:256], details)


def _noun(path: str) -> str:
    section, _, rest = path.partition(".")
    inner = f"{section}.{rest.partition('.')[0]}"
    return _NOUNS.get(inner) or _NOUNS.get(section) or "config"
