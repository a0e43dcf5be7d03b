"""Questions about traces: the list, and the spans of one."""

# ruff: noqa: S608 - names in SQL are fixed, values are bound
from typing import Any

import msgspec
from duckdb import DuckDBPyConnection

from pointsman.store.cursor import Cursor
from pointsman.store.duckdb import dialect
from pointsman.store.duckdb.conditions import Condition, in_trace, of_scope, of_trace_items
from pointsman.store.duckdb.read_calls import requests_of_trace
from pointsman.store.duckdb.tables import SPAN_COLUMNS, trace_key_of
from pointsman.store.query import MAX_PAGE, Page, Scope, TraceFilter
from pointsman.store.rows import SpanEvent, SpanLink, SpanRow, TraceRow
from pointsman.store.spans_of_call import SERVICE, spans_of_call

MAX_SPANS = 10_000
"""Most spans of applications that one trace shows."""

_FIRST_WINDOW = 2_000
_JSON_COLUMNS: dict[str, msgspec.json.Decoder[Any]] = {
    "attributes": msgspec.json.Decoder(dict),
    "resource": msgspec.json.Decoder(dict),
    "events": msgspec.json.Decoder(list[SpanEvent]),
    "links": msgspec.json.Decoder(list[SpanLink]),
}
_CALLS = f"""(
    SELECT trace_id, trace_key, started_unix_ns AS started,
        started_unix_ns + coalesce(duration_ns, 0) AS ended, failed, tenant,
        '{SERVICE}' AS service, operation || ' ' || coalesce(requested_model, '') AS name,
        coalesce(served_model, requested_model) AS model, cost_nano_usd AS cost,
        input_tokens, output_tokens, TRUE AS is_call, FALSE AS is_root
    FROM calls)"""
_SPANS = """(
    SELECT trace_id, trace_key, start_unix_ns AS started, end_unix_ns AS ended,
        status = 'ERROR' AS failed, tenant, service, name, model, cost_nano_usd AS cost,
        input_tokens, output_tokens, FALSE AS is_call, parent_span_id IS NULL AS is_root
    FROM spans)"""
"""Calls and spans of applications as the same kind of item."""
# A root goes before everything else, however late its clock says it started.
_NAMING_ORDER = "CASE WHEN is_root THEN started - 4611686018427387904 ELSE started END"


def traces(
    connection: DuckDBPyConnection,
    wanted: TraceFilter,
    scope: Scope,
    cursor: Cursor | None,
    limit: int,
) -> Page[TraceRow]:
    """Answer `TraceStore.traces`."""
    size = max(1, min(limit, MAX_PAGE))
    keys = _page_of_keys(connection, of_trace_items(wanted, scope), cursor, size + 1)
    rows = _rolled_up(connection, scope, keys[:size])
    more = len(keys) > size
    return Page(tuple(rows), keys[size - 1].text() if more else None)


def spans_of_trace(connection: DuckDBPyConnection, trace_id: str, scope: Scope) -> list[SpanRow]:
    """Answer `TraceStore.spans_of_trace`."""
    spans = _application_spans(connection, in_trace(of_scope(scope), trace_id))
    for call in requests_of_trace(connection, trace_id, scope):
        spans.extend(spans_of_call(call.record))
    return sorted(spans, key=lambda span: (span.start_unix_ns, -span.end_unix_ns))


def _page_of_keys(
    connection: DuckDBPyConnection, condition: Condition, cursor: Cursor | None, count: int
) -> list[Cursor]:
    """Return the start of the latest match of each trace, and the trace, newest first.

    Grouping all rows took 150 ms at a million; the newest few thousand nearly always hold enough
    traces, and when they do not, the window grows.
    """
    window = _FIRST_WINDOW
    while True:
        keys, seen = _keys_in_window(connection, condition, cursor, window)
        if len(keys) >= count or seen < window:
            return keys[:count]
        window *= 10


def _keys_in_window(
    connection: DuckDBPyConnection, condition: Condition, cursor: Cursor | None, window: int
) -> tuple[list[Cursor], int]:
    """Return the keys among the latest `window` matches, and how many matches there were."""
    older = condition if cursor is None else _behind(condition, cursor)
    # Each table finds its own latest rows quickly; both together it would have to sort whole.
    latest = (
        f"(SELECT started, trace_id FROM {{items}} WHERE {older.sql} "
        f"ORDER BY started DESC, trace_id DESC LIMIT {window})"
    )
    found = connection.execute(
        "SELECT max(started), trace_id, count(*) FROM (SELECT started, trace_id FROM ("
        f"{latest.format(items=_CALLS)} UNION ALL {latest.format(items=_SPANS)}) "
        f"ORDER BY started DESC, trace_id DESC LIMIT {window}) "
        "GROUP BY trace_id ORDER BY max(started) DESC, trace_id DESC",
        [*older.values, *older.values],
    ).fetchall()
    return [Cursor(row[0], row[1]) for row in found], sum(row[2] for row in found)


def _behind(condition: Condition, cursor: Cursor) -> Condition:
    """Return the condition that an item matches and its trace stands behind the cursor."""
    earlier = condition.also("started >= ? AND (started > ? OR trace_id >= ?)", cursor[0], *cursor)
    behind = condition.also("started <= ? AND (started < ? OR trace_id < ?)", cursor[0], *cursor)
    # A trace with a later match stood on an earlier page.
    for items in (_CALLS, _SPANS):
        behind = behind.also(
            f"trace_id NOT IN (SELECT trace_id FROM {items} WHERE {earlier.sql})", *earlier.values
        )
    return behind


def _rolled_up(connection: DuckDBPyConnection, scope: Scope, keys: list[Cursor]) -> list[TraceRow]:
    wanted = [trace_key_of(key.id) for key in keys]
    condition = of_scope(scope).also(dialect.any_of("trace_key"), wanted)
    found = connection.execute(
        f"""SELECT trace_id,
            {dialect.value_at_smallest("name", _NAMING_ORDER)} AS name,
            {dialect.value_at_smallest("service", _NAMING_ORDER)} AS service,
            min(started) AS started_unix_ns, max(ended) AS ended_unix_ns,
            count(*) FILTER (is_call) AS call_count,
            count(*) FILTER (NOT is_call) AS span_count,
            count(*) FILTER (failed) AS error_count,
            {_calls_else_spans("cost")} AS cost_nano_usd,
            {_calls_else_spans("input_tokens")} AS input_tokens,
            {_calls_else_spans("output_tokens")} AS output_tokens,
            {dialect.distinct_list("model")} AS models
        FROM (SELECT * FROM {_CALLS} WHERE {condition.sql}
            UNION ALL SELECT * FROM {_SPANS} WHERE {condition.sql}) GROUP BY trace_id""",
        [*condition.values, *condition.values],
    )
    columns = [column[0] for column in found.description or ()]
    rows = {row[0]: dict(zip(columns, row, strict=True)) for row in found.fetchall()}
    return [_trace_row(key, rows[key.id]) for key in keys]


def _calls_else_spans(column: str) -> str:
    # An instrumented client reports the tokens of a call that the gateway reports too.
    return (
        f"CASE WHEN count(*) FILTER (is_call) > 0 THEN sum({column}) FILTER (is_call) "
        f"ELSE sum({column}) END"
    )


def _trace_row(key: Cursor, values: dict[str, object]) -> TraceRow:
    values["models"] = values["models"] or ()
    return msgspec.convert({**values, "last_start_unix_ns": key.started_unix_ns}, TraceRow)


def _application_spans(connection: DuckDBPyConnection, condition: Condition) -> list[SpanRow]:
    found = connection.execute(
        f"SELECT {SPAN_COLUMNS} FROM spans WHERE {condition.sql} "
        f"ORDER BY start_unix_ns, span_id LIMIT {MAX_SPANS}",
        condition.values,
    )
    spans = []
    for row in found.fetchall():
        values = dict(zip(SpanRow.__struct_fields__, row, strict=True))
        for name, decoder in _JSON_COLUMNS.items():
            values[name] = decoder.decode(values[name])
        spans.append(SpanRow(**values))
    return spans
