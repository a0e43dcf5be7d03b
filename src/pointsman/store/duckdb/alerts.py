"""Keeps alerts and finds them again."""

# ruff: noqa: S608 - names in SQL are fixed, values are bound
import msgspec
from duckdb import DuckDBPyConnection

from pointsman.store.alerts import MAX_ALERTS, Alert, AlertChanges, Finding
from pointsman.store.duckdb.conditions import of_scope
from pointsman.store.duckdb.transaction import Writing
from pointsman.store.query import Scope

_read = msgspec.json.Decoder(Finding).decode


def write_alerts(writing: Writing, changes: AlertChanges) -> None:
    """Answer `MoneyStore.write_alerts`."""
    alerts = [*changes.opened, *changes.seen, *changes.cleared]
    if not alerts:
        return
    with writing.transaction() as connection:
        for alert in alerts:
            connection.execute("DELETE FROM alerts WHERE alert_id = ?", [alert.alert_id])
            connection.execute(
                "INSERT INTO alerts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    alert.alert_id,
                    alert.finding.kind,
                    alert.finding.subject,
                    alert.finding.tenant,
                    alert.opened_unix_ns,
                    alert.seen_unix_ns,
                    alert.cleared_unix_ns,
                    msgspec.json.encode(alert.finding).decode(),
                ],
            )


def alerts(
    connection: DuckDBPyConnection, scope: Scope, only_open: bool, limit: int
) -> list[Alert]:
    """Answer `MoneyStore.alerts`."""
    condition = of_scope(scope)
    if only_open:
        condition = condition.also("cleared_unix_ns IS NULL")
    found = connection.execute(
        "SELECT alert_id, opened_unix_ns, seen_unix_ns, cleared_unix_ns, finding FROM alerts "
        f"WHERE {condition.sql} ORDER BY (cleared_unix_ns IS NULL) DESC, opened_unix_ns DESC, "
        f"alert_id LIMIT {max(1, min(limit, MAX_ALERTS))}",
        condition.values,
    )
    return [
        Alert(
            alert_id=alert_id,
            opened_unix_ns=opened,
            seen_unix_ns=seen,
            cleared_unix_ns=cleared,
            finding=_read(finding),
        )
        for alert_id, opened, seen, cleared, finding in found.fetchall()
    ]
