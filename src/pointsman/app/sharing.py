"""What a gateway worker counts with: its own memory, or what several share through Redis."""

import hashlib
import logging

from pointsman.app.sharing_figures import sharing_figures
from pointsman.config.data_folder import DataFolder
from pointsman.config.root import Config
from pointsman.core.clock import Clock
from pointsman.core.ledger import Ledger
from pointsman.gateway.gauges import Figure
from pointsman.policy.admission import Admissions
from pointsman.policy.compile_rules import Rules
from pointsman.policy.counters import CounterStore
from pointsman.policy.counting import Counting
from pointsman.policy.ledger import MemoryLedger
from pointsman.policy.loss import LossStats, OnLoss
from pointsman.policy.shared_admission import SharedAdmissions, SharedLedger
from pointsman.policy.shares import SharedCounterStore
from pointsman.shared.settings import settings_of
from pointsman.shared.store import SharedStore

_log = logging.getLogger("pointsman")


class Sharing:
    """The counters of one worker, for the life of its process.

    Args:
        config: The configuration at the start; where counters are does not change with a reload.
        folder: Names the instance, so that workers of two machines are two.
        worker: Name of the worker.
        clock: For everything.
    """

    def __init__(self, config: Config, folder: DataFolder, worker: str, clock: Clock) -> None:
        self._clock = clock
        self._worker = worker
        self._counters_apart = max(config.server.workers, config.shared.instances)
        self.memory = MemoryLedger(clock)
        self.ledger: Ledger = self.memory
        self.counters = CounterStore(config.policy.max_counters)
        self.store: SharedStore | None = None
        """The way to Redis; None without it."""
        self._loss = LossStats()
        self._has_warned = False
        self._counting: Counting | None = None
        self._shared_counters: SharedCounterStore | None = None
        settings = settings_of(config.shared)
        if settings is not None:
            self.store = SharedStore(settings, clock, f"{_instance(folder)}:{worker}")
            self._shared_counters = SharedCounterStore(self.store.prefix, clock)
            self._counting = Counting(self.store, self._shared_counters, clock)
            self.counters = self._shared_counters
            self.ledger = SharedLedger(self.memory)

    @property
    def is_shared(self) -> bool:
        """Whether others count along."""
        return self.store is not None

    def admissions(self, rules: Rules, config: Config) -> Admissions:
        """Return what admits requests by compiled rules over these counters."""
        if self._counting is None:
            self._warn_of(rules)
            return Admissions(rules, self._clock)
        choices = config.shared.on_loss
        on_loss = OnLoss(
            clock=self._clock, stats=self._loss, limits=choices.limits, budgets=choices.budgets
        )
        return SharedAdmissions(rules, self._clock, self._counting, on_loss)

    async def start(self) -> None:
        """Connect; wait for it no longer than `shared.connect_timeout`, and go on without."""
        if self.store is not None:
            self.store.start()
            await self.store.first_try()

    async def stop(self) -> None:
        """Tell what is left to tell, and end the session."""
        if self.store is not None:
            await self.store.stop()

    def state(self) -> dict[str, object]:
        """Return where counters are and how that goes, for `/ready`."""
        store = self.store
        if store is None:
            each = "this worker alone" if self._counters_apart > 1 else "the one worker"
            return {"store": "memory", "counts": each}
        lost_ns = store.lost_since_unix_ns
        lost_ms = None if lost_ns is None else (self._clock.unix_ns() - lost_ns) // 1_000_000
        return {
            "store": "redis",
            "up": store.is_up,
            "lostForMs": lost_ms,
            "losses": store.stats.losses,
            "lastError": None if store.is_up else store.stats.last_error,
            "doubt": store.stats.doubt,
        }

    def figures(self) -> list[Figure]:
        """Return the metrics of sharing; none without it."""
        if self.store is None or self._shared_counters is None:
            return []
        return sharing_figures(self.store, self._shared_counters, self._loss, self._clock)

    def _warn_of(self, rules: Rules) -> None:
        """Say once that rules which came at run time are not counted together.

        Those of the file are refused by its checks.
        """
        if self._counters_apart > 1 and not rules.is_empty and not self._has_warned:
            self._has_warned = True
            _log.warning(
                "limits of plans and tenants are counted by each of %d workers or machines on its"
                " own: set shared.url",
                self._counters_apart,
            )


def _instance(folder: DataFolder) -> str:
    """Return a name of the data folder that says nothing about it, and stays the same."""
    return hashlib.sha256(folder.token("instance").encode()).hexdigest()[:12]
