"""A time span in figures. Three passes over narrow columns; sums and bins are added up here."""

# ruff: noqa: S608 - names in SQL are fixed, values are bound
from collections import Counter, defaultdict

from duckdb import DuckDBPyConnection

from pointsman.store.duckdb import dialect
from pointsman.store.duckdb.conditions import Condition, of_calls
from pointsman.store.latency import quantiles
from pointsman.store.overview import Axis, top_series
from pointsman.store.query import Bucket, CallFilter, Figures, Overview, Scope, Series

_SUMS = """count(*), count(*) FILTER (failed), count(*) FILTER (fell_back),
    coalesce(sum(cost_nano_usd), 0), count(*) FILTER (cost_nano_usd IS NULL),
    coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0)"""
_BUCKET = dialect.bucket_number("started_unix_ns")
_MODEL = "coalesce(served_model, requested_model)"


def overview(connection: DuckDBPyConnection, axis: Axis, scope: Scope) -> Overview:
    """Answer `TraceStore.overview`."""
    wanted = CallFilter(from_unix_ns=axis.from_unix_ns, to_unix_ns=axis.to_unix_ns)
    condition = of_calls(wanted, scope)
    sums = _sums(connection, axis, condition)
    bins = _bins(connection, axis, condition)
    reasons, models, targets = _series(connection, axis, condition)
    numbers = range(axis.buckets)
    whole: Counter[int] = Counter()
    for number in numbers:
        whole.update(bins[number])
    totals = [sum(column) for column in zip(*(sums[number] for number in numbers), strict=True)]
    return Overview(
        from_unix_ns=axis.from_unix_ns,
        bucket_ns=axis.bucket_ns,
        totals=_figures(totals, whole),
        buckets=tuple(
            Bucket(
                start_unix_ns=axis.start_of(number), figures=_figures(sums[number], bins[number])
            )
            for number in numbers
        ),
        reasons=reasons,
        models=models,
        targets=targets,
    )


def _sums(
    connection: DuckDBPyConnection, axis: Axis, condition: Condition
) -> defaultdict[int, list[int]]:
    found = connection.execute(
        f"SELECT {_BUCKET} AS bucket, {_SUMS} FROM calls WHERE {condition.sql} GROUP BY bucket",
        [*axis.parameters, *condition.values],
    )
    sums: defaultdict[int, list[int]] = defaultdict(lambda: [0] * 7)
    sums.update((row[0], [int(value) for value in row[1:]]) for row in found.fetchall())
    return sums


def _bins(
    connection: DuckDBPyConnection, axis: Axis, condition: Condition
) -> defaultdict[int, Counter[int]]:
    found = connection.execute(
        f"SELECT {_BUCKET} AS bucket, latency_bin, count(*) FROM calls "
        f"WHERE {condition.sql} AND latency_bin IS NOT NULL GROUP BY bucket, latency_bin",
        [*axis.parameters, *condition.values],
    )
    bins: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for bucket, number, count in found.fetchall():
        bins[bucket][number] = count
    return bins


def _series(
    connection: DuckDBPyConnection, axis: Axis, condition: Condition
) -> tuple[tuple[Series, ...], ...]:
    """Return reasons, models and targets over time."""
    found = connection.execute(
        f"SELECT {_BUCKET} AS bucket, reason, {_MODEL} AS model, target, count(*) FROM calls "
        f"WHERE {condition.sql} GROUP BY bucket, reason, model, target",
        [*axis.parameters, *condition.values],
    )
    counts: tuple[Counter[tuple[str, int]], ...] = (Counter(), Counter(), Counter())
    for bucket, *names, count in found.fetchall():
        for column, name in zip(counts, names, strict=True):
            if name is not None:
                column[name, bucket] += count
    return tuple(top_series(column, axis) for column in counts)


def _figures(sums: list[int], bins: Counter[int]) -> Figures:
    requests, errors, fallbacks, cost, unknown, input_tokens, output_tokens = sums
    p50_ns, p95_ns, p99_ns = quantiles(bins, (0.5, 0.95, 0.99))
    return Figures(
        requests=requests,
        errors=errors,
        fallbacks=fallbacks,
        cost_nano_usd=cost,
        unknown_costs=unknown,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        p50_ns=p50_ns,
        p95_ns=p95_ns,
        p99_ns=p99_ns,
    )
