"""The composition root of the collector: stores, state, web application, upkeep.

`Collector` is the role of that name: built from a loaded configuration and an open data folder,
started on a bound socket, stopped with a grace period.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

from litestar import Litestar
from litestar.types import ControllerRouterHandler
from msgspec import structs

from pointsman import __version__
from pointsman.app.masked_logs import mask_logs
from pointsman.app.price_book import prices_of
from pointsman.collector.access import Access, Tokens
from pointsman.collector.alert_watch import AlertWatch
from pointsman.collector.bodies import Intake
from pointsman.collector.declared_terms import DeclaredTerms
from pointsman.collector.desk import Desk
from pointsman.collector.normalise_spans import SpanNormaliser
from pointsman.collector.pipeline import PipelineStats, TelemetryPipeline
from pointsman.collector.recosting import Recosting
from pointsman.collector.retention import keep_within
from pointsman.collector.web import make_app
from pointsman.config.data_folder import DataFolder
from pointsman.config.outline import outline
from pointsman.config.retention import RetentionConfig
from pointsman.config.root import LoadedConfig
from pointsman.config.version import public_json
from pointsman.console.settings import ConsoleSettings, PipelineFigures
from pointsman.console.site import handlers as console_pages
from pointsman.core.clock import Clock, SystemClock
from pointsman.core.errors import AuthenticationError
from pointsman.core.identity import Principal
from pointsman.core.ids import IdSource
from pointsman.core.redaction.engine import Redactor
from pointsman.journal.backlog import read_backlog
from pointsman.policy.authenticate import Authenticator
from pointsman.policy.snapshot import KeyDirectory
from pointsman.server.limits import ServerLimits
from pointsman.server.listener import Listener, ListenerSettings
from pointsman.state.audit import AuditLog
from pointsman.state.config_versions import ConfigVersionStore
from pointsman.state.database import StateDatabase, state_url
from pointsman.state.keys import KeyStore
from pointsman.state.plans import PlanStore
from pointsman.state.sessions import SessionStore
from pointsman.state.snapshot import MAX_WAIT_S, SnapshotSource
from pointsman.state.snapshot_reader import snapshot_source
from pointsman.state.tenants import TenantStore
from pointsman.store.arrivals import Arrivals
from pointsman.store.duckdb.store import DuckDbStore
from pointsman.store.protocol import RetentionPolicy, TraceStore
from pointsman.store.rows import ConfigVersion

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

_log = logging.getLogger("pointsman")
DEFAULT_PORT = 3101
STORE_FOLDER = "store"
URL_FILE = "collector.url"
_LAST_WORK_S = 5.0
"""What tasks that end by themselves may take when the collector stops."""
MAX_REQUEST_BYTES = 33_554_432
"""What the protocol lets through; the routes refuse less, in the encoding of the request."""
OpenStore: TypeAlias = Callable[[Path, Clock], Awaitable[TraceStore]]
"""Opens the store in a folder of its own."""


class Collector:
    """The collector role."""

    def __init__(
        self,
        loaded: LoadedConfig,
        folder: DataFolder,
        *,
        clock: Clock | None = None,
        open_store: OpenStore = DuckDbStore.open,
    ) -> None:
        mask_logs(loaded.config, loaded.proxy.url)
        self._open_store = open_store
        self.clock = clock or SystemClock()
        self.loaded = loaded
        self._folder = folder
        self._tokens = Tokens(ingest=folder.token("ingest"), admin=folder.token("admin"))
        self._keys = KeyDirectory(self.clock, Authenticator(loaded.config.keys))
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._noting = asyncio.Lock()
        self._state: StateDatabase | None = None
        self._store: TraceStore | None = None
        self._snapshots: SnapshotSource | None = None
        self._listener: Listener | None = None
        self.arrivals = Arrivals()
        self.desk: Desk | None = None
        """What the routes work with; None before `start`."""
        self._app: Litestar | None = None
        self._is_closing = False
        self.url = ""
        """Address on this machine; empty before `start`."""

    @property
    def port(self) -> int:
        """The port that is listened on; 0 before `start`."""
        return self._listener.port if self._listener is not None else 0

    async def start(self, bound: socket.socket) -> None:
        """Open store and state, and listen on `bound`, which is the collector's from now on.

        Raises:
            StoreError: The store is locked by another process, newer, or damaged.
            StateError: The state cannot be opened, or is newer.
            BindError: The socket cannot be listened on.
        """
        try:
            store = await self._open_store(self._folder.path / STORE_FOLDER, self.clock)
            self._store = store
            self._state = await StateDatabase.open(state_url(self._folder.path), self.clock)
            self._snapshots = snapshot_source(self._state)
            self.arrivals.announce((await store.stats()).last_position)
            self._sessions = SessionStore(self._state)
            self.desk = self._make_desk(store, self._state, self._snapshots)
            self._app = make_app(self.desk, self._console(store, self._state))
            self._listener = self._listen(self._app, bound)
            await self._listener.start()
        except BaseException:
            bound.close()
            await self.stop(0.0)
            raise
        self._own(keep_within(store, retention_policy(self.loaded.config.retention), self.clock))
        self._own(self.desk.alerts.run())
        self._own(self._follow_keys(self._snapshots), ends_itself=True)
        self._own(self._note_version(store, self._state, self.loaded, "start"), ends_itself=True)
        self.url = _local_url(bound.getsockname()[0], self.port)
        self._write_url(self.url)

    async def login_link(self) -> str:
        """Return an address that opens the console once, for whoever started the instance."""
        secret = await self._sessions.make_login(actor="start")
        return f"{self.url}/login?token={secret}"

    def prepare(self, loaded: LoadedConfig) -> Callable[[], None]:
        """Compile a checked configuration and return what takes it over, at once and for sure."""
        authenticator = Authenticator(loaded.config.keys)
        access, normaliser = self._access(loaded), _normaliser(loaded)

        def take_over() -> None:
            self.loaded = loaded
            mask_logs(loaded.config, loaded.proxy.url)
            self._keys.configure(authenticator)
            if self.desk is None or self._app is None or self._store is None:
                return
            if self._state is not None:
                noted = self._note_version(self._store, self._state, loaded, "reload")
                self._own(noted, ends_itself=True)
            pipeline = TelemetryPipeline(self._store, self.arrivals, normaliser, self.clock)
            pipeline.stats = self.desk.pipeline.stats
            pipeline.workers = self.desk.pipeline.workers
            declared = DeclaredTerms(loaded.config)
            self.desk = structs.replace(
                self.desk, access=access, pipeline=pipeline, declared=declared
            )
            self._app.state["desk"] = self.desk

        return take_over

    async def stop(self, grace_s: float) -> None:
        """Accept nothing more, let requests finish for `grace_s` seconds, close everything."""
        self._is_closing = True
        if self._snapshots is not None:
            self._snapshots.close()
        if self._listener is not None:
            await self._listener.stop(grace_s)
        if self.desk is not None:
            await self.desk.recosting.close()
        if self._ending:
            await asyncio.wait(self._ending, timeout=_LAST_WORK_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._store is not None:
            await self._store.close()
        if self._state is not None:
            await self._state.close()
        with contextlib.suppress(OSError):
            (self._folder.path / URL_FILE).unlink(missing_ok=True)

    def _make_desk(
        self, store: TraceStore, state: StateDatabase, snapshots: SnapshotSource
    ) -> Desk:
        return Desk(
            clock=self.clock,
            access=self._access(self.loaded),
            intake=Intake(),
            pipeline=TelemetryPipeline(store, self.arrivals, _normaliser(self.loaded), self.clock),
            store=store,
            keys=KeyStore(state),
            tenants=TenantStore(state),
            plans=PlanStore(state),
            declared=DeclaredTerms(self.loaded.config),
            snapshots=snapshots,
            audit=AuditLog(state),
            sessions=self._sessions,
            arrivals=self.arrivals,
            alerts=AlertWatch(store, self.clock, lambda: self.loaded.config.alerts),
            recosting=Recosting(store, prices_of(lambda: self.loaded, self.clock)),
        )

    def _console(self, store: TraceStore, state: StateDatabase) -> list[ControllerRouterHandler]:
        server = self.loaded.config.server
        return console_pages(
            ConsoleSettings(
                store=store,
                arrivals=self.arrivals,
                sessions=self._sessions,
                audit=AuditLog(state),
                clock=self.clock,
                pipeline=self._pipeline_figures,
                open_alerts=self._open_alerts,
                is_closing=lambda: self._is_closing,
                gateway_url=_local_url(server.host, server.port),
                allowed_hosts=server.allowed_hosts,
                version=__version__,
                extra_reasons=self.loaded.config.reasons,
            )
        )

    def _open_alerts(self) -> int:
        return self.desk.alerts.counts.open_count if self.desk is not None else 0

    def _pipeline_figures(self) -> PipelineFigures:
        backlog = read_backlog(self._folder.journal, self.clock)
        pipeline = self.desk.pipeline if self.desk is not None else None
        stats = pipeline.stats if pipeline is not None else PipelineStats()
        workers = list(pipeline.workers.values()) if pipeline is not None else []
        return PipelineFigures(
            lag_s=backlog.lag_s,
            spool_bytes=backlog.spool_bytes,
            set_aside=backlog.set_aside,
            dropped={
                why: count
                for why, count in (
                    ("records refused", stats.rejected_records),
                    ("spans refused", stats.rejected_spans),
                    ("expired before delivery", sum(each.spool.lost for each in workers)),
                )
                if count
            },
        )

    def _access(self, loaded: LoadedConfig) -> Access:
        return Access(self._tokens, self._know_key, loaded.config.server.allowed_hosts)

    def _listen(self, app: Litestar, bound: socket.socket) -> Listener:
        return Listener(
            cast("ASGI3Application", app),
            ListenerSettings(limits=ServerLimits(max_body_bytes=MAX_REQUEST_BYTES)),
            ids=IdSource(self.clock),
            clock=self.clock,
            bound=bound,
        )

    def _know_key(self, credential: str) -> Principal:
        if not self._keys.has_keys:
            raise AuthenticationError("this is no token of this instance, and it has no keys")
        return self._keys.authenticate(f"Bearer {credential}")

    async def _follow_keys(self, source: SnapshotSource) -> None:
        """Know issued keys as gateways do, from the same snapshots."""
        version, state_id = 0, None
        while not source.is_closed:
            found = await source.wait_for_newer(version, MAX_WAIT_S, state_id=state_id)
            if found is not None:
                version, state_id = found.version, found.state_id
                self._keys.replace(found)

    async def _note_version(
        self, store: TraceStore, state: StateDatabase, loaded: LoadedConfig, actor: str
    ) -> None:
        """Keep the configuration that records name by its hash, secrets by their alias."""
        text = public_json(loaded.config).decode()
        source = loaded.file or "environment"
        entries = outline(loaded.config, self._folder.master_key())
        version = ConfigVersion(loaded.version, self.clock.unix_ns(), text)
        async with self._noting:  # in the order in which they were put in force
            await store.write_config_version(version)
            await ConfigVersionStore(state).note(
                loaded.version, source, actor=actor, entries=entries
            )

    def _own(self, work: Coroutine[object, object, None], *, ends_itself: bool = False) -> None:
        """Run a task beside requests.

        Args:
            work: What to do.
            ends_itself: Soon, once the collector stops: cancelled in the middle of a statement, it
                would leave the state locked until the process has ended.
        """
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        if ends_itself:
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            _log.error("a task of the collector failed", exc_info=task.exception())

    def _write_url(self, url: str) -> None:
        """Tell commands on this machine where the collector is."""
        fresh = self._folder.path / f".{URL_FILE}.part"
        fresh.write_text(f"{url}\n")
        fresh.replace(self._folder.path / URL_FILE)


def retention_policy(config: RetentionConfig) -> RetentionPolicy:
    """Return what the store is asked to keep, from what the user wrote."""
    return RetentionPolicy(
        thin_after_s=config.thin_after,
        thin_keep_ratio=config.thin_keep_ratio,
        drop_after_s=config.drop_after,
        content_after_s=config.content_after,
        content_max_bytes=config.content_max_bytes,
    )


def _local_url(host: str, port: int) -> str:
    """Return an address that works on this machine, whatever the socket is bound to."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - compared
    shown = f"[{shown}]" if ":" in shown and not shown.startswith("[") else shown
    return f"http://{shown}:{port}"


def _normaliser(loaded: LoadedConfig) -> SpanNormaliser:
    return SpanNormaliser(loaded.config.content.capture, Redactor())
