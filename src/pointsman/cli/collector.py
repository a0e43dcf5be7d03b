"""`pointsman collector`: run the collector alone, until Ctrl-C or SIGTERM."""

import argparse
import asyncio
import logging
import signal
import socket
import sys

import uvloop

from pointsman.app.collector import DEFAULT_PORT, Collector
from pointsman.cli.configuration import load_configuration
from pointsman.cli.exit_codes import BAD_CONFIG, DATA_IN_USE, DATA_UNUSABLE, OK, PORT_BUSY
from pointsman.config.data_folder import DataFolder, DataFolderError, DataFolderInUseError
from pointsman.config.loader import find_file
from pointsman.config.root import LoadedConfig
from pointsman.core.errors import ConfigError
from pointsman.server.listener import BindError, bind_socket
from pointsman.state.errors import StateError
from pointsman.store.errors import StoreError, StoreLockedError

GRACE_S = 10.0
ROLE = "collector"
_EXIT_CODES: dict[type[Exception], int] = {
    ConfigError: BAD_CONFIG,
    BindError: PORT_BUSY,
    DataFolderInUseError: DATA_IN_USE,
    StoreLockedError: DATA_IN_USE,
    DataFolderError: DATA_UNUSABLE,
    StoreError: DATA_UNUSABLE,
    StateError: DATA_UNUSABLE,
}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "collector",
        help="run the collector alone: records, spans, read API",
        description="Run the collector alone. It takes records of gateways and spans of "
        "applications (OTLP/HTTP), stores them in the data folder and answers questions about "
        "them. Tokens for senders and readers lie in the data folder.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (%(default)s)")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="port to bind (%(default)s; 0 takes any)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Start, serve, stop; return the exit code. Each failure to start is one clear message."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        return _start(args)
    except tuple(_EXIT_CODES) as error:
        print(f"pointsman: {error}", file=sys.stderr)
        return next(code for kind, code in _EXIT_CODES.items() if isinstance(error, kind))


def _start(args: argparse.Namespace) -> int:
    loaded = load_configuration(find_file(str(args.config) if args.config is not None else None))
    folder = DataFolder.open(args.data_dir, ROLE)
    try:
        return uvloop.run(_serve(loaded, folder, bind_socket(args.host, args.port)))
    finally:
        folder.close()


async def _serve(loaded: LoadedConfig, folder: DataFolder, bound: socket.socket) -> int:
    collector = Collector(loaded, folder)
    await collector.start(bound)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    host = bound.getsockname()[0]
    print(
        f"Pointsman collector   http://{host}:{collector.port}   (OTLP at /v1/traces, read API at "
        f"/api/v1, tokens in {folder.path})",
        flush=True,
    )
    await stop.wait()
    # A second Ctrl-C does not wait for requests under way.
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, sys.exit, OK)
    await collector.stop(GRACE_S)
    return OK
