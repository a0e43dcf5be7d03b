"""Brings a database to the newest revision, in the transaction of the connection it is given.

The revisions are Alembic scripts in `migrations/versions`, applied in order and never changed once
released. A database of a revision that is not among them is refused.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from pointsman.state.errors import StateSchemaError

_FOLDER = Path(__file__).parent / "migrations"


def revisions() -> list[str]:
    """Return the revisions of this release, oldest first."""
    found = [script.revision for script in ScriptDirectory(str(_FOLDER)).walk_revisions()]
    return found[::-1]


def migrate(connection: Connection, to: str = "head") -> None:
    """Apply what a database lacks.

    Args:
        connection: In a transaction; nothing is kept unless its owner commits.
        to: The revision to reach.

    Raises:
        StateSchemaError: A newer release wrote the database.
    """
    known = revisions()
    unknown = [one for one in current_revisions(connection) if one not in known]
    if unknown:
        raise StateSchemaError(
            f"the state was written by a newer release (revision {unknown[0]}; this release knows "
            f"up to {known[-1]}): start that release, or use another data folder"
        )
    # Set here and not in an ini file: the package must not depend on where it is started.
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def current_revisions(connection: Connection) -> tuple[str, ...]:
    """Return the revision of a database; nothing for an empty one."""
    return MigrationContext.configure(connection).get_current_heads()
