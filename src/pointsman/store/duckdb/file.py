"""Owns the file: opens it alone and locked down, hands out sessions, opens it again after failure.

The engine takes a lock on the file, so a second process gets an error. After a failed write (a full
disk during a commit) it may refuse all further work; then the file is closed and opened again,
which replays its log up to the last commit.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection
from msgspec import Struct

from pointsman.store.duckdb.failures import is_fatal, translate, translated
from pointsman.store.duckdb.migrate import Step, migrate, read_steps
from pointsman.store.errors import StoreUnavailableError

FILE_NAME = "traces.duckdb"


class DuckDbSettings(Struct, frozen=True, kw_only=True):
    """Bounds of the engine."""

    memory_bytes: int = 160_000_000
    """Cache and working memory; larger queries spill to disk."""
    threads: int = 2
    """Cores that one query may use."""
    readers: int = 2
    """Queries at once."""
    max_waiting: int = 64
    """Queries, and likewise writes, that may wait; more are refused as busy."""
    query_timeout_s: float = 10.0


class DuckDbFile:
    """The file, its ingest folder and the engine on them. Safe to use from several threads.

    Args:
        folder: Holds the file, `ingest/` and `spill/`; made when absent.
        settings: Bounds of the engine.
        steps: Migrations; those of this release unless a test says otherwise.

    Raises:
        StoreLockedError: Another process has the file open.
        StoreSchemaError: A newer release wrote it.
        StoreUnavailableError: It is not a file of this engine, or cannot be read.
    """

    def __init__(
        self, folder: Path, settings: DuckDbSettings, steps: list[Step] | None = None
    ) -> None:
        self.path = folder / FILE_NAME
        self.ingest_folder = folder / "ingest"
        self._settings = settings
        self._steps = steps if steps is not None else read_steps()
        self._lock = threading.Lock()
        self._sessions = 0
        self._is_closed = False
        self.schema = 0
        folder.mkdir(parents=True, exist_ok=True)
        self.ingest_folder.mkdir(exist_ok=True)
        self._connection: DuckDBPyConnection | None = self._open()

    def _open(self) -> DuckDBPyConnection:
        # What lies there was written before a commit that never came: its sender sends it again.
        for torn in self.ingest_folder.iterdir():
            torn.unlink()
        with translated():
            connection = duckdb.connect(str(self.path), config=self._config())
            try:
                self._lock_down(connection)
                self.schema = migrate(connection, self._steps)
            except BaseException:
                connection.close()
                raise
        return connection

    def _config(self) -> dict[str, str | bool | int | float | list[str]]:
        return {
            "threads": str(self._settings.threads),
            "memory_limit": f"{self._settings.memory_bytes}B",
            "temp_directory": str(self.path.with_name("spill")),
            "allow_community_extensions": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }

    def _lock_down(self, connection: DuckDBPyConnection) -> None:
        """Let SQL touch no file but the store's own and those in the ingest folder."""
        connection.execute("SET allowed_directories = ?", [[str(self.ingest_folder)]])
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")

    @contextmanager
    def session(self) -> Iterator[DuckDBPyConnection]:
        """Give a connection to the calling thread for as long as the block lasts.

        Raises:
            StoreError: Whatever the engine raised in the block, translated.
        """
        cursor = self._enter()
        try:
            yield cursor
        except duckdb.Error as error:
            if is_fatal(error):
                self._retire()
            raise translate(error) from error
        finally:
            cursor.close()
            self._leave()

    def bytes_on_disk(self) -> int:
        """Return the size of the file and its log."""
        files = (self.path, self.path.with_name(FILE_NAME + ".wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def close(self) -> None:
        """Write everything into the file and let go of it. Closing twice is a no-op."""
        with self._lock:
            self._is_closed = True
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _enter(self) -> DuckDBPyConnection:
        with self._lock:
            if self._is_closed:
                raise StoreUnavailableError("the store is closed")
            if self._connection is None:
                if self._sessions:
                    raise StoreUnavailableError("the store failed and is about to be opened again")
                self._connection = self._open()
            self._sessions += 1
            return self._connection.cursor()

    def _leave(self) -> None:
        with self._lock:
            self._sessions -= 1

    def _retire(self) -> None:
        """Drop a failed engine; the next session after the last one has left opens the file."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
