"""Looks at the figures again and again and keeps the alerts; never in the way of anything else."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

from msgspec import Struct, field

from pointsman.collector.alert_rules import advance, evaluate, windows_at
from pointsman.config.alerts import AlertsConfig
from pointsman.core.clock import Clock
from pointsman.store.alerts import MAX_ALERTS, AlertChanges
from pointsman.store.errors import StoreError
from pointsman.store.protocol import TraceStore
from pointsman.store.query import EVERYTHING

_log = logging.getLogger("pointsman.collector")


class AlertCounts(Struct):
    """What metrics and pages say of alerts without asking the store."""

    open: Counter[str] = field(default_factory=Counter)
    """Kind -> how many are open."""
    opened: Counter[str] = field(default_factory=Counter)
    """Kind -> how many were opened since the start."""
    looks: int = 0
    failed_looks: int = 0

    @property
    def open_count(self) -> int:
        """Return how many are open."""
        return sum(self.open.values())


class AlertWatch:
    """Decides about alerts, one look at a time.

    Args:
        store: Has the figures, and keeps the alerts.
        clock: Says when now is.
        settings: Returns what is in force, asked at every look so that a reload counts.
    """

    def __init__(
        self, store: TraceStore, clock: Clock, settings: Callable[[], AlertsConfig]
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._looking = asyncio.Lock()
        self.counts = AlertCounts()

    async def run(self) -> None:
        """Look, and look again, until cancelled."""
        while True:
            try:
                await self.look()
            except StoreError as error:
                # It comes round again; a store that is down says so on every other path too.
                self.counts.failed_looks += 1
                _log.warning("alerts were not looked at: %s", error.message)
            await asyncio.sleep(self._settings().every)

    async def look(self) -> AlertChanges:
        """Take the figures, decide, keep what changed.

        One look at a time: two at once would both open what neither has seen.

        Raises:
            StoreError: The figures cannot be had, or the alerts not be kept.
        """
        async with self._looking:
            return await self._look()

    async def _look(self) -> AlertChanges:
        settings, now_unix_ns = self._settings(), self._clock.unix_ns()
        known = await self._store.alerts(EVERYTHING, only_open=True, limit=MAX_ALERTS)
        findings = []
        if settings.enabled:
            figures = await self._store.alert_figures(windows_at(now_unix_ns, settings))
            findings = evaluate(figures, settings)
        changes = advance(known, findings, now_unix_ns, settings.clear_after)
        await self._store.write_alerts(changes)
        self._count(known_open=len(known), changes=changes)
        gone = {alert.alert_id for alert in changes.cleared}
        still = [alert for alert in known if alert.alert_id not in gone]
        self.counts.open = Counter(each.finding.kind for each in (*still, *changes.opened))
        return changes

    def _count(self, *, known_open: int, changes: AlertChanges) -> None:
        self.counts.looks += 1
        for alert in changes.opened:
            self.counts.opened[alert.finding.kind] += 1
            # Names that callers choose stay out of the log.
            _log.warning(
                "alert %s opened: %s (%d were open)",
                alert.alert_id,
                alert.finding.kind,
                known_open,
            )
        for alert in changes.cleared:
            _log.info("alert %s cleared: %s", alert.alert_id, alert.finding.kind)
