"""Writes batches of records: everything of a batch and its id in one transaction, or nothing."""

# ruff: noqa: S608 - names in SQL are fixed, values are bound
import msgspec
from duckdb import DuckDBPyConnection
from msgspec import Struct, structs

from pointsman.core.records import SCHEMA
from pointsman.store.charge_of_call import ChargeRow, NoticeRow, charge_rows, notice_rows
from pointsman.store.duckdb import dialect
from pointsman.store.duckdb.tables import ATTEMPTS, CALLS, CHARGES, NOTICES, trace_key_of
from pointsman.store.duckdb.transaction import Writing, with_range
from pointsman.store.duckdb.write_contents import Contents
from pointsman.store.errors import StoreSchemaError
from pointsman.store.latency import bin_of
from pointsman.store.protocol import RecordBatch, Rejected, WriteResult
from pointsman.store.row_of_call import (
    CRASHED,
    attempt_rows,
    call_row,
    read_record,
)
from pointsman.store.rows import AttemptRow, CallRow


class _Parsed(Struct):
    """One record of a batch, ready to be written."""

    row: CallRow
    attempts: list[AttemptRow]
    charges: list[ChargeRow]
    notices: list[NoticeRow]
    json: bytes


def write_batch(writing: Writing, batch: RecordBatch) -> WriteResult:
    """Keep a batch; see `TraceStore.write_batch`."""
    if batch.schema > SCHEMA:
        raise StoreSchemaError(
            f"the batch has records of schema {batch.schema}, this release knows {SCHEMA}: "
            "upgrade the collector before its gateways"
        )
    parsed, rejected, repeated = _parse(batch)
    contents = Contents(batch.contents)
    with writing.transaction() as connection:
        if _is_kept(connection, batch.batch_id):
            return WriteResult(is_new=False, last_position=writing.last_position)
        fresh, replaced = _choose(connection, parsed)
        _forget(connection, replaced)
        _write_calls(writing, connection, fresh)
        contents.write(writing, connection)
        connection.execute(
            "INSERT INTO batches VALUES (?, ?, ?)",
            [batch.batch_id, writing.clock.unix_ns(), len(batch.calls)],
        )
    return WriteResult(
        stored=len(fresh),
        replaced=len(replaced),
        known=len(parsed) - len(fresh) + repeated,
        rejected=(*rejected, *contents.rejected),
        last_position=writing.last_position,
    )


def _parse(batch: RecordBatch) -> tuple[dict[str, _Parsed], list[Rejected], int]:
    """Return request id -> record, what can never be kept, and how many ids came twice."""
    parsed: dict[str, _Parsed] = {}
    rejected: list[Rejected] = []
    repeated = 0
    for index, json in enumerate(batch.calls):
        try:
            record = read_record(json)
            one = _Parsed(
                call_row(record, 0),
                attempt_rows(record),
                charge_rows(record),
                notice_rows(record),
                _one_line(json),
            )
        except (ValueError, RecursionError) as error:
            rejected.append(Rejected(index, str(error)))
            continue
        earlier = parsed.get(record.request_id)
        repeated += earlier is not None
        if earlier is None or _replaces(one.row.outcome, earlier.row.outcome):
            parsed[record.request_id] = one
    return parsed, rejected, repeated


def _one_line(json: bytes) -> bytes:
    return msgspec.json.format(json, indent=-1) if b"\n" in json else json


def _replaces(new_outcome: str, old_outcome: str) -> bool:
    return old_outcome == CRASHED and new_outcome != CRASHED


def _is_kept(connection: DuckDBPyConnection, batch_id: str) -> bool:
    found = connection.execute("SELECT 1 FROM batches WHERE batch_id = ? LIMIT 1", [batch_id])
    return found.fetchone() is not None


def _choose(
    connection: DuckDBPyConnection, parsed: dict[str, _Parsed]
) -> tuple[list[_Parsed], list[str]]:
    """Return the records to write and the request ids whose crash record they replace."""
    known = _known_outcomes(connection, list(parsed))
    fresh = [
        one
        for request_id, one in parsed.items()
        if request_id not in known or _replaces(one.row.outcome, known[request_id])
    ]
    return fresh, [one.row.request_id for one in fresh if one.row.request_id in known]


def _known_outcomes(connection: DuckDBPyConnection, request_ids: list[str]) -> dict[str, str]:
    if not request_ids:
        return {}
    found = connection.execute(
        "SELECT request_id, outcome FROM calls "
        f"WHERE request_ms BETWEEN ? AND ? AND {dialect.any_of('request_id')}",
        with_range(request_ids),
    )
    return dict(found.fetchall())


def _forget(connection: DuckDBPyConnection, request_ids: list[str]) -> None:
    if request_ids:
        for table in ("calls", "attempts", "charges", "notices"):
            connection.execute(
                f"DELETE FROM {table} "
                f"WHERE request_ms BETWEEN ? AND ? AND {dialect.any_of('request_id')}",
                with_range(request_ids),
            )


def _write_calls(writing: Writing, connection: DuckDBPyConnection, fresh: list[_Parsed]) -> None:
    calls: list[bytes] = []
    for one in fresh:
        row = structs.replace(one.row, position=writing.take_position())
        calls.append(_call_line(row, one.json))
    charged = _charged(connection, [one.row.request_id for one in fresh])
    writing.load(connection, CALLS, calls)
    writing.load(connection, ATTEMPTS, [_line(row) for one in fresh for row in one.attempts])
    writing.load(
        connection,
        CHARGES,
        [_line(row) for one in fresh if one.row.request_id not in charged for row in one.charges],
    )
    writing.load(connection, NOTICES, [_line(row) for one in fresh for row in one.notices])


def _charged(connection: DuckDBPyConnection, request_ids: list[str]) -> set[str]:
    """Return which of the requests were charged already: their records were thinned since."""
    if not request_ids:
        return set()
    found = connection.execute(
        "SELECT request_id FROM charges "
        f"WHERE request_ms BETWEEN ? AND ? AND {dialect.any_of('request_id')}",
        with_range(request_ids),
    )
    return {row[0] for row in found.fetchall()}


_line = msgspec.json.Encoder().encode


def _call_line(row: CallRow, record: bytes) -> bytes:
    """Return the line of `calls`: the columns, the keys of this engine, the record as it came."""
    latency_bin = b"null" if row.duration_ns is None else b"%d" % bin_of(row.duration_ns)
    keys = b',"trace_key":%d,"latency_bin":%b,"record":' % (trace_key_of(row.trace_id), latency_bin)
    return msgspec.json.encode(row)[:-1] + keys + record + b"}"
