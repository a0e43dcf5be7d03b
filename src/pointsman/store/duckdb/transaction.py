"""What every write shares: one transaction at a time, and the counter of arrivals."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb
from duckdb import DuckDBPyConnection

from pointsman.core.clock import Clock
from pointsman.store.duckdb.file import DuckDbFile
from pointsman.store.duckdb.ingest import load
from pointsman.store.duckdb.tables import Table
from pointsman.store.errors import StoreFullError, StoreUnavailableError
from pointsman.store.row_of_call import request_ms_of

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Writing:
    """The one writer of a file. All methods are called from a single thread.

    Args:
        file: What is written to.
        clock: Dates batches.
    """

    def __init__(self, file: DuckDbFile, clock: Clock) -> None:
        self.clock = clock
        self._file = file
        self._is_certain = True
        with file.session() as connection:
            self.last_position = _read_position(connection)

    def take_position(self) -> int:
        """Return the next number of the order of arrival."""
        self.last_position += 1
        return self.last_position

    def load(self, connection: DuckDBPyConnection, table: Table, lines: list[bytes]) -> None:
        """Insert lines into a table, within the transaction that is open."""
        load(connection, self._file.ingest_folder, table, lines)

    @contextmanager
    def transaction(self) -> Iterator[DuckDBPyConnection]:
        """Open a transaction; it is on disk when the block ends and undone when it raises.

        Raises:
            StoreFullError: No room for the ingest file, the log or the file.
            StoreUnavailableError: Anything else that the engine or the disk refused.
        """
        try:
            with self._file.session() as connection:
                if not self._is_certain:
                    self.last_position = _read_position(connection)
                # A commit may be on disk although it was reported as failed: the engine says so
                # when there was no room for the checkpoint after it.
                self._is_certain = False
                yield from _transaction(connection)
            self._is_certain = True
        except OSError as error:
            raise _translate(error) from error


def with_range(request_ids: list[str]) -> list[object]:
    """Return three bound parameters: a range of `request_ms`, which prunes, and the ids."""
    milliseconds = [request_ms_of(request_id) for request_id in request_ids]
    return [min(milliseconds), max(milliseconds), request_ids]


def _read_position(connection: DuckDBPyConnection) -> int:
    row = connection.execute("SELECT max(position) FROM calls").fetchone()
    return int(row[0]) if row is not None and row[0] is not None else 0


def _transaction(connection: DuckDBPyConnection) -> Iterator[DuckDBPyConnection]:
    connection.execute("BEGIN")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        # A failed commit has already rolled back; then this finds no transaction.
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise


def _translate(error: OSError) -> StoreFullError | StoreUnavailableError:
    if error.errno in _FULL:
        return StoreFullError(f"no room for the ingest file: {error.strerror}")
    return StoreUnavailableError(f"the ingest folder cannot be written: {error.strerror}")
