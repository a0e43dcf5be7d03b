"""What a role of an instance must be able to do, for whoever runs its process."""

import socket
from collections.abc import Callable
from typing import Protocol

from pointsman.config.data_folder import DataFolder
from pointsman.config.root import LoadedConfig

Tell = Callable[[str, str], None]
"""Shows the person at the terminal an address: what it is for, the URL."""


class Role(Protocol):
    """One role, for example the gateway. Its methods run in one event loop."""

    @property
    def name(self) -> str:
        """The role's name on the terminal and in `/ready`."""
        ...

    async def start(
        self, loaded: LoadedConfig, folder: DataFolder, bound: socket.socket, tell: Tell
    ) -> None:
        """Serve on a bound socket, which is the role's to close.

        Raises:
            PointsmanError: It cannot start.
        """
        ...

    def prepare(self, loaded: LoadedConfig) -> Callable[[], None]:
        """Compile a configuration; calling what is returned takes it over and cannot fail.

        Raises:
            ConfigError: It cannot be compiled; everything goes on as before.
        """
        ...

    def hear(self, role: str, state: str) -> None:
        """Note how another role is: `starting`, `up`, `restarting` or `down`."""
        ...

    async def stop(self, grace_s: float) -> None:
        """Accept nothing more, finish within `grace_s` seconds, cut the rest, close everything."""
        ...
