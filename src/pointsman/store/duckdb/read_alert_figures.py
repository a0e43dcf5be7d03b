"""Figures that alerts are decided from: each a bounded window of narrow columns."""

# ruff: noqa: S608 - names in SQL are fixed, values are bound
from duckdb import DuckDBPyConnection

from pointsman.store.alerts import (
    MAX_FIGURES,
    AlertFigures,
    AlertWindows,
    BreakerFigure,
    BudgetFigure,
    FallbackFigure,
    FeatureFigure,
    ShareFigure,
    UserFigure,
    Window,
)

_SPENT = "coalesce(sum(cost_nano_usd), 0)"
_CALLERS = "is_current AND NOT is_own AND started_unix_ns >= ? AND started_unix_ns < ?"


def alert_figures(connection: DuckDBPyConnection, windows: AlertWindows) -> AlertFigures:
    """Answer `MoneyStore.alert_figures`."""
    return AlertFigures(
        windows=windows,
        budgets=_budgets(connection, windows.budgets),
        users=_users(connection, windows.users, windows.users_before),
        features=_features(connection, windows.features, windows.features_before),
        shares=_shares(connection, windows.shares),
        fallbacks=_fallbacks(connection, windows.fallbacks),
        breakers=_breakers(connection, windows.breakers),
    )


def _budgets(connection: DuckDBPyConnection, window: Window) -> tuple[BudgetFigure, ...]:
    found = connection.execute(
        "SELECT tenant, subject, rule, arg_max(amount, (request_ms, request_id)), "
        "arg_max(bound, (request_ms, request_id)), count(*), "
        "count(*) FILTER (state = 'refused'), max(resets_unix_ns) AS resets FROM notices "
        "WHERE kind = 'budget' AND started_unix_ns >= ? AND started_unix_ns < ? "
        "AND (resets_unix_ns IS NULL OR resets_unix_ns > ?) "
        "GROUP BY tenant, subject, rule, resets_unix_ns "
        f"ORDER BY count(*) DESC, subject, rule LIMIT {MAX_FIGURES}",
        [*_ends(window), window.to_unix_ns],
    )
    return tuple(
        BudgetFigure(
            tenant=tenant,
            scope=scope,
            rule=rule,
            spent_nano_usd=spent,
            limit_nano_usd=limit,
            requests=requests,
            refused=refused,
            resets_unix_ns=resets,
        )
        for tenant, scope, rule, spent, limit, requests, refused, resets in found.fetchall()
    )


def _users(connection: DuckDBPyConnection, now: Window, before: Window) -> tuple[UserFigure, ...]:
    rows = _compared(connection, "user_name", now, before)
    return tuple(
        UserFigure(
            tenant=tenant, user=name, calls=calls, spent_nano_usd=int(spent),
            before_nano_usd=int(spent_before),
        )
        for tenant, name, calls, spent, _, spent_before in rows
    )  # fmt: skip


def _features(
    connection: DuckDBPyConnection, now: Window, before: Window
) -> tuple[FeatureFigure, ...]:
    rows = _compared(connection, "feature", now, before)
    return tuple(
        FeatureFigure(
            tenant=tenant, feature=name, calls=calls, spent_nano_usd=int(spent),
            calls_before=calls_before, before_nano_usd=int(spent_before),
        )
        for tenant, name, calls, spent, calls_before, spent_before in rows
    )  # fmt: skip


def _compared(
    connection: DuckDBPyConnection, column: str, now: Window, before: Window
) -> list[tuple[str | None, str, int, int, int, int]]:
    """Return calls and spend of each value of a column, now and before; the dearest now first.

    Calls are those whose cost is known: they are what an average is taken over.
    """
    known = "is_last AND cost_nano_usd IS NOT NULL"
    spent = "FILTER (started_unix_ns >= ?)"
    earlier = "FILTER (started_unix_ns < ?)"
    found = connection.execute(
        f"SELECT tenant, {column}, count(*) FILTER ({known} AND started_unix_ns >= ?) AS calls, "
        f"coalesce(sum(cost_nano_usd) {spent}, 0) AS spent, "
        f"count(*) FILTER ({known} AND started_unix_ns < ?), "
        f"coalesce(sum(cost_nano_usd) {earlier}, 0) FROM charges "
        f"WHERE {_CALLERS} AND {column} IS NOT NULL GROUP BY tenant, {column} "
        f"HAVING spent > 0 ORDER BY spent DESC, tenant, {column} LIMIT {MAX_FIGURES}",
        [now.from_unix_ns, now.from_unix_ns, before.to_unix_ns, before.to_unix_ns,
         min(before.from_unix_ns, now.from_unix_ns), now.to_unix_ns],
    )  # fmt: skip
    return found.fetchall()


def _shares(connection: DuckDBPyConnection, window: Window) -> tuple[ShareFigure, ...]:
    found = connection.execute(
        "SELECT tenant, feature, arg_max(user_name, (spent, user_name)), max(spent), sum(spent), "
        "arg_max(calls, (spent, user_name)), count(*) FROM ("
        f"SELECT tenant, feature, user_name, {_SPENT} AS spent, count(*) FILTER (is_last) AS calls "
        f"FROM charges WHERE {_CALLERS} AND feature IS NOT NULL AND user_name IS NOT NULL "
        "GROUP BY tenant, feature, user_name) GROUP BY tenant, feature "
        f"HAVING sum(spent) > 0 ORDER BY sum(spent) DESC, tenant, feature LIMIT {MAX_FIGURES}",
        _ends(window),
    )
    return tuple(
        ShareFigure(
            tenant=tenant,
            feature=feature,
            user=user,
            spent_nano_usd=int(spent),
            feature_nano_usd=int(whole),
            calls=calls,
            users=users,
        )
        for tenant, feature, user, spent, whole, calls, users in found.fetchall()
    )


def _fallbacks(connection: DuckDBPyConnection, window: Window) -> tuple[FallbackFigure, ...]:
    figures: list[FallbackFigure] = []
    for by, column in (("route", "route"), ("target", "first_choice")):
        found = connection.execute(
            f"SELECT {column}, count(*), count(*) FILTER (fell_back) AS fallbacks FROM charges "
            f"WHERE {_CALLERS} AND is_last AND was_called AND {column} IS NOT NULL "
            f"GROUP BY {column} HAVING fallbacks > 0 "
            f"ORDER BY fallbacks DESC, {column} LIMIT {MAX_FIGURES}",
            _ends(window),
        )
        figures += [
            FallbackFigure(by=by, name=name, calls=calls, fallbacks=fallbacks)
            for name, calls, fallbacks in found.fetchall()
        ]
    return tuple(figures)


def _breakers(connection: DuckDBPyConnection, window: Window) -> tuple[BreakerFigure, ...]:
    found = connection.execute(
        "SELECT subject, arg_max(state, (request_ms, request_id)), "
        "coalesce(max(started_unix_ns) FILTER (state = 'open'), 0), "
        "count(*) FILTER (state = 'open'), arg_max(request_id, (request_ms, request_id)) "
        "FROM notices WHERE kind = 'breaker' AND started_unix_ns >= ? AND started_unix_ns < ? "
        f"GROUP BY subject ORDER BY subject LIMIT {MAX_FIGURES}",
        _ends(window),
    )
    return tuple(
        BreakerFigure(
            target=target, state=state, opened_unix_ns=opened, openings=openings, request_id=last
        )
        for target, state, opened, openings, last in found.fetchall()
    )


def _ends(window: Window) -> list[object]:
    return [window.from_unix_ns, window.to_unix_ns]
