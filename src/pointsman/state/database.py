"""`StateDatabase`: opens the SQL state, reads it, and changes it with a trace of every change.

Owns the connection, the transactions and the version counter. A change cannot be committed without
its audit row: both are in the one transaction that `change` gives out. Only the collector opens a
database; one that is a file is private to its owner (mode 0600).
"""

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, event, select, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from pointsman.core.clock import Clock
from pointsman.state.errors import StateUnavailableError
from pointsman.state.migrate import migrate
from pointsman.state.models import AuditRow, MetaRow

STATE_FILE = "state.sqlite3"
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
_BUSY_TIMEOUT_MS = 5_000


class Change:
    """One change under way: the session to make it in, and the duty to say what it was."""

    __slots__ = ("_actor", "at_unix_ns", "is_audited", "session", "version")

    def __init__(self, session: AsyncSession, actor: str, at_unix_ns: int, version: int) -> None:
        self.session = session
        self.at_unix_ns = at_unix_ns
        self.version = version
        """The version of the state once this is committed."""
        self.is_audited = False
        self._actor = actor

    def audit(self, action: str, subject: str, details: Mapping[str, object] | None = None) -> None:
        """Add an audit row to the transaction.

        Args:
            action: What was done, as `key.issued`.
            subject: To what: an id, never a secret.
            details: What else may be shown.
        """
        self.session.add(audit_row(self.at_unix_ns, self._actor, action, subject, details))
        self.is_audited = True


class StateDatabase:
    """The opened state. `close` gives it up."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self.clock = clock
        self._engine = engine
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)
        self._listeners: list[Callable[[], None]] = []

    @classmethod
    async def open(cls, url: str, clock: Clock) -> "StateDatabase":
        """Open a database and bring it to the newest revision.

        Args:
            url: `sqlite:///<file>` or `postgresql://…`, see `state_url`.
            clock: Gives the times of changes.

        Raises:
            StateSchemaError: A newer release wrote it.
            StateUnavailableError: It cannot be reached, created or read.
        """
        address = _address(url)
        engine = _make_engine(address)
        database = cls(engine, clock)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(migrate)
        except (DatabaseError, OSError) as error:
            await engine.dispose()
            # The driver's text may hold the address with its password; the kind says enough.
            reason = error.orig if isinstance(error, DatabaseError) else error.strerror
            place = address.render_as_string(hide_password=True)
            raise StateUnavailableError(f"the state {place} cannot be opened: {reason}") from None
        except BaseException:
            await engine.dispose()
            raise
        return database

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each change, made or failed; it must not raise or wait."""
        self._listeners.append(listener)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Give a session to read in, or to add what is no change of the state.

        Raises:
            StateUnavailableError: The database does not work; nothing was kept.
        """
        with _translated():
            async with self._sessions.begin() as session:
                yield session

    @contextlib.asynccontextmanager
    async def change(self, actor: str) -> AsyncIterator[Change]:
        """Give a change to make; commit it when the block ends well, else leave no trace of it.

        Changes run one after the other, also those of several processes on one server: raising the
        version locks its row. So what a change reads stays true until it commits.

        Args:
            actor: Who does it, for the audit row.

        Raises:
            StateUnavailableError: The database does not work, or is full; nothing was kept.
            RuntimeError: The block did not say what it did (`Change.audit`).
        """
        try:
            async with self.transaction() as session:
                version = await session.scalar(
                    update(MetaRow).values(version=MetaRow.version + 1).returning(MetaRow.version)
                )
                change = Change(session, actor, self.clock.unix_ns(), version or 0)
                yield change
                if not change.is_audited:
                    raise RuntimeError("a change of the state must leave an audit row")
        finally:
            # Also when cancelled during the commit, which may have happened all the same.
            for listener in self._listeners:
                listener()

    async def current(self) -> tuple[str, int]:
        """Return the id of the database and its version now."""
        async with self.transaction() as session:
            row = (await session.execute(select(MetaRow.state_id, MetaRow.version))).one()
        return row.state_id, row.version


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Say what the database failed at without the rest of its message, which may hold values."""
    try:
        yield
    except OperationalError as error:
        raise StateUnavailableError(f"the state cannot be used: {error.orig}") from error
    except (DBAPIError, PoolTimeoutError, OSError) as error:
        reason = type(error).__name__
        raise StateUnavailableError(f"the state cannot be used ({reason})") from error


def audit_row(
    at_unix_ns: int,
    actor: str,
    action: str,
    subject: str,
    details: Mapping[str, object] | None = None,
) -> AuditRow:
    """Return an audit row to be added to a transaction."""
    return AuditRow(
        at_unix_ns=at_unix_ns,
        actor=actor,
        action=action,
        subject=subject,
        details=dict(details or {}),
    )


def state_url(data_dir: Path, configured: str = "sqlite://") -> str:
    """Return the address to open: as configured, where `sqlite://` is the data folder's file."""
    if configured.rstrip("/") == "sqlite:":
        return URL.create("sqlite", database=str(data_dir / STATE_FILE)).render_as_string()
    return configured


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError:
        raise StateUnavailableError("the address of the state is not a database URL") from None
    driver = _DRIVERS.get(address.get_backend_name())
    if driver is None:
        raise StateUnavailableError("the state lives in sqlite:// or postgresql://")
    return address.set(drivername=driver)


def _make_engine(address: URL) -> AsyncEngine:
    # An error must not repeat the values of a statement: among them are digests and sessions.
    codec: dict[str, Any] = {
        "json_serializer": lambda value: msgspec.json.encode(value).decode(),
        "json_deserializer": msgspec.json.decode,
        "hide_parameters": True,
    }
    if address.get_backend_name() != "sqlite":
        try:
            return create_async_engine(address, pool_size=4, pool_pre_ping=True, **codec)
        except ModuleNotFoundError:
            raise StateUnavailableError("PostgreSQL needs the package asyncpg") from None
    if address.database:
        _create_private(Path(address.database))
    # One connection: SQLite has one writer anyway, and a queue here is fair where its own is not.
    # Without the driver's own idea of transactions, which leaves schema changes outside of them.
    engine = create_async_engine(
        address, pool_size=1, max_overflow=0, connect_args={"isolation_level": None}, **codec
    )
    event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _create_private(file: Path) -> None:
    """Make the file before the engine does, which would let the umask decide who may read it."""
    try:
        fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(fd, 0o600)
        finally:
            os.close(fd)
    except OSError as error:
        raise StateUnavailableError(
            f"the state {file} cannot be opened: {error.strerror}"
        ) from None


def _set_up_sqlite(connection: DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and then writes could not be waited for, only refused.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
