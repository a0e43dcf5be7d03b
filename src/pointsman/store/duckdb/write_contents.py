"""Writes prompts and answers, and each system prompt once."""

# ruff: noqa: S608 - names in SQL are fixed, values are bound
import msgspec
from duckdb import DuckDBPyConnection

from pointsman.store.checks import check_content
from pointsman.store.duckdb import dialect
from pointsman.store.duckdb.tables import CONTENTS, SYSTEM_PROMPTS, ContentLine, SystemPromptLine
from pointsman.store.duckdb.transaction import Writing, with_range
from pointsman.store.protocol import Rejected
from pointsman.store.row_of_call import request_ms_of
from pointsman.store.rows import ContentRow


class Contents:
    """The contents of one batch, ready to be written.

    Args:
        rows: As they were sent. Of several for one request the first is kept.
    """

    def __init__(self, rows: list[ContentRow]) -> None:
        self.rejected: list[Rejected] = []
        self._lines: dict[str, bytes] = {}
        self._prompts: dict[tuple[str | None, str], bytes] = {}
        for index, row in enumerate(rows):
            try:
                self._add(row)
            except (ValueError, RecursionError) as error:
                self.rejected.append(Rejected(index, str(error), "contents"))

    def write(self, writing: Writing, connection: DuckDBPyConnection) -> None:
        """Insert what is not known yet, within the transaction that is open."""
        if not self._lines:
            return
        known = self._known_requests(connection)
        fresh = [line for request_id, line in self._lines.items() if request_id not in known]
        writing.load(connection, CONTENTS, fresh)
        self._write_prompts(writing, connection)

    def _add(self, row: ContentRow) -> None:
        check_content(row)
        line = msgspec.json.encode(_content_line(row))
        if row.system_hash is not None and row.system is not None:
            key = (row.tenant, row.system_hash)
            self._prompts[key] = msgspec.json.encode(_prompt_line(row, row.system_hash, row.system))
        self._lines.setdefault(row.request_id, line)

    def _known_requests(self, connection: DuckDBPyConnection) -> set[str]:
        found = connection.execute(
            "SELECT request_id FROM contents "
            f"WHERE request_ms BETWEEN ? AND ? AND {dialect.any_of('request_id')}",
            with_range(list(self._lines)),
        )
        return {row[0] for row in found.fetchall()}

    def _write_prompts(self, writing: Writing, connection: DuckDBPyConnection) -> None:
        if not self._prompts:
            return
        found = connection.execute(
            f"SELECT tenant, hash FROM system_prompts WHERE {dialect.any_of('hash')}",
            [[prompt_hash for _, prompt_hash in self._prompts]],
        )
        known = set(found.fetchall())
        lines = [line for key, line in self._prompts.items() if key not in known]
        writing.load(connection, SYSTEM_PROMPTS, lines)


def _content_line(row: ContentRow) -> ContentLine:
    parts = [part for part in (row.prompt, row.response) if part is not None]
    return ContentLine(
        request_id=row.request_id,
        request_ms=request_ms_of(row.request_id),
        tenant=row.tenant,
        captured=row.captured,
        system_hash=row.system_hash,
        prompt=row.prompt,
        response=row.response,
        cut=row.cut,
        bytes=sum(len(part.encode()) for part in parts),
    )


def _prompt_line(row: ContentRow, prompt_hash: str, text: str) -> SystemPromptLine:
    return SystemPromptLine(
        tenant=row.tenant, hash=prompt_hash, text=text, bytes=len(text.encode())
    )
