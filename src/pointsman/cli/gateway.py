"""`pointsman gateway`: run the gateway alone, until Ctrl-C or SIGTERM; SIGHUP reloads."""

import argparse
import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from pointsman.app.collector_link import CollectorAddress
from pointsman.app.gateway import FIRST_WORKER
from pointsman.app.gateway_role import GatewayRole
from pointsman.cli.banner import gateway_lines, show_link
from pointsman.cli.exit_codes import OK
from pointsman.cli.role_command import (
    add_inheritance,
    add_workers,
    explained,
    is_supervised,
    load_with_options,
    run_under_supervisor,
    start_logging,
)
from pointsman.cli.up import start as start_instance
from pointsman.config.checks.server import is_loopback
from pointsman.config.data_folder import DataFolder
from pointsman.config.environment import read_environment
from pointsman.config.root import LoadedConfig
from pointsman.core.errors import ConfigError, Problem
from pointsman.server.listener import bind_socket
from pointsman.supervisor.alone import run_alone

GRACE_S = 20.0
TOKEN_VARIABLE = "POINTSMAN_INGEST_TOKEN"  # noqa: S105 - the name of a variable, not its value


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "gateway",
        help="run the gateway alone",
        description="Run the gateway alone, without a collector of its own. Ctrl-C or SIGTERM ends "
        "it, SIGHUP loads the configuration anew.",
    )
    parser.add_argument("--host", help="address to bind (default: server.host, 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to bind (default: server.port, 3100)")
    parser.add_argument(
        "--collector",
        metavar="URL",
        help=f"send records to this collector; its ingest token is taken from {TOKEN_VARIABLE}, "
        "else from the data folder",
    )
    parser.add_argument(
        "--plain-http", action="store_true", help="allow http:// to another host than this one"
    )
    add_workers(parser)
    add_inheritance(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Start, serve, stop; return the exit code. Each failure to start is one clear message."""
    start_logging()
    worker = args.worker or FIRST_WORKER
    role = GatewayRole(lambda folder: collector_address(args, folder), worker)
    if is_supervised(args):
        return explained(lambda: run_under_supervisor(args, role, own_grace_s=GRACE_S))
    return explained(lambda: _run_unsupervised(args, role))


def _run_unsupervised(args: argparse.Namespace, role: GatewayRole) -> int:
    """Serve in this process, or under a supervisor of its own where there are several workers."""
    loaded = load_with_options(args)
    if loaded.config.server.workers == 1:
        return _run_alone(args, loaded, role)
    if args.collector is None:
        return start_instance(args, [])
    _check_address(args.collector, allow_plain_http=args.plain_http)
    plain = ["--plain-http"] if args.plain_http else []
    return start_instance(args, ["--collector", args.collector, *plain])


def collector_address(args: argparse.Namespace, folder: DataFolder) -> CollectorAddress | None:
    """Return where records go; None when no collector is named.

    Raises:
        ConfigError: The address cannot be used.
        DataFolderError: The token cannot be read.
    """
    if args.collector is None:
        return None
    _check_address(args.collector, allow_plain_http=args.plain_http)
    token = read_environment().get(TOKEN_VARIABLE) or folder.token("ingest")
    return CollectorAddress(url=args.collector, token=token)


def _check_address(url: str, *, allow_plain_http: bool) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if host is None or parts.scheme not in ("http", "https") or parts.username is not None:
        raise ConfigError(
            [Problem(f"--collector: {url!r} is not the address of a collector", hint="http://…")]
        )
    if parts.scheme == "http" and not is_loopback(host) and not allow_plain_http:
        message = f"--collector: records and their token would travel to {host} in clear"
        hint = "use https://, or --plain-http inside a network that you trust"
        raise ConfigError([Problem(message, hint=hint)])


def _run_alone(args: argparse.Namespace, loaded: LoadedConfig, role: GatewayRole) -> int:
    folder = DataFolder.open(args.data_dir)
    try:
        server = loaded.config.server
        bound = bind_socket(server.host, server.port)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(
                run_alone(
                    role,
                    lambda: load_with_options(args),
                    folder,
                    bound,
                    announce=lambda live: _announce(live, role.port, args.data_dir),
                    tell=show_link,
                    grace_s=GRACE_S,
                )
            )
    finally:
        folder.close()
    return OK


def _announce(loaded: LoadedConfig, port: int, data_dir: Path) -> None:
    print("\n".join(gateway_lines(loaded, port, data_dir)), flush=True)
