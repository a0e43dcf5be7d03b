"""Questions about requests: lists, one whole record, menus, what has arrived."""

# ruff: noqa: S608 - names in SQL are fixed, values are bound
from typing import get_args

import msgspec
from duckdb import DuckDBPyConnection

from pointsman.core.ids import REQUEST_ID
from pointsman.core.records import CallRecord
from pointsman.store.cursor import Cursor
from pointsman.store.duckdb.conditions import Condition, in_trace, of_calls, of_scope
from pointsman.store.duckdb.tables import CALL_COLUMNS
from pointsman.store.errors import StoreQueryError
from pointsman.store.query import MAX_CHOICES, MAX_PAGE, CallFilter, MenuColumn, Page, Scope
from pointsman.store.row_of_call import request_ms_of
from pointsman.store.rows import CallRow, StoredCall

_record_decoder = msgspec.json.Decoder(CallRecord)


def requests(
    connection: DuckDBPyConnection,
    wanted: CallFilter,
    scope: Scope,
    cursor: Cursor | None,
    limit: int,
) -> Page[CallRow]:
    """Answer `TraceStore.requests`."""
    condition = of_calls(wanted, scope)
    if cursor is not None:
        # The first half lets the engine skip what is newer; the second breaks ties.
        condition = condition.also("started_unix_ns <= ?", cursor.started_unix_ns).also(
            "(started_unix_ns < ? OR request_id < ?)", *cursor
        )
    size = max(1, min(limit, MAX_PAGE))
    rows = _rows(
        connection, condition, f"ORDER BY started_unix_ns DESC, request_id DESC LIMIT {size + 1}"
    )
    if len(rows) <= size:
        return Page(tuple(rows))
    last = rows[size - 1]
    return Page(tuple(rows[:size]), Cursor(last.started_unix_ns, last.request_id).text())


def request(connection: DuckDBPyConnection, request_id: str, scope: Scope) -> StoredCall | None:
    """Answer `TraceStore.request`."""
    if REQUEST_ID.match(request_id) is None:
        return None
    condition = of_scope(scope).also("request_ms = ?", request_ms_of(request_id))
    found = _stored(connection, condition.also("request_id = ?", request_id))
    return found[0] if found else None


def requests_of_trace(
    connection: DuckDBPyConnection, trace_id: str, scope: Scope
) -> list[StoredCall]:
    """Answer `TraceStore.requests_of_trace`."""
    return _stored(connection, in_trace(of_scope(scope), trace_id))


def since(connection: DuckDBPyConnection, position: int, scope: Scope, limit: int) -> list[CallRow]:
    """Answer `TraceStore.since`."""
    size = max(1, min(limit, MAX_PAGE))
    condition = of_scope(scope).also("position > ?", position)
    return _rows(connection, condition, f"ORDER BY position LIMIT {size}")


def distinct(connection: DuckDBPyConnection, column: MenuColumn, scope: Scope) -> list[str]:
    """Answer `TraceStore.distinct`."""
    if column not in get_args(MenuColumn):
        raise StoreQueryError(f"{column!r} is not a column with a menu")
    condition = of_scope(scope).also(f"{column} IS NOT NULL")
    found = connection.execute(
        f"SELECT DISTINCT {column} FROM calls WHERE {condition.sql} "
        f"ORDER BY {column} LIMIT {MAX_CHOICES}",
        condition.values,
    )
    return [row[0] for row in found.fetchall()]


def _rows(connection: DuckDBPyConnection, condition: Condition, rest: str) -> list[CallRow]:
    found = connection.execute(
        f"SELECT {CALL_COLUMNS} FROM calls WHERE {condition.sql} {rest}", condition.values
    )
    names = CallRow.__struct_fields__
    return [CallRow(**dict(zip(names, row, strict=True))) for row in found.fetchall()]


def _stored(connection: DuckDBPyConnection, condition: Condition) -> list[StoredCall]:
    found = connection.execute(
        f"SELECT position, record FROM calls WHERE {condition.sql} "
        f"ORDER BY started_unix_ns, request_id LIMIT {MAX_PAGE}",
        condition.values,
    )
    return [
        StoredCall(position, _record_decoder.decode(text), text.encode())
        for position, text in found.fetchall()
    ]
