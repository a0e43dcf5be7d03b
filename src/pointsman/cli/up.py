"""`pointsman up`: start an instance here, until Ctrl-C or SIGTERM; SIGHUP reloads.

Opens what the roles of an instance share (data folder, sockets) and hands it to the supervisor.
"""

import argparse
import asyncio
import contextlib
import signal
import socket
from collections.abc import Sequence

import uvloop

from pointsman.cli.exit_codes import INTERRUPTED
from pointsman.cli.role_command import (
    FATAL_CODES,
    add_workers,
    explained,
    load_with_options,
    server_options,
)
from pointsman.cli.up_terminal import UpTerminal
from pointsman.config.data_folder import DataFolder
from pointsman.config.root import LoadedConfig
from pointsman.core.clock import SystemClock
from pointsman.server.listener import BindError
from pointsman.supervisor.child import RoleCommand, spawn
from pointsman.supervisor.messages import Edition
from pointsman.supervisor.sockets import listening_socket
from pointsman.supervisor.supervision import Supervisor, SupervisorSettings

COLLECTOR_HOST = "127.0.0.1"
COLLECTOR_PORT = 3101


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "up",
        help="start the gateway and the collector",
        description="Start the gateway and the collector here. Without a file and without provider "
        "keys the gateway answers with a mock provider. Ctrl-C or SIGTERM ends both, SIGHUP loads "
        "the configuration anew.",
    )
    parser.add_argument("--host", help="address to bind (default: server.host, 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to bind (default: server.port, 3100)")
    add_workers(parser)
    parser.add_argument(
        "--collector-port",
        type=int,
        default=COLLECTOR_PORT,
        metavar="PORT",
        help="port of collector and console, on this machine only (%(default)s; 0 takes any)",
    )
    others = parser.add_mutually_exclusive_group()
    others.add_argument("--no-collector", action="store_true", help="start the gateway alone")
    others.add_argument(
        "--collector", metavar="URL", help="send records to this collector and start none here"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Start, serve, stop; return the exit code. Each failure to start is one clear message."""

    def port_option(error: BindError) -> str:
        return "--collector-port" if error.port == args.collector_port else "--port"

    return explained(lambda: start(args), port_option=port_option)


def start(args: argparse.Namespace, sending_to: Sequence[str] | None = None) -> int:
    """Start an instance and serve until it is told to end.

    Args:
        args: The command line.
        sending_to: Options for gateways that have no collector here; None asks the command line.

    Raises:
        PointsmanError: It cannot start.
    """
    loaded = load_with_options(args)
    with contextlib.ExitStack() as opened:
        folder = _open_folder(args, "instance", opened)
        server = loaded.config.server
        gateway = opened.enter_context(listening_socket(server.host, server.port))
        terminal = UpTerminal(loaded, _port(gateway), args.data_dir)
        supervisor = Supervisor(
            _edition(loaded, args),
            lambda: _edition(_load_anew(args, terminal), args),
            terminal,
            SystemClock(),
            SupervisorSettings(fatal_codes=FATAL_CODES, cut_code=INTERRUPTED),
        )
        members = _Members(args, supervisor, terminal)
        workers = loaded.config.server.workers
        if sending_to is None and (args.no_collector or args.collector):
            sending_to = _sending_to(args.collector)
        if sending_to is not None:
            members.add_gateways(workers, gateway, folder, sending_to)
        else:
            own_folder = _open_folder(args, "collector", opened)
            collector = opened.enter_context(listening_socket(COLLECTOR_HOST, args.collector_port))
            url = terminal.collector_url = f"http://{COLLECTOR_HOST}:{_port(collector)}"
            # In this order they end: who takes records outlives who sends them.
            members.add_gateways(workers, gateway, folder, _sending_to(url))
            members.add("collector", collector, own_folder)
        terminal.warn(loaded)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_supervise(supervisor, terminal))


class _Members:
    """Adds roles to the supervisor."""

    def __init__(
        self, args: argparse.Namespace, supervisor: Supervisor, terminal: UpTerminal
    ) -> None:
        self._data_dir = args.data_dir
        self._supervisor = supervisor
        self._terminal = terminal

    def add_gateways(
        self, count: int, bound: socket.socket, folder: DataFolder, arguments: Sequence[str]
    ) -> None:
        """Add the workers that serve one socket; a single one is simply the gateway."""
        for number in range(count):
            worker = f"gateway-{number}"
            self.add(
                "gateway",
                bound,
                folder,
                [*arguments, "--worker", worker],
                shown="gateway" if count == 1 else worker,
                with_last=number > 0,
            )

    def add(
        self,
        role: str,
        bound: socket.socket,
        folder: DataFolder,
        arguments: Sequence[str] = (),
        *,
        shown: str | None = None,
        with_last: bool = False,
    ) -> None:
        """Add one process.

        Args:
            role: Its command.
            bound: What it serves on.
            folder: Its data folder.
            arguments: Further options.
            shown: Its name, where there are several of the role.
            with_last: It shares the socket of the process added before.
        """
        fds = (bound.fileno(), folder.lock_fd)
        name = shown or role
        command = RoleCommand(
            name=name,
            arguments=[
                *(role, "--data-dir", str(self._data_dir)),
                *("--listen-fd", str(fds[0]), "--lock-fd", str(fds[1])),
                *arguments,
            ],
            fds=fds,
        )
        show = self._terminal.show
        self._supervisor.add(name, lambda: spawn(command, show), bound.close, with_last=with_last)


async def _supervise(supervisor: Supervisor, terminal: UpTerminal) -> int:
    def hang_up() -> None:
        # A terminal that was closed sends the same signal as somebody who wants a reload.
        if terminal.is_gone():
            supervisor.end()
        else:
            supervisor.reload()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, supervisor.end)
    loop.add_signal_handler(signal.SIGHUP, hang_up)
    return await supervisor.run()


def _open_folder(args: argparse.Namespace, role: str, opened: contextlib.ExitStack) -> DataFolder:
    folder = DataFolder.open(args.data_dir, role)
    opened.callback(folder.close)
    # Made before any role asks for them, so that no two roles make them at once.
    folder.master_key()
    for name in ("ingest", "admin"):
        folder.token(name)
    return folder


def _load_anew(args: argparse.Namespace, terminal: UpTerminal) -> LoadedConfig:
    loaded = load_with_options(args)
    terminal.warn(loaded)
    return loaded


def _edition(loaded: LoadedConfig, args: argparse.Namespace) -> Edition:
    return Edition(
        version=loaded.version,
        text=loaded.text,
        file=loaded.file,
        options=server_options(args),
    )


def _sending_to(url: str | None) -> list[str]:
    return ["--collector", url] if url else []


def _port(bound: socket.socket) -> int:
    return int(bound.getsockname()[1])
