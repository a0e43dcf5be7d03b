"""Builds what protects targets and callers from failures, under each configuration."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry

from pointsman.config.root import Config
from pointsman.core.clock import Clock
from pointsman.core.ids import IdSource
from pointsman.core.ledger import Ledger
from pointsman.core.provider import Completion, Provider
from pointsman.core.records import Attempt, CallRecord
from pointsman.core.target import Target
from pointsman.gateway.breaker_report import BreakerQuestion, BreakerReport, breaker_report
from pointsman.gateway.gauges import LoadGauge, LoadRow
from pointsman.gateway.runtime import Runtime
from pointsman.resilience.attempts import AttemptSettings, UpperBound
from pointsman.resilience.breaker_sharing import WORKER_ALONE, BreakerSharing
from pointsman.resilience.breakers import MemoryBreakers
from pointsman.resilience.health import HealthTracker
from pointsman.resilience.lease import Holders
from pointsman.resilience.probes import ProbePlan, Prober
from pointsman.resilience.slots import TargetSlots
from pointsman.shared.store import SharedStore


class Protection:
    """Breakers, health and places of one worker; they outlive a reload."""

    def __init__(self, ledger: Ledger, clock: Clock, store: SharedStore | None = None) -> None:
        self.breakers = MemoryBreakers(clock)
        self._sharing = BreakerSharing(self.breakers, store, clock) if store is not None else None
        self.health = HealthTracker(clock, self.breakers)
        self.holders = Holders(
            ledger=ledger,
            health=self.health,
            breakers=self.breakers,
            slots=TargetSlots(),
            clock=clock,
        )
        self._prober: Prober | None = None

    def start(
        self, ids: IdSource, runtime: Callable[[], Runtime], registry: CollectorRegistry
    ) -> None:
        """Show latency by load, and probe what is configured so, now and after every reload."""
        LoadGauge(registry, lambda: _load(self.health, runtime().planner.table.targets))
        self._prober = Prober(self.holders, ids, lambda: _probe_plan(runtime()))
        self._prober.start()

    async def stop(self) -> None:
        """End the probes; tell the others what is left to tell."""
        if self._sharing is not None:
            await self._sharing.close()
        if self._prober is not None:
            await self._prober.stop()

    def teller(
        self, worker: str, targets: Mapping[str, Target]
    ) -> Callable[[BreakerQuestion], BreakerReport]:
        """Return what answers questions about breakers, under a configuration's targets."""
        breakers = self.breakers
        return lambda asked: breaker_report(
            worker, breakers.states(), breakers.history, targets, asked
        )

    def configure(self, config: Config) -> None:
        """Put the settings of a configuration in force."""
        if self._sharing is None:
            self.breakers.store = WORKER_ALONE if config.server.workers > 1 else None
        self.breakers.configure(
            config.resilience.breaker,
            {
                (target.provider, target.model): target.breaker
                for target in config.targets.values()
                if target.breaker is not None
            },
        )
        pinned = {name: each.health for name, each in config.providers.items() if each.health}
        self.health.pin(pinned, {})

    def attempts(
        self,
        config: Config,
        providers: Mapping[str, Provider],
        upper_bound: UpperBound,
        journal_begin: Callable[[CallRecord, Attempt], None],
        ids: IdSource,
    ) -> AttemptSettings:
        """Return what the loop over attempts works with under a configuration."""
        targets = config.targets.items()
        return AttemptSettings(
            providers=providers,
            holders=self.holders,
            upper_bound=upper_bound,
            journal_begin=journal_begin,
            ids=ids,
            draw=ids.draw,
            retry=config.resilience.retry,
            retry_by_target={name: each.retry for name, each in targets if each.retry is not None},
            stream=config.resilience.stream,
            min_attempt_s=float(config.resilience.min_attempt),
        )


def _load(health: HealthTracker, targets: Iterable[str]) -> Iterator[LoadRow]:
    for name in targets:
        for band in health.load_of(name):
            yield LoadRow(name, band.calls, band.latency_ms / 1000)


def _probe_plan(runtime: Runtime) -> ProbePlan:
    def charge(record: CallRecord, attempt: Attempt, completion: Completion) -> None:
        runtime.accountant.charge(record, attempt, completion.usage, completion.output_characters)

    targets = runtime.planner.table.targets
    return ProbePlan(
        targets=[(targets[name], probe) for name, probe in runtime.probes.items()],
        providers=runtime.attempts.providers,
        config_version=runtime.config_version,
        journal_begin=runtime.attempts.journal_begin,
        charge=charge,
        report=lambda record: runtime.recorder.store(record, None),
    )
