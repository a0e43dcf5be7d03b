"""A collector in the test's event loop, on a real socket, with a store that can be told to fail."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from configuration_text import MOCK, loaded
from pointsman.app.collector import Collector
from pointsman.config.data_folder import DataFolder
from pointsman.core.clock import SystemClock
from pointsman.server.listener import bind_socket
from pointsman.store.duckdb.store import DuckDbStore
from pointsman.store.errors import StoreError


class FaultyStore:
    """A real store; `failing` is raised by writes until it is None again."""

    def __init__(self, inner: DuckDbStore) -> None:
        self._inner = inner
        self.failing: StoreError | None = None
        self.written: list = []

    def __getattr__(self, name: str):
        return getattr(self._inner, name)

    async def write_batch(self, batch):
        if self.failing is not None:
            raise self.failing
        self.written.append(batch)
        return await self._inner.write_batch(batch)

    async def write_spans(self, spans):
        if self.failing is not None:
            raise self.failing
        return await self._inner.write_spans(spans)


@dataclass
class ServingCollector:
    """A collector that answers, and how to talk to it."""

    collector: Collector
    store: FaultyStore
    folder: DataFolder
    session: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.collector.port}"

    def token(self, name: str) -> dict[str, str]:
        """Return the header that shows a token of the data folder."""
        return {"authorization": f"Bearer {self.folder.token(name)}"}

    async def ask(self, method: str, path: str, *, token: str | None = None, **options):
        """Send a request; return status, headers and body."""
        headers = {**(self.token(token) if token else {}), **options.pop("headers", {})}
        call = self.session.request(method, self.url + path, headers=headers, **options)
        async with call as response:
            return response.status, response.headers, await response.read()

    async def read(self, path: str) -> dict:
        """Ask the read API as admin; the answer must be 200."""
        async with self.session.get(self.url + path, headers=self.token("admin")) as response:
            assert response.status == 200, await response.text()
            return await response.json()


@contextlib.asynccontextmanager
async def serving_collector(
    path: Path, config: str = "", *, port: int = 0, **options
) -> AsyncIterator[ServingCollector]:
    """Run a collector on a free port (or the one that is named) until the block ends."""
    stores: list[FaultyStore] = []

    async def open_store(folder: Path, clock: SystemClock) -> FaultyStore:
        stores.append(FaultyStore(await DuckDbStore.open(folder, clock)))
        return stores[0]

    folder = DataFolder.open(path, "collector")
    collector = Collector(loaded(MOCK + config), folder, open_store=open_store, **options)
    try:
        await collector.start(bind_socket("127.0.0.1", port))
        async with aiohttp.ClientSession(auto_decompress=True) as session:
            yield ServingCollector(collector, stores[0], folder, session)
    finally:
        await collector.stop(1.0)
        folder.close()
