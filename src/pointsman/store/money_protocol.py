"""The part of a store that answers for money: costs, pricing anew, alerts. See `protocol`."""

from typing import Protocol

from pointsman.store.alerts import Alert, AlertChanges, AlertFigures, AlertWindows
from pointsman.store.costs import MAX_ROWS, CostFilter, CostGroup, Costs
from pointsman.store.query import Scope
from pointsman.store.recosts import PriceCall, Progress, RecostOrder, RecostReport, RecostRun


class MoneyStore(Protocol):
    """What was spent, and what somebody should know of it."""

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
        """Return what requests that started in a span of time cost, at the newest pricing.

        Groups of the gateway's own calls stand apart from those of callers. The dearest group
        comes first, ties by name; with `day` among the groups, days come in their order.

        Raises:
            StoreQueryError: The span is empty, or the groups are none, too many or unknown.
        """
        ...

    async def recost(
        self, order: RecostOrder, price: PriceCall, progress: Progress
    ) -> RecostReport:
        """Price the attempts of a span of time once more, from the tokens that were stored.

        What has another cost then is kept beside the old as a new revision, which takes effect
        as a whole at the end. One pricing at a time.

        Raises:
            StoreQueryError: The span is empty.
            StoreError: It failed, and nothing took effect.
        """
        ...

    async def recost_runs(self, *, limit: int = 50) -> list[RecostRun]:
        """Return the pricings that were written, the newest first."""
        ...

    async def alert_figures(self, windows: AlertWindows) -> AlertFigures:
        """Return what alerts are decided from; reads no further back than the windows."""
        ...

    async def write_alerts(self, changes: AlertChanges) -> None:
        """Keep what a look at the figures changed; an alert is replaced by its id."""
        ...

    async def alerts(
        self, scope: Scope, *, only_open: bool = False, limit: int = 100
    ) -> list[Alert]:
        """Return alerts, the open ones first, then the one that was opened last.

        A scope with a tenant sees that tenant's alerts only.
        """
        ...
