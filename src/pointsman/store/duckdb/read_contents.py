"""Prompts and answers, and the configurations that were in force."""

from duckdb import DuckDBPyConnection

from pointsman.core.ids import REQUEST_ID
from pointsman.store.duckdb.conditions import of_scope
from pointsman.store.query import MAX_PAGE, Scope
from pointsman.store.row_of_call import request_ms_of
from pointsman.store.rows import ConfigVersion, ContentRow


def content(connection: DuckDBPyConnection, request_id: str, scope: Scope) -> ContentRow | None:
    """Answer `TraceStore.content`."""
    if REQUEST_ID.match(request_id) is None:
        return None
    condition = of_scope(scope).also("request_ms = ?", request_ms_of(request_id))
    condition = condition.also("request_id = ?", request_id)
    row = connection.execute(
        "SELECT tenant, captured, system_hash, prompt, response, cut FROM contents "  # noqa: S608
        f"WHERE {condition.sql}",
        condition.values,
    ).fetchone()
    if row is None:
        return None
    tenant, captured, system_hash, prompt, response, cut = row
    return ContentRow(
        request_id=request_id,
        tenant=tenant,
        captured=captured,
        system_hash=system_hash,
        system=_system_prompt(connection, tenant, system_hash),
        prompt=prompt,
        response=response,
        cut=cut,
    )


def config_version(connection: DuckDBPyConnection, config_hash: str) -> ConfigVersion | None:
    """Answer `TraceStore.config_version`."""
    row = connection.execute(
        "SELECT hash, first_seen_unix_ns, text FROM config_versions WHERE hash = ?", [config_hash]
    ).fetchone()
    return ConfigVersion(*row) if row is not None else None


def config_versions(connection: DuckDBPyConnection, limit: int) -> list[ConfigVersion]:
    """Answer `TraceStore.config_versions`."""
    found = connection.execute(
        "SELECT hash, first_seen_unix_ns, text FROM config_versions "
        "ORDER BY first_seen_unix_ns DESC, hash LIMIT ?",
        [max(1, min(limit, MAX_PAGE))],
    )
    return [ConfigVersion(*row) for row in found.fetchall()]


def _system_prompt(
    connection: DuckDBPyConnection, tenant: str | None, prompt_hash: str | None
) -> str | None:
    if prompt_hash is None:
        return None
    row = connection.execute(
        "SELECT text FROM system_prompts WHERE hash = ? AND tenant IS NOT DISTINCT FROM ?",
        [prompt_hash, tenant],
    ).fetchone()
    return row[0] if row is not None else None
