"""Prices stored attempts anew, in pages; the new revision takes effect as a whole at the end.

Until then its rows are there but not current, so no question sees half a pricing. What a process
that died left behind goes when the next one begins.
"""

# ruff: noqa: S608 - names in SQL are fixed, values are bound
import msgspec
from duckdb import DuckDBPyConnection
from msgspec import Struct

from pointsman.core.records import Cost
from pointsman.core.usage import Usage
from pointsman.store.charge_of_call import ChargeRow
from pointsman.store.checks import check_integers
from pointsman.store.duckdb.tables import CHARGES
from pointsman.store.duckdb.transaction import Writing
from pointsman.store.recosts import (
    PriceCall,
    Progress,
    RecostOrder,
    RecostReport,
    RecostRun,
    StoredUsage,
)

PAGE = 2_000
_NAMES = ChargeRow.__struct_fields__
_COLUMNS = ", ".join(_NAMES)
_PRICEABLE = (
    "is_current AND was_called AND started_unix_ns >= ? AND started_unix_ns < ? "
    "AND (input_tokens IS NOT NULL OR output_tokens IS NOT NULL)"
)
_UNCOUNTED = (
    "SELECT count(*) FROM charges WHERE is_current AND was_called AND started_unix_ns >= ? "
    "AND started_unix_ns < ? AND input_tokens IS NULL AND output_tokens IS NULL"
)


class _Counts(Struct):
    """What is counted on the way."""

    attempts: int = 0
    changed: int = 0
    became_known: int = 0
    became_unknown: int = 0
    before_nano_usd: int = 0
    after_nano_usd: int = 0

    def add(self, before: int | None, after: int | None) -> bool:
        """Count one attempt; return whether its cost is another now."""
        self.attempts += 1
        self.before_nano_usd += before or 0
        self.after_nano_usd += after or 0
        self.changed += before != after
        self.became_known += before is None and after is not None
        self.became_unknown += before is not None and after is None
        return before != after


class Recosting:
    """One pricing, in steps between which other writes have their turn.

    Args:
        writing: The one writer; every method runs on its thread.
        order: What is wanted.
        price: See `MoneyStore.recost`.
        progress: Told after every step.
    """

    def __init__(
        self, writing: Writing, order: RecostOrder, price: PriceCall, progress: Progress
    ) -> None:
        self._writing = writing
        self._order = order
        self._price = price
        self._progress = progress
        self._counts = _Counts()
        self._revision = 0
        self._after = (-1, "", -1)

    def begin(self) -> None:
        """Take away what was left unfinished, and count what is to be done."""
        order = self._order
        with self._writing.transaction() as connection:
            connection.execute(
                "DELETE FROM charges WHERE revision IN "
                "(SELECT revision FROM recosts WHERE NOT is_finished)"
            )
            connection.execute("DELETE FROM recosts WHERE NOT is_finished")
            self._progress.total = _one(
                connection, f"SELECT count(*) FROM charges WHERE {_PRICEABLE}", _span(order)
            )
            if order.dry_run:
                return
            self._revision = _one(
                connection, "SELECT coalesce(max(revision), 0) + 1 FROM recosts", []
            )
            connection.execute(
                "INSERT INTO recosts VALUES (?, ?, ?, ?, ?, ?, ?, FALSE, '')",
                [self._revision, self._writing.clock.unix_ns(), order.actor, *_span(order),
                 order.at_current_prices, order.price_book],
            )  # fmt: skip

    def step(self) -> bool:
        """Price one page; return whether there is another."""
        with self._writing.transaction() as connection:
            page = _page(connection, self._order, self._after)
            changed = _priced(page, self._price, self._counts, self._revision)
            if not self._order.dry_run:
                lines = [msgspec.json.encode(row) for row in changed]
                self._writing.load(connection, CHARGES, lines)
        self._progress.done = self._counts.attempts
        if page:
            self._after = (page[-1].request_ms, page[-1].request_id, page[-1].number)
        return len(page) == PAGE and self._progress.is_wanted

    def end(self) -> RecostReport:
        """Put the revision in force as a whole, unless it is not wanted any more."""
        order, counts = self._order, self._counts
        is_kept = self._revision and counts.changed and self._progress.is_wanted
        with self._writing.transaction() as connection:
            report = RecostReport(
                revision=self._revision if is_kept else 0,
                dry_run=order.dry_run,
                at_current_prices=order.at_current_prices,
                price_book=order.price_book,
                from_unix_ns=order.from_unix_ns,
                to_unix_ns=order.to_unix_ns,
                without_usage=_one(connection, _UNCOUNTED, _span(order)),
                **{name: getattr(counts, name) for name in counts.__struct_fields__},
            )
            if is_kept:
                _put_in_force(connection, self._revision, report)
        return report


def recost_runs(connection: DuckDBPyConnection, limit: int) -> list[RecostRun]:
    """Answer `MoneyStore.recost_runs`."""
    found = connection.execute(
        "SELECT revision, made_unix_ns, actor, report FROM recosts WHERE is_finished "
        f"ORDER BY revision DESC LIMIT {max(1, limit)}"
    )
    return [
        RecostRun(
            revision=revision,
            made_unix_ns=made,
            actor=actor,
            report=msgspec.json.decode(report, type=RecostReport),
        )
        for revision, made, actor, report in found.fetchall()
    ]


def _page(
    connection: DuckDBPyConnection, order: RecostOrder, after: tuple[int, str, int]
) -> list[ChargeRow]:
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM charges WHERE {_PRICEABLE} "
        "AND request_ms >= ? AND (request_ms, request_id, number) > (?, ?, ?) "
        f"ORDER BY request_ms, request_id, number LIMIT {PAGE}",
        [*_span(order), after[0], *after],
    )
    return [ChargeRow(**dict(zip(_NAMES, row, strict=True))) for row in found.fetchall()]


def _priced(
    page: list[ChargeRow], price: PriceCall, counts: _Counts, revision: int
) -> list[ChargeRow]:
    """Price the rows of a page; return those whose cost is another, as they are to be kept."""
    changed = []
    for row in page:
        cost = price(_usage_of(row))
        if counts.add(row.cost_nano_usd, cost.total_nano_usd):
            changed.append(_with_cost(row, cost, revision))
    return changed


def _usage_of(row: ChargeRow) -> StoredUsage:
    usage = Usage(
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cache_read_tokens=row.cache_read_tokens,
        cache_write_tokens=row.cache_write_tokens,
        reasoning_tokens=row.reasoning_tokens,
        estimated=row.usage_estimated,
        cache_write_1h_tokens=row.cache_write_1h_tokens,
    )
    return StoredUsage(
        row.provider or "", row.model or "", row.started_unix_ns, usage, row.cost_nano_usd
    )


def _with_cost(row: ChargeRow, cost: Cost, revision: int) -> ChargeRow:
    row.cost_nano_usd = cost.total_nano_usd
    row.cost_estimated = cost.estimated
    row.price_version = cost.price_version
    row.revision = revision
    row.is_current = False
    check_integers(row)
    return row


def _put_in_force(connection: DuckDBPyConnection, revision: int, report: RecostReport) -> None:
    connection.execute(
        "UPDATE charges SET is_current = FALSE FROM "
        "(SELECT request_ms AS ms, request_id AS id, number AS at FROM charges WHERE revision = ?) "
        "AS fresh WHERE is_current AND request_ms = fresh.ms AND request_id = fresh.id "
        "AND number = fresh.at",
        [revision],
    )
    connection.execute("UPDATE charges SET is_current = TRUE WHERE revision = ?", [revision])
    connection.execute(
        "UPDATE recosts SET is_finished = TRUE, report = ? WHERE revision = ?",
        [msgspec.json.encode(report).decode(), revision],
    )


def _span(order: RecostOrder) -> list[object]:
    return [order.from_unix_ns, order.to_unix_ns]


def _one(connection: DuckDBPyConnection, sql: str, values: list[object]) -> int:
    row = connection.execute(sql, values).fetchone()
    return int(row[0]) if row is not None else 0
