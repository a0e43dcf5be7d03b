"""The console on a port of its own, over a real store and a real state, in a thread."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from litestar import Litestar

from pointsman.console.settings import ConsoleSettings, PipelineFigures
from pointsman.console.site import handlers
from pointsman.core.clock import SystemClock
from pointsman.core.records import CallRecord
from pointsman.state.audit import AuditLog
from pointsman.state.database import StateDatabase, state_url
from pointsman.state.sessions import SessionStore
from pointsman.store.arrivals import Arrivals
from pointsman.store.duckdb.file import DuckDbSettings
from pointsman.store.duckdb.store import DuckDbStore
from pointsman.store.rows import ContentRow
from stored_records import batch_of

TIMEOUT_S = 20
FIGURES = PipelineFigures(
    lag_s=0.12, spool_bytes=48_213, spool_records=3, dropped={"span queue full": 2}, set_aside=0
)


async def open_console(folder: Path, **changes: Any) -> tuple[ConsoleSettings, StateDatabase]:
    """Open what a console reads from, in an empty folder."""
    clock = changes.pop("clock", None) or SystemClock()
    store = await DuckDbStore.open(
        folder / "store", clock, DuckDbSettings(memory_bytes=256_000_000, threads=1)
    )
    database = await StateDatabase.open(state_url(folder), clock)
    position = (await store.stats()).last_position
    settings = ConsoleSettings(
        **{
            "store": store,
            "arrivals": Arrivals(position),
            "sessions": SessionStore(database),
            "audit": AuditLog(database),
            "clock": clock,
            "pipeline": lambda: FIGURES,
            "gateway_url": "http://127.0.0.1:3100",
            "version": "0.1.0",
        }
        | changes
    )
    return settings, database


class ConsoleServer:
    """A running console."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, settings: ConsoleSettings, ending: threading.Event
    ) -> None:
        self.loop = loop
        self.settings = settings
        self.url = ""
        self.batches = 0
        self.ending = ending
        """While set, streams end, as they do when a collector stops."""

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on the server's loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(TIMEOUT_S)

    def store(self, *records: CallRecord, contents: list[ContentRow] | None = None) -> None:
        """Store records and announce them, as the collector does."""
        self.batches += 1
        batch = batch_of(*records, batch_id=f"batch-{self.batches}", contents=contents)

        async def write() -> None:
            result = await self.settings.store.write_batch(batch)
            assert not result.rejected, result.rejected
            self.settings.arrivals.announce(result.last_position)

        self.run(write())

    def login_link(self) -> str:
        """Return a link as the collector prints it."""
        token = self.run(self.settings.sessions.make_login(actor="test"))
        return f"{self.url}/login?token={token}"


@contextmanager
def serving_console(folder: Path, **changes: Any) -> Iterator[ConsoleServer]:
    """Serve the console until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    closing = threading.Event()

    def run(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(TIMEOUT_S)

    settings, database = run(open_console(folder, is_closing=closing.is_set, **changes))
    server = _server(handlers(settings))
    console = ConsoleServer(loop, settings, closing)
    ended = asyncio.run_coroutine_threadsafe(server.serve(), loop)
    try:
        _wait_until(lambda: server.started or ended.done())
        port = server.servers[0].sockets[0].getsockname()[1]
        console.url = f"http://127.0.0.1:{port}"
        yield console
    finally:
        closing.set()
        server.should_exit = True
        ended.result(TIMEOUT_S)
        run(settings.store.close())
        run(database.close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(TIMEOUT_S)
        loop.close()


def _server(routes: list[Any]) -> uvicorn.Server:
    config = uvicorn.Config(
        Litestar(route_handlers=routes, openapi_config=None),
        host="127.0.0.1",
        port=0,
        log_level="warning",
        lifespan="off",
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    return server


def _wait_until(holds: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(TIMEOUT_S * 50):
        if holds():
            return
        waiting.wait(0.02)
    raise AssertionError("the console did not start")
