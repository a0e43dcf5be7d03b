"""The part of the embedded store that answers for money; see `MoneyStore`."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from duckdb import DuckDBPyConnection

from pointsman.store.alerts import Alert, AlertChanges, AlertFigures, AlertWindows
from pointsman.store.costs import (
    MAX_ROWS,
    CostFilter,
    CostGroup,
    Costs,
    check_groups,
    check_span,
)
from pointsman.store.duckdb import read_alert_figures, read_costs
from pointsman.store.duckdb.alerts import alerts as read_alerts
from pointsman.store.duckdb.alerts import write_alerts
from pointsman.store.duckdb.recost import Recosting
from pointsman.store.duckdb.recost import recost_runs as read_runs
from pointsman.store.duckdb.threads import BoundedThreads
from pointsman.store.duckdb.transaction import Writing
from pointsman.store.query import Scope
from pointsman.store.recosts import PriceCall, Progress, RecostOrder, RecostReport, RecostRun

T = TypeVar("T")
P = ParamSpec("P")


class DuckDbMoney:
    """Costs, pricing anew and alerts, for the store that has the threads and the file."""

    _writing: Writing
    _writer: BoundedThreads
    _recosting: asyncio.Lock

    async def costs(
        self,
        group_by: tuple[CostGroup, ...],
        from_unix_ns: int,
        to_unix_ns: int,
        wanted: CostFilter,
        scope: Scope,
        *,
        limit: int = MAX_ROWS,
    ) -> Costs:
        """See `MoneyStore`."""
        groups = check_groups(group_by)
        check_span(from_unix_ns, to_unix_ns)
        span = (from_unix_ns, to_unix_ns)
        condition = read_costs.of_charges(span, wanted, scope)
        return await self._ask(read_costs.costs, groups, span, condition, limit)

    async def recost(
        self, order: RecostOrder, price: PriceCall, progress: Progress
    ) -> RecostReport:
        """See `MoneyStore`. Records that arrive meanwhile are written between its steps."""
        check_span(order.from_unix_ns, order.to_unix_ns)
        async with self._recosting:
            run = Recosting(self._writing, order, price, progress)
            await self._writer.run(run.begin)
            while await self._writer.run(run.step):
                pass
            return await self._writer.run(run.end)

    async def recost_runs(self, *, limit: int = 50) -> list[RecostRun]:
        """See `MoneyStore`."""
        return await self._ask(read_runs, limit)

    async def alert_figures(self, windows: AlertWindows) -> AlertFigures:
        """See `MoneyStore`."""
        return await self._ask(read_alert_figures.alert_figures, windows)

    async def write_alerts(self, changes: AlertChanges) -> None:
        """See `MoneyStore`."""
        await self._writer.run(partial(write_alerts, self._writing, changes))

    async def alerts(
        self, scope: Scope, *, only_open: bool = False, limit: int = 100
    ) -> list[Alert]:
        """See `MoneyStore`."""
        return await self._ask(read_alerts, scope, only_open, limit)

    async def _ask(
        self,
        question: Callable[Concatenate[DuckDBPyConnection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        raise NotImplementedError
