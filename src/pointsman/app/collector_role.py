"""The collector as a role, as whoever runs its process sees it.

A role is made before anything is open; what it runs is made by `start`.
"""

import socket
from collections.abc import Callable

from pointsman.app.collector import Collector
from pointsman.config.data_folder import DataFolder
from pointsman.config.root import LoadedConfig

Tell = Callable[[str, str], None]


class CollectorRole:
    """A collector as a role."""

    name = "collector"

    def __init__(self) -> None:
        self._collector: Collector | None = None

    @property
    def port(self) -> int:
        """The port that is listened on; 0 before `start`."""
        return self._collector.port if self._collector is not None else 0

    async def start(
        self, loaded: LoadedConfig, folder: DataFolder, bound: socket.socket, tell: Tell
    ) -> None:
        """Serve; see `Collector.start`."""
        collector = Collector(loaded, folder)
        await collector.start(bound)
        self._collector = collector
        tell("Console login", await collector.login_link())

    def prepare(self, loaded: LoadedConfig) -> Callable[[], None]:
        """Compile a configuration; see `Collector.prepare`."""
        return self._running().prepare(loaded)

    def hear(self, role: str, state: str) -> None:
        """Take no notice: gateways come and go without asking."""

    async def stop(self, grace_s: float) -> None:
        """Stop; see `Collector.stop`."""
        await self._running().stop(grace_s)

    def _running(self) -> Collector:
        if self._collector is None:
            raise RuntimeError("the collector was not started")
        return self._collector
