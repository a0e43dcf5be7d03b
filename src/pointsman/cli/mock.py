"""`pointsman mock`: a provider without a model on a port, with faults by script."""

import argparse
import asyncio
import signal
import sys

import uvloop

from pointsman.cli.exit_codes import BAD_CONFIG, OK, PORT_BUSY
from pointsman.core.clock import SystemClock
from pointsman.core.errors import ConfigError
from pointsman.providers.mock.player import ScriptPlayer
from pointsman.providers.mock.script import Script, load_script
from pointsman.providers.mock.server import MockServer


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "mock", help="serve scripted answers as an OpenAI-compatible provider"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port (default: a free one)")
    parser.add_argument(
        "--script", metavar="FILE", help="YAML or JSON: latencies, errors, cuts by call number"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted or terminated.

    Returns:
        0 after SIGINT or SIGTERM, 2 for a script that cannot be used, 3 for a port that cannot.
    """
    try:
        script = load_script(args.script) if args.script is not None else Script()
    except ConfigError as error:
        print(error.message, file=sys.stderr)
        return BAD_CONFIG
    return uvloop.run(_serve(script, args.host, args.port))


async def _serve(script: Script, host: str, port: int) -> int:
    server = MockServer(ScriptPlayer(script), SystemClock())
    try:
        await server.start(host, port)
    except OSError as error:
        print(f"cannot listen on {host}:{port}: {error.strerror or error}", file=sys.stderr)
        return PORT_BUSY
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    print(f"mock provider on http://{host}:{server.port}/v1 (counters: /_calls)", flush=True)
    await stop.wait()
    await server.close()
    return OK
