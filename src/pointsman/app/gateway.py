"""The composition root of a gateway worker.

`Gateway` is one worker: built from a loaded configuration and an open data folder, started on a
bound socket, reloaded as a whole, stopped with a grace period.
"""

import gc
import logging
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from pointsman import __version__
from pointsman.app.call_journal import CallJournal
from pointsman.app.collector_link import CollectorAddress, CollectorLink
from pointsman.app.delivery import Delivery
from pointsman.app.dialects import spoken_dialects
from pointsman.app.figures import policy_figures, worker_figures
from pointsman.app.masked_logs import mask_logs
from pointsman.app.past_calls import past_of
from pointsman.app.protection import Protection
from pointsman.app.provider_set import ProviderSet
from pointsman.app.sharing import Sharing
from pointsman.app.terms import compile_terms, renewed
from pointsman.app.worker_metrics import WorkerMetrics
from pointsman.config.data_folder import DataFolder
from pointsman.config.root import LoadedConfig
from pointsman.config.server import ServerConfig
from pointsman.core.clock import Clock, SystemClock
from pointsman.core.ids import IdSource
from pointsman.core.provider import Provider
from pointsman.core.records import Attempt, CallRecord
from pointsman.core.redaction.engine import Redactor
from pointsman.cost.prices import PriceBook
from pointsman.cost.token_estimator import TokenEstimator
from pointsman.gateway.accounting import Accountant
from pointsman.gateway.content import Captured, ContentKeeper
from pointsman.gateway.gauges import LiveGauges
from pointsman.gateway.guard import guard_for
from pointsman.gateway.metrics import Metrics
from pointsman.gateway.pipeline import Pipeline
from pointsman.gateway.recorder import Recorder
from pointsman.gateway.runtime import Runtime
from pointsman.gateway.structured import StructuredAnswers
from pointsman.gateway.tool_calls import ToolCallRules
from pointsman.gateway.tool_check import ToolChecker
from pointsman.policy.authenticate import Authenticator
from pointsman.policy.prompt.compile_prompt_rules import compile_prompt_rules
from pointsman.policy.snapshot import KeyDirectory
from pointsman.providers.capabilities import known_capabilities
from pointsman.routing.planner import Planner
from pointsman.routing.table import RoutingTable
from pointsman.server.guard import Guard
from pointsman.server.handlers import GatewayApp, Serving
from pointsman.server.headers import ResponseHeaders
from pointsman.server.limits import ServerLimits
from pointsman.server.listener import Listener, ListenerSettings

_log = logging.getLogger("pointsman")
FIRST_WORKER = "gateway-0"


class Gateway:
    """One gateway worker."""

    def __init__(
        self,
        loaded: LoadedConfig,
        folder: DataFolder,
        *,
        collector: CollectorAddress | None = None,
        clock: Clock | None = None,
        worker: str = FIRST_WORKER,
    ) -> None:
        self.clock = clock or SystemClock()
        self.worker = worker
        self.keys = KeyDirectory(self.clock, Authenticator({}))
        self._link = (
            CollectorLink(collector, folder, self.keys, self.clock)
            if collector is not None
            else None
        )
        self.ids = IdSource(self.clock)
        self.metrics = Metrics()
        sockets = folder.path / "workers" if loaded.config.server.workers > 1 else None
        self._worker_metrics = WorkerMetrics(sockets, worker, self.metrics.render)
        self.sharing = Sharing(loaded.config, folder, worker, self.clock)
        self.ledger = self.sharing.memory
        self.counters = self.sharing.counters
        self.protection = Protection(self.sharing.ledger, self.clock, self.sharing.store)
        self.health = self.protection.health
        self._folder = folder
        self._master_key = folder.master_key()
        self._journal = CallJournal()
        self._delivery = (
            Delivery(folder, worker, collector, self.clock) if collector is not None else None
        )
        self._listener: Listener | None = None
        self._is_draining = False
        self.loaded = loaded
        self._dialects = spoken_dialects()
        self._tool_checker = ToolChecker()
        estimator = self._token_estimator = TokenEstimator()
        self._providers = ProviderSet(self.clock, self._dialects.values(), estimator)
        self._pipeline = Pipeline(self.clock, self.ids, self.metrics)
        serving, providers = self._compile(loaded)
        self._take_over(loaded, providers)
        self.app = GatewayApp(serving)
        self.keys.subscribe(self._renew_terms)
        self.collector_state: str | None = None
        """How the supervisor says that the collector is; None without one."""
        self.other_workers: dict[str, str] = {}
        """How it says that the other workers are."""

    @property
    def port(self) -> int:
        """The port that is listened on; 0 before `start`."""
        return self._listener.port if self._listener is not None else 0

    async def start(self, bound: socket.socket) -> None:
        """End what a crash left open, open the journal and listen.

        Raises:
            JournalLockedError: Another process writes to this worker's journal.
            BindError: The socket cannot be listened on.
        """
        admissions = self.app.serving.runtime.admissions
        journal, spent_today = self._journal.open(
            self._folder.journal,
            self.worker,
            self.loaded.config.journal,
            self.clock,
            past_of(admissions, self.clock),
            tells_own_part=self.sharing.is_shared,
        )
        self.ledger.restore(spent_today)
        await self.sharing.start()
        self._listener = Listener(
            self.app,  # type: ignore[arg-type] # ASGI's typed dicts against plain ones
            listener_settings(self.loaded.config.server),
            ids=self.ids,
            clock=self.clock,
            bound=bound,
        )
        figures = worker_figures(journal, self._listener, self.ledger)
        figures += [*policy_figures(self.counters), *self.sharing.figures()]
        if self._delivery is not None:
            figures += self._delivery.figures()
        LiveGauges(self.metrics.registry, figures, self._listener.rejected)
        # What start-up made lives as long as the process; scanning it again and again would cost
        # a pause of tens of milliseconds per full collection.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        await self._worker_metrics.start()
        await self._listener.start()
        self.protection.start(self.ids, lambda: self.app.serving.runtime, self.metrics.registry)
        self._providers.residents.start(self.metrics.registry)
        if self._link is not None:
            self._link.start()
        if self._delivery is not None:
            self._delivery.start()

    def prepare(self, loaded: LoadedConfig) -> Callable[[], None]:
        """Compile a checked configuration and return what takes it over, at once and for sure.

        Requests under way keep the old one.

        Raises:
            ConfigError: It cannot be compiled; everything goes on as before.
        """
        snapshot = self.keys.snapshot
        serving, providers = self._compile(loaded)

        def take_over() -> None:
            self._take_over(loaded, providers)
            self.app.serving = serving
            if self.keys.snapshot is not snapshot:
                self._renew_terms()

        return take_over

    def _renew_terms(self) -> None:
        """Put plans and tenants in force that the collector has just sent."""
        serving = self.app.serving
        serving.runtime = renewed(serving.runtime, self.loaded, self.keys.snapshot, self.sharing)

    async def stop(self, grace_s: float) -> None:
        """Accept nothing more, let requests finish for `grace_s` seconds, write the journal."""
        self._is_draining = True
        if self._listener is not None:
            await self._listener.stop(grace_s)
        await self.sharing.stop()
        await self._worker_metrics.stop()
        await self.protection.stop()
        if self._link is not None:
            await self._link.stop()
        await self._providers.close()
        self._journal.close()
        if self._delivery is not None:
            await self._delivery.stop()

    def _compile(self, loaded: LoadedConfig) -> tuple[Serving, dict[str, Provider]]:
        """Compile a configuration into what the handlers serve with; changes nothing in force."""
        config = loaded.config
        table = RoutingTable.compile(loaded, known_capabilities)
        providers = self._providers.build(loaded)
        runtime = self._runtime(loaded, table, providers)
        server = config.server
        serving = Serving(
            pipeline=self._pipeline,
            runtime=runtime,
            guard=Guard(
                allowed_origins=server.allowed_origins,
                allowed_hosts=server.allowed_hosts,
            ),
            dialects=self._dialects,
            headers=ResponseHeaders(server.metadata_key),
            clock=self.clock,
            readiness=self._readiness,
            health=_health(loaded, table),
            breakers=self.protection.teller(runtime.worker, table.targets),
            scrape=self._worker_metrics.scrape,
        )
        return serving, providers

    def _take_over(self, loaded: LoadedConfig, providers: dict[str, Provider]) -> None:
        """Put a compiled configuration in force."""
        config = loaded.config
        self.keys.configure(Authenticator(config.keys))
        mask_logs(config, loaded.proxy.url)
        self._providers.adopt(config, providers)
        self.protection.configure(config)
        self.counters.max_counters = config.policy.max_counters
        self.loaded = loaded

    def _runtime(
        self,
        loaded: LoadedConfig,
        table: RoutingTable,
        providers: Mapping[str, Provider],
    ) -> Runtime:
        config = loaded.config
        telemetry_names = {name: each.telemetry_name for name, each in providers.items()}
        prices = PriceBook(config.prices, loaded.version, telemetry_names=telemetry_names)
        prices.warm((target.provider, target.model) for target in config.targets.values())
        accountant = Accountant(prices, self._token_estimator)
        terms = compile_terms(loaded, self.keys.snapshot, self.sharing)
        return Runtime(
            config_version=loaded.version,
            metadata_key=config.server.metadata_key,
            worker=self.worker,
            clock=self.clock,
            attribution=terms.attribution,
            tenancy=terms.tenancy,
            authenticator=self.keys,
            admissions=terms.admissions,
            planner=Planner(table, self.health, self.ids.draw, accountant.upper_bound),
            attempts=self.protection.attempts(
                config, providers, accountant.upper_bound, self._journal_begin, self.ids
            ),
            accountant=accountant,
            structured=StructuredAnswers(
                config.structured_output.clean,
                f"x-{config.server.metadata_key}-json",
                self._tool_checker,
            ),
            tool_calls=ToolCallRules(config.tool_calls.on_invalid, self._tool_checker, accountant),
            content=ContentKeeper(
                config.content.capture, config.content.max_bytes, Redactor(), self._master_key
            ),
            guard=guard_for(compile_prompt_rules(loaded), self.clock),
            recorder=Recorder(self.clock, self.metrics, self._journal_end, telemetry_names),
            max_in_flight=config.resilience.max_in_flight,
            probes={n: each.probe for n, each in config.targets.items() if each.probe is not None},
            mock_providers=frozenset(name for name, each in providers.items() if each.is_mock),
        )

    def _journal_begin(self, record: CallRecord, attempt: Attempt) -> None:
        self._journal.begin(record, attempt)

    def _journal_end(self, record: CallRecord, captured: Captured | None) -> None:
        self._journal.end(record, captured)

    def _readiness(self) -> dict[str, object]:
        journal = self._journal.state()
        is_ready = bool(journal) and not self._is_draining
        state: dict[str, object] = {
            "ready": is_ready,
            "draining": self._is_draining,
            "worker": self.worker,
            "counters": self.sharing.state(),
            "config": self.loaded.version,
            "snapshotAgeMs": self.keys.age_ms,
            "providers": {name: self.health.provider_state(name) for name in self._providers.names},
            "breakers": self.protection.breakers.states(),
            **self._providers.residents.state(),
        }
        if self.other_workers:
            state["workers"] = {self.worker: "up", **self.other_workers}
        if journal:
            state["journal"] = journal
        if self._delivery is not None:
            state["collector"] = {**self._delivery.state(), "state": self.collector_state}
        return state


def listener_settings(server: ServerConfig) -> ListenerSettings:
    """Return how to listen, from what the user wrote."""
    return ListenerSettings(
        host=server.host,
        port=server.port,
        header_prefix=server.metadata_key,
        cert_file=Path(server.tls_cert_file) if server.tls_cert_file is not None else None,
        key_file=Path(server.tls_key_file) if server.tls_key_file is not None else None,
        limits=ServerLimits(
            max_head_bytes=server.max_header_bytes,
            max_body_bytes=server.max_body_bytes,
            header_timeout_s=server.header_timeout,
            body_timeout_s=server.body_timeout,
            idle_timeout_s=server.idle_timeout,
            max_connections=server.max_connections,
        ),
    )


def _health(loaded: LoadedConfig, table: RoutingTable) -> dict[str, object]:
    return {
        "ok": True,
        "mockMode": all(each.kind == "mock" for each in loaded.config.providers.values()),
        "version": __version__,
        "config": loaded.version,
        "smallMaxCharacters": table.small_max_characters,
    }
