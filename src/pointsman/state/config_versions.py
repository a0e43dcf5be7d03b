"""`ConfigVersionStore`: which configuration versions have run, and since when."""

from msgspec import Struct
from sqlalchemy import select

from pointsman.state.database import StateDatabase
from pointsman.state.models import ConfigVersionRow


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

    async def note(self, version: str, source: str, *, actor: str) -> bool:
        """Keep a version; tell whether it was not known before. A known one changes nothing."""
        async with self._database.transaction() as session:
            if await session.get(ConfigVersionRow, version) is not None:
                return False
        async with self._database.change(actor) as change:
            is_first = await change.session.get(ConfigVersionRow, version) is None
            if is_first:
                change.session.add(
                    ConfigVersionRow(
                        version=version, first_seen_unix_ns=change.at_unix_ns, source=source
                    )
                )
            change.audit("config.seen", version, {"source": source})
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
