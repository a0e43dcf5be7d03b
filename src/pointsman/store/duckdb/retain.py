"""Removes what the policy no longer keeps, in one transaction.

Failures stay whole, and so does every trace that has one: thinning takes only traces in which all
went well, and takes them as one.
"""

# ruff: noqa: S608 - names in SQL are fixed, values are bound
from duckdb import DuckDBPyConnection

from pointsman.store.duckdb import dialect
from pointsman.store.duckdb.transaction import Writing
from pointsman.store.protocol import RetentionPolicy, RetentionResult
from pointsman.store.row_of_call import THINNED_OUTCOME
from pointsman.store.thinning import threshold

_BATCH_MEMORY_NS = 7 * 86_400 * 1_000_000_000
"""How long a batch id is remembered. A batch sent again after that is known by its request ids."""
_NOT_ALL_WELL = (
    f"SELECT trace_id FROM calls WHERE outcome <> '{THINNED_OUTCOME}' "
    "UNION ALL SELECT trace_id FROM spans WHERE status = 'ERROR'"
)


def retain(writing: Writing, policy: RetentionPolicy, now_unix_ns: int) -> RetentionResult:
    """Answer `TraceStore.retention`."""
    with writing.transaction() as connection:
        calls, spans = _drop_old(connection, policy, now_unix_ns)
        thinned_calls, thinned_spans = _thin(connection, policy, now_unix_ns)
        contents = _drop_contents(connection, policy, now_unix_ns)
        connection.execute(
            "DELETE FROM batches WHERE kept_unix_ns < ?", [now_unix_ns - _BATCH_MEMORY_NS]
        )
    return RetentionResult(
        calls=calls + thinned_calls, spans=spans + thinned_spans, contents=contents
    )


def _drop_old(
    connection: DuckDBPyConnection, policy: RetentionPolicy, now_unix_ns: int
) -> tuple[int, int]:
    if policy.drop_after_s is None:
        return 0, 0
    limit = _moment(now_unix_ns, policy.drop_after_s)
    calls = _count(connection, "DELETE FROM calls WHERE started_unix_ns < ?", [limit])
    spans = _count(connection, "DELETE FROM spans WHERE start_unix_ns < ?", [limit])
    # Money is not thinned; it goes here, with everything else that is too old.
    for table in ("charges", "notices"):
        connection.execute(f"DELETE FROM {table} WHERE started_unix_ns < ?", [limit])
    connection.execute("DELETE FROM alerts WHERE cleared_unix_ns < ?", [limit])
    return calls, spans


def _thin(
    connection: DuckDBPyConnection, policy: RetentionPolicy, now_unix_ns: int
) -> tuple[int, int]:
    if policy.thin_after_s is None:
        return 0, 0
    limit = _moment(now_unix_ns, policy.thin_after_s)
    # Found first, removed after: both tables decide together about a trace.
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE thinned AS SELECT DISTINCT trace_id FROM ("
        "SELECT trace_id FROM calls WHERE started_unix_ns < ? "
        "UNION ALL SELECT trace_id FROM spans WHERE start_unix_ns < ?) "
        f"WHERE {dialect.random_value('trace_id')} < ? AND trace_id NOT IN ({_NOT_ALL_WELL})",
        [limit, limit, threshold(policy.thin_keep_ratio)],
    )
    within = "AND trace_id IN (SELECT trace_id FROM thinned)"
    calls = _count(connection, f"DELETE FROM calls WHERE started_unix_ns < ? {within}", [limit])
    spans = _count(connection, f"DELETE FROM spans WHERE start_unix_ns < ? {within}", [limit])
    connection.execute("DROP TABLE thinned")
    return calls, spans


def _drop_contents(
    connection: DuckDBPyConnection, policy: RetentionPolicy, now_unix_ns: int
) -> int:
    gone = "WHERE request_id NOT IN (SELECT request_id FROM calls)"
    connection.execute(f"DELETE FROM attempts {gone}")
    # The content of a batch may come before the record of its request: only old orphans go.
    hour_ago_ms = _moment(now_unix_ns, 3_600) // 1_000_000
    removed = _count(connection, f"DELETE FROM contents {gone} AND request_ms < ?", [hour_ago_ms])
    if policy.content_after_s is not None:
        limit_ms = _moment(now_unix_ns, policy.content_after_s) // 1_000_000
        removed += _count(connection, "DELETE FROM contents WHERE request_ms < ?", [limit_ms])
    if policy.content_max_bytes is not None:
        removed += _drop_beyond(connection, policy.content_max_bytes)
    connection.execute(
        "DELETE FROM system_prompts WHERE NOT EXISTS (SELECT 1 FROM contents WHERE "
        "contents.system_hash = system_prompts.hash "
        "AND contents.tenant IS NOT DISTINCT FROM system_prompts.tenant)"
    )
    return removed


def _drop_beyond(connection: DuckDBPyConnection, max_bytes: int) -> int:
    """Remove the oldest contents until the rest fits."""
    return _count(
        connection,
        "DELETE FROM contents WHERE request_id IN (SELECT request_id FROM ("
        "SELECT request_id, sum(bytes) OVER (ORDER BY request_ms DESC, request_id DESC) AS newer "
        "FROM contents) WHERE newer > ?)",
        [max_bytes],
    )


def _moment(now_unix_ns: int, age_s: float) -> int:
    return now_unix_ns - round(age_s * 1_000_000_000)


def _count(connection: DuckDBPyConnection, sql: str, values: list[object]) -> int:
    """Run a DELETE and return how many rows went."""
    row = connection.execute(sql, values).fetchone()
    return int(row[0]) if row is not None else 0
