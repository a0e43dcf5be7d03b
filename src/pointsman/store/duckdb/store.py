"""`TraceStore` on DuckDB: one writing thread, a few reading ones; the event loop never waits."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from duckdb import DuckDBPyConnection

from pointsman.core.clock import Clock
from pointsman.store.cursor import read_cursor
from pointsman.store.duckdb import read_calls, read_contents, read_overview, read_traces
from pointsman.store.duckdb.file import DuckDbFile, DuckDbSettings
from pointsman.store.duckdb.migrate import Step
from pointsman.store.duckdb.money import DuckDbMoney
from pointsman.store.duckdb.retain import retain
from pointsman.store.duckdb.tables import COUNTED
from pointsman.store.duckdb.threads import BoundedThreads, RunningQuery
from pointsman.store.duckdb.transaction import Writing
from pointsman.store.duckdb.write_records import write_batch
from pointsman.store.duckdb.write_spans import write_spans
from pointsman.store.overview import make_axis
from pointsman.store.protocol import (
    RecordBatch,
    RetentionPolicy,
    RetentionResult,
    StoreStats,
    WriteResult,
)
from pointsman.store.query import (
    CallFilter,
    MenuColumn,
    Overview,
    Page,
    Scope,
    TraceFilter,
)
from pointsman.store.rows import (
    CallRow,
    ConfigVersion,
    ContentRow,
    SpanRow,
    StoredCall,
    TraceRow,
)

T = TypeVar("T")
P = ParamSpec("P")


class DuckDbStore(DuckDbMoney):
    """The embedded store. Made by `open`, ended by `close`."""

    def __init__(self, file: DuckDbFile, writing: Writing, settings: DuckDbSettings) -> None:
        self._file = file
        self._writing = writing
        self._settings = settings
        self._recosting = asyncio.Lock()
        waiting = settings.max_waiting
        self._writer = BoundedThreads("store-write", threads=1, max_waiting=waiting)
        self._readers = BoundedThreads("store-read", threads=settings.readers, max_waiting=waiting)

    @classmethod
    async def open(
        cls,
        folder: Path,
        clock: Clock,
        settings: DuckDbSettings | None = None,
        *,
        steps: list[Step] | None = None,
    ) -> "DuckDbStore":
        """Open the store in a folder, made when absent, and bring it to this release's schema.

        Args:
            folder: Belongs to this store alone.
            clock: Dates batches.
            settings: Bounds of the engine.
            steps: Migrations; those of this release unless a test says otherwise.

        Raises:
            StoreLockedError: Another process has it open.
            StoreSchemaError: A newer release wrote it.
            StoreUnavailableError: It cannot be read.
        """
        bounds = settings or DuckDbSettings()

        def open_file() -> DuckDbStore:
            file = DuckDbFile(folder, bounds, steps)
            try:
                return cls(file, Writing(file, clock), bounds)
            except BaseException:
                file.close()
                raise

        return await asyncio.to_thread(open_file)

    async def write_batch(self, batch: RecordBatch) -> WriteResult:
        """See `TraceStore`."""
        return await self._writer.run(partial(write_batch, self._writing, batch))

    async def write_spans(self, spans: list[SpanRow]) -> WriteResult:
        """See `TraceStore`."""
        return await self._writer.run(partial(write_spans, self._writing, spans))

    async def write_config_version(self, version: ConfigVersion) -> None:
        """See `TraceStore`."""
        await self._writer.run(partial(_write_config_version, self._writing, version))

    async def requests(
        self, wanted: CallFilter, scope: Scope, *, cursor: str | None = None, limit: int = 50
    ) -> Page[CallRow]:
        """See `TraceStore`."""
        return await self._ask(read_calls.requests, wanted, scope, read_cursor(cursor), limit)

    async def request(self, request_id: str, scope: Scope) -> StoredCall | None:
        """See `TraceStore`."""
        return await self._ask(read_calls.request, request_id, scope)

    async def requests_of_trace(self, trace_id: str, scope: Scope) -> list[StoredCall]:
        """See `TraceStore`."""
        return await self._ask(read_calls.requests_of_trace, trace_id, scope)

    async def spans_of_trace(self, trace_id: str, scope: Scope) -> list[SpanRow]:
        """See `TraceStore`."""
        return await self._ask(read_traces.spans_of_trace, trace_id, scope)

    async def traces(
        self, wanted: TraceFilter, scope: Scope, *, cursor: str | None = None, limit: int = 50
    ) -> Page[TraceRow]:
        """See `TraceStore`."""
        return await self._ask(read_traces.traces, wanted, scope, read_cursor(cursor), limit)

    async def content(self, request_id: str, scope: Scope) -> ContentRow | None:
        """See `TraceStore`."""
        return await self._ask(read_contents.content, request_id, scope)

    async def overview(
        self, from_unix_ns: int, to_unix_ns: int, buckets: int, scope: Scope
    ) -> Overview:
        """See `TraceStore`."""
        axis = make_axis(from_unix_ns, to_unix_ns, buckets)
        return await self._ask(read_overview.overview, axis, scope)

    async def distinct(self, column: MenuColumn, scope: Scope) -> list[str]:
        """See `TraceStore`."""
        return await self._ask(read_calls.distinct, column, scope)

    async def since(self, position: int, scope: Scope, *, limit: int = 100) -> list[CallRow]:
        """See `TraceStore`."""
        return await self._ask(read_calls.since, position, scope, limit)

    async def config_version(self, config_hash: str) -> ConfigVersion | None:
        """See `TraceStore`."""
        return await self._ask(read_contents.config_version, config_hash)

    async def config_versions(self, *, limit: int = 50) -> list[ConfigVersion]:
        """See `TraceStore`."""
        return await self._ask(read_contents.config_versions, limit)

    async def retention(self, policy: RetentionPolicy, now_unix_ns: int) -> RetentionResult:
        """See `TraceStore`."""
        return await self._writer.run(partial(retain, self._writing, policy, now_unix_ns))

    async def stats(self) -> StoreStats:
        """See `TraceStore`."""
        return await self._ask(self._stats)

    async def close(self) -> None:
        """See `TraceStore`. What was accepted is written before."""
        await self._writer.close()
        await self._readers.close()
        await asyncio.to_thread(self._file.close)

    def _stats(self, connection: DuckDBPyConnection) -> StoreStats:
        counts = {}
        for table in COUNTED:
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - fixed names
            counts[table] = int(row[0]) if row is not None else 0
        return StoreStats(
            engine="duckdb",
            schema=self._file.schema,
            rows=counts,
            bytes_on_disk=self._file.bytes_on_disk(),
            last_position=self._writing.last_position,
        )

    async def _ask(
        self,
        question: Callable[Concatenate[DuckDBPyConnection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a query on a reading thread; stop it at its time limit or when nobody waits."""
        query = RunningQuery()

        def ask() -> T:
            with self._file.session() as connection:
                query.begin(connection)
                try:
                    return question(connection, *args, **kwargs)
                finally:
                    query.end()

        timer = asyncio.get_running_loop().call_later(
            self._settings.query_timeout_s, query.interrupt
        )
        try:
            return await self._readers.run(ask)
        except asyncio.CancelledError:
            query.interrupt()
            raise
        finally:
            timer.cancel()


def _write_config_version(writing: Writing, version: ConfigVersion) -> None:
    with writing.transaction() as connection:
        connection.execute(
            "INSERT INTO config_versions SELECT ?, ?, ? "
            "WHERE NOT EXISTS (SELECT 1 FROM config_versions WHERE hash = ?)",
            [version.hash, version.first_seen_unix_ns, version.text, version.hash],
        )
