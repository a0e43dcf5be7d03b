"""Writes spans of applications; one that is there already, by trace and span id, is left out."""

# ruff: noqa: S608 - names in SQL are fixed, values are bound
import msgspec
from duckdb import DuckDBPyConnection

from pointsman.store.checks import check_span
from pointsman.store.duckdb import dialect
from pointsman.store.duckdb.tables import SPANS, trace_key_of
from pointsman.store.duckdb.transaction import Writing
from pointsman.store.genai import columns_of
from pointsman.store.protocol import Rejected, WriteResult
from pointsman.store.rows import SpanRow


def write_spans(writing: Writing, spans: list[SpanRow]) -> WriteResult:
    """Keep spans; see `TraceStore.write_spans`."""
    lines, rejected = _lines(spans)
    ids: dict[tuple[str, str], int] = {}
    for index in lines:
        ids.setdefault((spans[index].trace_id, spans[index].span_id), index)
    if not ids:
        return WriteResult(rejected=tuple(rejected), last_position=writing.last_position)
    with writing.transaction() as connection:
        known = _known(connection, [spans[index] for index in ids.values()])
        fresh = [lines[index] for key, index in ids.items() if key not in known]
        writing.load(connection, SPANS, fresh)
    return WriteResult(
        stored=len(fresh),
        known=len(lines) - len(fresh),
        rejected=tuple(rejected),
        last_position=writing.last_position,
    )


def _lines(spans: list[SpanRow]) -> tuple[dict[int, bytes], list[Rejected]]:
    """Return index -> line, and what can never be kept."""
    lines: dict[int, bytes] = {}
    rejected: list[Rejected] = []
    for index, span in enumerate(spans):
        try:
            check_span(span)
            columns = msgspec.json.encode(columns_of(span.attributes))
            keyed = b',"trace_key":%d,' % trace_key_of(span.trace_id)
            lines[index] = msgspec.json.encode(span)[:-1] + keyed + columns[1:]
        except (ValueError, TypeError, RecursionError) as error:
            rejected.append(Rejected(index, str(error), "spans"))
    return lines, rejected


def _known(connection: DuckDBPyConnection, spans: list[SpanRow]) -> set[tuple[str, str]]:
    # A span that is sent again starts when it did: the range prunes, the ids decide.
    starts = [span.start_unix_ns for span in spans]
    found = connection.execute(
        "SELECT trace_id, span_id FROM spans "
        f"WHERE start_unix_ns BETWEEN ? AND ? AND {dialect.any_of('span_id')}",
        [min(starts), max(starts), [span.span_id for span in spans]],
    )
    return set(found.fetchall())
