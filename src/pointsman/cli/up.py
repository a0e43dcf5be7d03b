"""`pointsman up`: start the gateway here, until Ctrl-C or SIGTERM; SIGHUP reloads."""

import argparse
import asyncio
import logging
import signal
import socket
import sys

import msgspec
import uvloop

from pointsman.app.collector_link import CollectorAddress
from pointsman.app.gateway import Gateway
from pointsman.cli.configuration import load_configuration
from pointsman.cli.exit_codes import BAD_CONFIG, DATA_IN_USE, DATA_UNUSABLE, OK, PORT_BUSY
from pointsman.config.data_folder import DataFolder, DataFolderError, DataFolderInUseError
from pointsman.config.loader import find_file
from pointsman.config.root import LoadedConfig
from pointsman.core.errors import ConfigError
from pointsman.server.listener import BindError, bind_socket

GRACE_S = 20.0
_log = logging.getLogger("pointsman")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "up",
        help="start the gateway",
        description="Start the gateway here. Without a file and without provider keys it answers "
        "with a mock provider. Ctrl-C or SIGTERM ends it, SIGHUP loads the configuration anew.",
    )
    parser.add_argument("--host", help="address to bind (default: server.host, 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to bind (default: server.port, 3100)")
    parser.add_argument(
        "--collector", metavar="URL", help="address of the collector to deliver records to"
    )
    parser.set_defaults(run=run)


_EXIT_CODES: dict[type[Exception], int] = {
    ConfigError: BAD_CONFIG,
    BindError: PORT_BUSY,
    DataFolderInUseError: DATA_IN_USE,
    DataFolderError: DATA_UNUSABLE,
}


def run(args: argparse.Namespace) -> int:
    """Start, serve, stop; return the exit code. Each failure to start is one clear message."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    try:
        return _start(args)
    except tuple(_EXIT_CODES) as error:
        hint = "; choose another port with --port" if isinstance(error, BindError) else ""
        print(f"pointsman: {error}{hint}", file=sys.stderr)
        return _EXIT_CODES[type(error)]


def _start(args: argparse.Namespace) -> int:
    loaded = load_with_options(args)
    folder = DataFolder.open(args.data_dir)
    try:
        server = loaded.config.server
        return uvloop.run(_serve(loaded, folder, bind_socket(server.host, server.port), args))
    finally:
        folder.close()


def load_with_options(args: argparse.Namespace) -> LoadedConfig:
    """Load the named file, else `./pointsman.yaml`, else the environment; apply the options.

    Raises:
        ConfigError: Something in it cannot be used.
    """
    options = {
        name: value for name in ("host", "port") if (value := getattr(args, name, None)) is not None
    }
    file = find_file(str(args.config) if args.config is not None else None)
    return load_configuration(file, server_options=options)


async def _serve(
    loaded: LoadedConfig, folder: DataFolder, bound: socket.socket, args: argparse.Namespace
) -> int:
    collector = None
    if args.collector is not None:
        collector = CollectorAddress(url=args.collector, token=folder.token("ingest"))
    gateway = Gateway(loaded, folder, collector=collector)
    await gateway.start(bound)
    for warning in loaded.warnings:
        _log.warning("%s", warning)
    print(banner(loaded, gateway.port), flush=True)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, _reload, gateway, args)
    await stop.wait()
    # A second Ctrl-C does not wait for requests under way.
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, sys.exit, OK)
    await gateway.stop(GRACE_S)
    return OK


def _reload(gateway: Gateway, args: argparse.Namespace) -> None:
    try:
        loaded = load_with_options(args)
        gateway.reload(loaded)
    except ConfigError as error:
        _log.error("the configuration was not loaded; the old one stays:\n%s", error.message)
        return
    _log.info("configuration %s is live", loaded.version)


def banner(loaded: LoadedConfig, port: int) -> str:
    """Return what a newcomer needs to see: where it listens and what to type."""
    host = loaded.config.server.host
    shown = f"[{host}]" if ":" in host else host
    scheme = "https" if loaded.config.server.tls_cert_file is not None else "http"
    base = f"{scheme}://{shown}:{port}"
    mocks = [name for name, each in loaded.config.providers.items() if each.kind == "mock"]
    body = msgspec.json.encode(
        {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
    ).decode()
    key = " -H 'authorization: Bearer <key>'" if loaded.config.keys else ""
    source = loaded.file or "from the environment"
    lines = [f"Pointsman gateway   {base}/v1   (configuration {loaded.version}, {source})"]
    if mocks:
        lines.append(
            f"Mock provider       {', '.join(mocks)}: answers cost nothing and need no key"
        )
    lines += [
        "Try it:",
        f"  curl {base}/v1/chat/completions -H 'content-type: application/json'{key} \\",
        f"    -d '{body}'",
        "Ask why:",
        "  pointsman why last",
    ]
    return "\n".join(lines)
