"""From filters and scopes to SQL conditions. Values are bound, names are fixed."""

# ruff: noqa: S608 - names in SQL are fixed, values are bound

from typing import NamedTuple

from pointsman.core.ids import TRACE_ID
from pointsman.store.costs import NOBODY
from pointsman.store.duckdb import dialect
from pointsman.store.duckdb.tables import trace_key_of
from pointsman.store.query import CallFilter, Scope, TraceFilter


class Condition(NamedTuple):
    """SQL that is true for wanted rows, and the values of its parameters in order."""

    sql: str
    values: list[object]

    def also(self, sql: str, *values: object) -> "Condition":
        """Return the condition that this and `sql` hold."""
        return Condition(f"{self.sql} AND {sql}", [*self.values, *values])


_CALLS: tuple[tuple[str, str], ...] = (
    ("from_unix_ns", "started_unix_ns >= ?"),
    ("to_unix_ns", "started_unix_ns < ?"),
    ("status", "status = ?"),
    ("outcome", "outcome = ?"),
    ("failed", "failed = ?"),
    ("tenant", "tenant = ?"),
    ("target", "target = ?"),
    ("provider", "provider = ?"),
    ("reason", "reason = ?"),
    ("route", "route = ?"),
    ("key", "key_name = ?"),
    ("user", "user_name = ?"),
    ("feature", "feature = ?"),
    ("environment", "environment = ?"),
    ("team", "team = ?"),
    ("customer", "customer = ?"),
    ("workload", "workload = ?"),
    ("endpoint", "dialect = ?"),
    ("operation", "operation = ?"),
    ("min_cost_nano_usd", "cost_nano_usd >= ?"),
    ("min_duration_ns", "duration_ns >= ?"),
    ("error_text", dialect.contains_text("error_text")),
)
"""Field of `CallFilter` -> what it means; model, trace and attempts stand apart."""

_OF_ATTEMPTS = (("called_model", "model"), ("called_kind", "kind"), ("called_target", "target"))
"""Field of `CallFilter` -> column of `attempts`, of which one row must match."""
_SLACK_MS = 3_600_000
"""How far the moment in a request's id may be from its start: clocks are set."""
_FOR_EVER_MS = 1 << 48

_TRACE_ITEMS: tuple[tuple[str, str], ...] = (
    ("from_unix_ns", "started >= ?"),
    ("to_unix_ns", "started < ?"),
    ("tenant", "tenant = ?"),
    ("service", "service = ?"),
    ("model", "model = ?"),
    ("failed", "failed = ?"),
    ("min_duration_ns", "ended - started >= ?"),
)


def of_scope(scope: Scope) -> Condition:
    """Return the condition that a row may be seen."""
    if scope.tenant is None:
        return Condition("TRUE", [])
    return Condition("tenant = ?", [scope.tenant])


def of_calls(wanted: CallFilter, scope: Scope) -> Condition:
    """Return the condition on rows of `calls`."""
    condition = _all(of_scope(scope), _CALLS, wanted)
    if wanted.model is not None:
        condition = condition.also(
            "(requested_model = ? OR served_model = ?)", wanted.model, wanted.model
        )
    if wanted.trace_id is not None:
        condition = in_trace(condition, wanted.trace_id)
    for field, column in _OF_ATTEMPTS:
        value = getattr(wanted, field)
        if value is not None:
            # Within the span only: the engine builds a table of every id that is found.
            condition = condition.also(
                f"request_id IN (SELECT request_id FROM attempts WHERE {column} = ? "
                "AND request_ms BETWEEN ? AND ?)",
                value,
                (wanted.from_unix_ns or 0) // 1_000_000 - _SLACK_MS,
                _FOR_EVER_MS
                if wanted.to_unix_ns is None
                else wanted.to_unix_ns // 1_000_000 + _SLACK_MS,
            )
    return condition


def in_trace(condition: Condition, trace_id: str) -> Condition:
    """Return the condition that a row, which fulfils another too, belongs to a trace."""
    if TRACE_ID.match(trace_id) is None:
        return Condition("FALSE", [])
    return condition.also("trace_key = ?", trace_key_of(trace_id)).also("trace_id = ?", trace_id)


def of_trace_items(wanted: TraceFilter, scope: Scope) -> Condition:
    """Return the condition on calls and spans as `read_traces` lays them side by side."""
    return _all(of_scope(scope), _TRACE_ITEMS, wanted)


def _all(
    condition: Condition,
    meanings: tuple[tuple[str, str], ...],
    wanted: CallFilter | TraceFilter,
) -> Condition:
    for field, sql in meanings:
        value = getattr(wanted, field)
        if value == NOBODY and sql.endswith(" = ?"):
            condition = condition.also(f"{sql.removesuffix(' = ?')} IS NULL")
        elif value is not None:
            condition = condition.also(sql, value)
    return condition
