"""The gateway as a role, as whoever runs its process sees it.

A role is made before anything is open; what it runs is made by `start`.
"""

import socket
from collections.abc import Callable

from pointsman.app.collector_link import CollectorAddress
from pointsman.app.gateway import FIRST_WORKER, Gateway
from pointsman.config.data_folder import DataFolder
from pointsman.config.root import LoadedConfig

Tell = Callable[[str, str], None]
FindCollector = Callable[[DataFolder], CollectorAddress | None]


class GatewayRole:
    """A gateway worker as a role.

    Args:
        find_collector: Tells where records go, once the data folder is open; None for nowhere.
        worker: Its name among the workers of the instance, by which its journal is known.
    """

    name = "gateway"

    def __init__(self, find_collector: FindCollector, worker: str = FIRST_WORKER) -> None:
        self._find_collector = find_collector
        self._worker = worker
        self._gateway: Gateway | None = None

    @property
    def port(self) -> int:
        """The port that is listened on; 0 before `start`."""
        return self._gateway.port if self._gateway is not None else 0

    async def start(
        self, loaded: LoadedConfig, folder: DataFolder, bound: socket.socket, tell: Tell
    ) -> None:
        """Serve; see `Gateway.start`. A gateway has no address to tell beside its own."""
        del tell
        collector = self._find_collector(folder)
        gateway = Gateway(loaded, folder, collector=collector, worker=self._worker)
        self._gateway = gateway
        await gateway.start(bound)

    def prepare(self, loaded: LoadedConfig) -> Callable[[], None]:
        """Compile a configuration; see `Gateway.prepare`."""
        return self._running().prepare(loaded)

    def hear(self, role: str, state: str) -> None:
        """Note how the collector and the other workers are, for `/ready`."""
        if role == "collector":
            self._running().collector_state = state
        else:
            self._running().other_workers[role] = state

    async def stop(self, grace_s: float) -> None:
        """Stop; see `Gateway.stop`."""
        await self._running().stop(grace_s)

    def _running(self) -> Gateway:
        if self._gateway is None:
            raise RuntimeError("the gateway was not started")
        return self._gateway
