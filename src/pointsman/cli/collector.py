"""`pointsman collector`: run the collector alone, until Ctrl-C or SIGTERM; SIGHUP reloads."""

import argparse
import asyncio
from functools import partial

import uvloop

from pointsman.app.collector import DEFAULT_PORT
from pointsman.app.collector_role import CollectorRole
from pointsman.cli.banner import entry, show_link
from pointsman.cli.configuration import load_configuration
from pointsman.cli.exit_codes import OK
from pointsman.cli.role_command import (
    add_inheritance,
    explained,
    is_supervised,
    run_under_supervisor,
    start_logging,
)
from pointsman.config.data_folder import DataFolder
from pointsman.config.loader import find_file
from pointsman.config.root import LoadedConfig
from pointsman.server.listener import bind_socket
from pointsman.supervisor.alone import run_alone

GRACE_S = 10.0


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
    add_inheritance(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Start, serve, stop; return the exit code. Each failure to start is one clear message."""
    start_logging()
    role = CollectorRole()
    if is_supervised(args):
        return explained(lambda: run_under_supervisor(args, role))
    return explained(lambda: _run_alone(args, role))


def _run_alone(args: argparse.Namespace, role: CollectorRole) -> int:
    load = partial(_load, args)
    load()  # a file with mistakes is told before anything is opened
    folder = DataFolder.open(args.data_dir, role.name)
    try:
        bound = bind_socket(args.host, args.port)
        host = bound.getsockname()[0]

        def announce(_: LoadedConfig) -> None:
            where = f"http://{host}:{role.port}   (OTLP at /v1/traces, read API at /api/v1, "
            print(entry("Pointsman collector", f"{where}tokens in {folder.path})"), flush=True)

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(
                run_alone(
                    role,
                    load,
                    folder,
                    bound,
                    announce=announce,
                    tell=show_link,
                    grace_s=GRACE_S,
                )
            )
    finally:
        folder.close()
    return OK


def _load(args: argparse.Namespace) -> LoadedConfig:
    return load_configuration(find_file(str(args.config) if args.config is not None else None))
