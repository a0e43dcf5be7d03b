"""Runs one role by itself, without a supervisor: signals, reload, drain."""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Callable

from pointsman.config.data_folder import DataFolder
from pointsman.config.root import LoadedConfig
from pointsman.core.errors import ConfigError
from pointsman.supervisor.role import Role, Tell

_log = logging.getLogger("pointsman")
ENDS = (signal.SIGINT, signal.SIGTERM)


async def run_alone(
    role: Role,
    load: Callable[[], LoadedConfig],
    folder: DataFolder,
    bound: socket.socket,
    *,
    announce: Callable[[LoadedConfig], None],
    tell: Tell,
    grace_s: float,
) -> None:
    """Serve until Ctrl-C or SIGTERM; SIGHUP loads the configuration anew.

    Args:
        role: What is run.
        load: Loads the configuration; called at once and at each SIGHUP.
        folder: The open data folder.
        bound: The socket to serve on.
        announce: Called once the role serves.
        tell: Shows an address.
        grace_s: What requests under way may take at the end. A second signal does not wait.

    Raises:
        PointsmanError: It cannot start.
    """
    loaded = load()
    await role.start(loaded, folder, bound, tell)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in ENDS:
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, _reload, role, load)
    announce(loaded)
    await stop.wait()
    for number in ENDS:
        loop.add_signal_handler(number, sys.exit, 0)
    await role.stop(grace_s)


def _reload(role: Role, load: Callable[[], LoadedConfig]) -> None:
    try:
        loaded = load()
        role.prepare(loaded)()
    except ConfigError as error:
        _log.error("the configuration was not loaded; the old one stays:\n%s", error.message)
        return
    _log.info("configuration %s is live", loaded.version)
