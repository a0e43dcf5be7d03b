"""What was spent: one pass over `charges` for groups and totals together."""

# ruff: noqa: S608 - names in SQL are fixed, values are bound
from datetime import UTC, datetime, timedelta

from duckdb import DuckDBPyConnection

from pointsman.store.costs import (
    DAY_NS,
    GROUP_COLUMNS,
    MAX_ROWS,
    NOBODY,
    CostFilter,
    CostGroup,
    CostRow,
    Costs,
    CostSums,
)
from pointsman.store.duckdb.conditions import Condition, of_scope
from pointsman.store.query import Scope

_UNKNOWN = "is_last AND was_called AND cost_nano_usd IS NULL"
_COUNTED = "(input_tokens IS NOT NULL OR output_tokens IS NOT NULL)"
_COUNTS = {
    "calls": "is_last",
    "measured_calls": "is_last AND cost_nano_usd IS NOT NULL AND NOT cost_estimated",
    "estimated_calls": "is_last AND cost_nano_usd IS NOT NULL AND cost_estimated",
    "unknown_price_calls": f"{_UNKNOWN} AND {_COUNTED}",
    "unreported_calls": f"{_UNKNOWN} AND NOT {_COUNTED}",
    "uncalled": "NOT was_called AND cost_nano_usd IS NULL",
    "extra_attempts": "NOT is_last",
    "extra_unknown": "NOT is_last AND cost_nano_usd IS NULL",
}
_SUMS = {
    "input_tokens": ("input_tokens", "is_last"),
    "output_tokens": ("output_tokens", "is_last"),
    "cache_read_tokens": ("cache_read_tokens", "is_last"),
    "cache_write_tokens": ("cache_write_tokens", "is_last"),
    "reasoning_tokens": ("reasoning_tokens", "is_last"),
    "measured_nano_usd": ("cost_nano_usd", "is_last AND NOT cost_estimated"),
    "estimated_nano_usd": ("cost_nano_usd", "is_last AND cost_estimated"),
    "extra_nano_usd": ("cost_nano_usd", "NOT is_last"),
}
# Sums are of type HUGEINT here, exact beyond 64 bits.
_FIGURES = {name: f"count(*) FILTER ({where})" for name, where in _COUNTS.items()} | {
    name: f"coalesce(sum({column}) FILTER ({where}), 0)" for name, (column, where) in _SUMS.items()
}
_SELECTED = ", ".join(f"{sql} AS {name}_sum" for name, sql in _FIGURES.items())
SPENT = "coalesce(sum(cost_nano_usd), 0)"
"""Everything that is known to have been spent in a group."""


def costs(
    connection: DuckDBPyConnection,
    group_by: tuple[CostGroup, ...],
    span: tuple[int, int],
    condition: Condition,
    limit: int,
) -> Costs:
    """Answer `MoneyStore.costs`; the condition is that of `of_charges`."""
    size = max(1, min(limit, MAX_ROWS))
    names = ", ".join(_column(group) for group in group_by)
    days = "day, " if "day" in group_by else ""
    # One row more for the totals, one to see whether there are more.
    found = connection.execute(
        f"SELECT grouping(is_own) AS is_total, is_own, {SPENT} AS spent, {_SELECTED}, {names} "
        f"FROM (SELECT *, started_unix_ns // {DAY_NS} AS day FROM charges "
        f"WHERE {condition.sql}) GROUP BY GROUPING SETS ((is_own, {names}), ()) "
        f"ORDER BY is_total DESC, {days}spent DESC, is_own, {names} LIMIT {size + 2}",
        condition.values,
    ).fetchall()
    totals, groups = found[0], found[1:]
    return Costs(
        from_unix_ns=span[0],
        to_unix_ns=span[1],
        group_by=group_by,
        rows=tuple(_row(group_by, row) for row in groups[:size]),
        is_cut=len(groups) > size,
        total_nano_usd=int(totals[2]),
        totals=_sums(totals),
    )


def of_charges(span: tuple[int, int], wanted: CostFilter, scope: Scope) -> Condition:
    """Return the condition on rows of `charges` at their newest pricing."""
    condition = of_scope(scope).also("is_current")
    condition = condition.also("started_unix_ns >= ?", span[0]).also("started_unix_ns < ?", span[1])
    for group, column in GROUP_COLUMNS.items():
        value = getattr(wanted, group)
        if value == NOBODY:
            condition = condition.also(f"{column} IS NULL")
        elif value is not None:
            condition = condition.also(f"{column} = ?", value)
    if wanted.own is not None:
        condition = condition.also("is_own = ?", wanted.own)
    return condition


def _column(group: CostGroup) -> str:
    return GROUP_COLUMNS.get(group, "day")


def _row(group_by: tuple[CostGroup, ...], row: tuple[object, ...]) -> CostRow:
    values = row[3 + len(_FIGURES) :]
    group: dict[str, str | None] = {
        name: _text(name, value) for name, value in zip(group_by, values, strict=True)
    }
    return CostRow(group=group, own=bool(row[1]), total_nano_usd=int(str(row[2])), sums=_sums(row))


def _text(group: CostGroup, value: object) -> str | None:
    if group == "day":
        return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=int(str(value))):%Y-%m-%d}"
    return None if value is None else str(value)


def _sums(row: tuple[object, ...]) -> CostSums:
    values = (int(str(value)) for value in row[3 : 3 + len(_FIGURES)])
    return CostSums(**dict(zip(_FIGURES, values, strict=True)))
