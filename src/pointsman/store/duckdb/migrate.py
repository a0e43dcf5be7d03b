"""Brings a file to the newest schema, one numbered step after the other, in one transaction.

A step is a file `NNNN_name.sql` in `store/migrations/duckdb`, applied in order and never changed
once released. A file of a newer schema is refused: a downgrade would misread it.
"""

from importlib import resources

from duckdb import DuckDBPyConnection
from msgspec import Struct

from pointsman.store.errors import StoreSchemaError

_FOLDER = "migrations/duckdb"


class Step(Struct, frozen=True):
    """One change of the schema."""

    number: int
    """The schema that the step leads to, from 1."""
    sql: str


def read_steps() -> list[Step]:
    """Return the steps of this release in order.

    Raises:
        ValueError: Their numbers are not 1, 2, 3 …
    """
    folder = resources.files("pointsman.store").joinpath(_FOLDER)
    files = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    steps = [Step(int(file.name[:4]), file.read_text("utf-8")) for file in files]
    steps.sort(key=lambda step: step.number)
    if [step.number for step in steps] != list(range(1, len(steps) + 1)):
        raise ValueError("the numbers of migrations must be 1, 2, 3 … without a gap")
    return steps


def schema_of(connection: DuckDBPyConnection) -> int:
    """Return the schema of a file; 0 for an empty one."""
    found = connection.execute(
        "SELECT count(*) FROM information_schema.tables WHERE table_name = 'meta'"
    ).fetchone()
    if found is None or found[0] == 0:
        return 0
    row = connection.execute("SELECT max(schema_number) FROM meta").fetchone()
    return int(row[0]) if row is not None and row[0] is not None else 0


def migrate(connection: DuckDBPyConnection, steps: list[Step]) -> int:
    """Apply the steps that a file lacks and return its schema.

    Raises:
        StoreSchemaError: The file is newer than the newest step.
    """
    current, newest = schema_of(connection), steps[-1].number
    if current > newest:
        raise StoreSchemaError(
            f"the store was written by a newer release (schema {current}; this release knows "
            f"{newest}): start that release, or point the data folder elsewhere"
        )
    if current < newest:
        connection.execute("BEGIN")
        try:
            _apply(connection, [step for step in steps if step.number > current])
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
    return newest


def _apply(connection: DuckDBPyConnection, steps: list[Step]) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS meta (schema_number BIGINT NOT NULL)")
    for step in steps:
        connection.execute(step.sql)
        connection.execute("INSERT INTO meta VALUES (?)", [step.number])
