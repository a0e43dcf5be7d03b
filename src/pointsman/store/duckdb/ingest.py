"""Rows into a table, through a file of JSON lines that the engine parses itself.

That is several times faster than binding every value from Python and holds the interpreter lock for
the writing of the file only.
"""

# ruff: noqa: S608 - names in SQL are fixed, values are bound
from pathlib import Path

from duckdb import DuckDBPyConnection

from pointsman.store.duckdb import dialect
from pointsman.store.duckdb.tables import Table


def load(connection: DuckDBPyConnection, folder: Path, table: Table, lines: list[bytes]) -> None:
    """Insert one row for each line, within the transaction that is open.

    Args:
        connection: Inside a transaction.
        folder: The ingest folder. One writer only: file names repeat.
        table: Where to.
        lines: JSON objects without a line break, with the columns of the table as keys.

    Raises:
        OSError: The file could not be written.
        duckdb.Error: A row could not be inserted; the transaction has to be rolled back.
    """
    if not lines:
        return
    file = folder / f"{table.name}.ndjson"
    names = ", ".join(table.columns)
    source = dialect.read_lines(table.columns, max(map(len, lines)))
    try:
        file.write_bytes(b"\n".join(lines) + b"\n")
        connection.execute(
            f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {source}",
            [str(file)],
        )
    finally:
        file.unlink(missing_ok=True)
