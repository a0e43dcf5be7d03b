"""What is DuckDB's own: the schema of the file, its lock-down, bounds, failure of the engine."""

import asyncio
import threading
from contextlib import contextmanager

import duckdb
import pytest

from pointsman.core.clock import ManualClock
from pointsman.store.costs import CostFilter
from pointsman.store.duckdb.file import FILE_NAME, DuckDbFile, DuckDbSettings
from pointsman.store.duckdb.migrate import Step, read_steps
from pointsman.store.duckdb.store import DuckDbStore
from pointsman.store.duckdb.threads import BoundedThreads
from pointsman.store.duckdb.transaction import Writing
from pointsman.store.duckdb.write_records import write_batch
from pointsman.store.errors import (
    StoreBusyError,
    StoreFullError,
    StoreSchemaError,
    StoreTimeoutError,
    StoreUnavailableError,
)
from pointsman.store.query import EVERYTHING
from stored_records import batch_of, make_record, request_id

NEXT = len(read_steps()) + 1
NEXT_STEP = Step(NEXT, "CREATE TABLE more (a BIGINT); INSERT INTO more SELECT position FROM calls")


@pytest.fixture
def file(tmp_path):
    """An open file without anything in it."""
    made = DuckDbFile(tmp_path, DuckDbSettings(memory_bytes=64_000_000, threads=1))
    yield made
    made.close()


async def _fill(folder, *numbers, steps=None):
    store = await DuckDbStore.open(folder, ManualClock(), steps=steps)
    try:
        await store.write_batch(batch_of(*(make_record(number) for number in numbers)))
        return (await store.stats()).schema
    finally:
        await store.close()


async def test_the_previous_schema_is_brought_to_this_one_with_its_rows(tmp_path):
    """An upgrade needs no step by hand."""
    assert await _fill(tmp_path, 1) == NEXT - 1

    assert await _fill(tmp_path, 2, steps=[*read_steps(), NEXT_STEP]) == NEXT

    with duckdb.connect(str(tmp_path / FILE_NAME)) as plain:
        assert plain.execute("SELECT * FROM more").fetchall() == [(1,)]


async def test_records_of_the_first_schema_are_charged_when_it_is_left(tmp_path):
    """Costs can be asked of what was stored before there were charges."""
    await _fill(tmp_path, 1, 2)
    with duckdb.connect(str(tmp_path / FILE_NAME)) as plain:
        for table in ("charges", "recosts", "notices", "alerts"):
            plain.execute(f"DROP TABLE {table}")
        plain.execute("DELETE FROM meta WHERE schema_number > 1")

    store = await DuckDbStore.open(tmp_path, ManualClock())
    found = await store.costs(("model",), 0, 2**62, CostFilter(), EVERYTHING)
    await store.close()

    assert (found.rows[0].group, found.total_nano_usd) == ({"model": "gpt-4o-mini"}, 2_000)
    assert (found.totals.calls, found.totals.input_tokens) == (2, 24)


async def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path):
    """The old release still opens it."""
    await _fill(tmp_path, 1)
    broken = Step(NEXT, "CREATE TABLE more (a BIGINT); SELECT nothing_like_it FROM calls")

    with pytest.raises(StoreUnavailableError, match="nothing_like_it"):
        await DuckDbStore.open(tmp_path, ManualClock(), steps=[*read_steps(), broken])

    store = await DuckDbStore.open(tmp_path, ManualClock())
    assert await store.request(request_id(1), EVERYTHING) is not None
    assert (await store.stats()).schema == NEXT - 1
    await store.close()


async def test_a_newer_schema_is_refused_with_what_to_do(tmp_path):
    """A downgrade would misread the rows."""
    await _fill(tmp_path, 1, steps=[*read_steps(), NEXT_STEP])

    with pytest.raises(StoreSchemaError, match=f"newer release .schema {NEXT}"):
        await DuckDbStore.open(tmp_path, ManualClock())


async def test_a_file_of_something_else_is_refused(tmp_path):
    """And left as it is."""
    (tmp_path / FILE_NAME).write_bytes(b"not a database" * 1_000)

    with pytest.raises(StoreUnavailableError):
        await DuckDbStore.open(tmp_path, ManualClock())

    assert (tmp_path / FILE_NAME).read_bytes().startswith(b"not a database")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO '/tmp/stolen.csv'",
        "ATTACH '/tmp/other.duckdb'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET threads = 64",
    ],
)
def test_sql_reaches_nothing_outside_the_store(file, sql):
    """Should SQL ever be injected, it finds no file, no network and no settings."""
    with pytest.raises(StoreUnavailableError), file.session() as connection:
        connection.execute(sql)


def test_a_failed_engine_is_opened_again(file):
    """The engine refuses all work after a fatal error; what was committed is still there."""
    writing = Writing(file, ManualClock())
    write_batch(writing, batch_of(make_record(1)))

    with pytest.raises(StoreUnavailableError), file.session():
        raise duckdb.FatalException("FATAL Error: database has been invalidated")

    assert write_batch(writing, batch_of(make_record(2), batch_id="b")).last_position == 2


def test_while_a_failed_engine_is_still_in_use_others_are_told_to_come_back(file):
    """It can be opened again only when everybody has let go of it."""
    with file.session():
        with pytest.raises(StoreUnavailableError), file.session():
            raise duckdb.FatalException("FATAL Error: database has been invalidated")
        with pytest.raises(StoreUnavailableError, match="opened again"), file.session():
            pass

    with file.session() as connection:
        assert connection.execute("SELECT count(*) FROM calls").fetchone() == (0,)


class _LosesAnAnswer(DuckDbFile):
    """Commits, and then says that there was no room: as after a failed checkpoint."""

    is_full = False

    @contextmanager
    def session(self):
        with super().session() as connection:
            yield connection
        if self.is_full:
            self.is_full = False
            raise StoreFullError("no room for the checkpoint")


def test_a_batch_that_was_kept_but_reported_as_refused_is_not_kept_twice(tmp_path):
    """Nor does a later row get the position of one of its rows."""
    file = _LosesAnAnswer(tmp_path, DuckDbSettings())
    writing = Writing(file, ManualClock())
    file.is_full = True
    with pytest.raises(StoreFullError):
        write_batch(writing, batch_of(make_record(1), make_record(2), batch_id="a"))

    again = write_batch(writing, batch_of(make_record(1), make_record(2), batch_id="a"))
    later = write_batch(writing, batch_of(make_record(3), batch_id="b"))

    file.close()
    assert (again.is_new, again.last_position, later.last_position) == (False, 2, 3)


async def test_a_batch_that_cannot_be_ingested_changes_nothing(tmp_path, file):
    """The transaction is undone as a whole, and the next batch is written as if nothing was."""
    writing = Writing(file, ManualClock())
    blocked = file.ingest_folder / "attempts.ndjson"
    blocked.mkdir()

    with pytest.raises(StoreUnavailableError):
        write_batch(writing, batch_of(make_record(1), batch_id="a"))

    blocked.rmdir()
    result = write_batch(writing, batch_of(make_record(1), batch_id="a"))
    assert (result.is_new, result.stored, result.last_position) == (True, 1, 1)


async def test_a_query_is_stopped_at_its_time_limit(tmp_path):
    """It frees its thread; the store goes on."""
    settings = DuckDbSettings(readers=1, query_timeout_s=0.05)
    store = await DuckDbStore.open(tmp_path, ManualClock(), settings)

    def endless(connection):
        return connection.execute(
            "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE a.range < b.range"
        ).fetchall()

    with pytest.raises(StoreTimeoutError):
        await store._ask(endless)
    assert await store.request(request_id(1), EVERYTHING) is None
    await store.close()


async def test_a_full_queue_refuses_instead_of_growing():
    """Callers are told at once; who is inside is served."""
    threads = BoundedThreads("test", threads=1, max_waiting=1)
    gate = threading.Event()
    inside = [asyncio.ensure_future(threads.run(gate.wait)) for _ in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(StoreBusyError):
        await threads.run(gate.wait)

    gate.set()
    assert await asyncio.gather(*inside) == [True, True]
    assert await threads.run(lambda: 3) == 3
    await threads.close()
