"""`pointsman`: finds the command and runs it.

Only the command that was asked for is imported, so that `why` does not wait for a web server.
"""

import argparse
import contextlib
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from pointsman import __version__
from pointsman.cli.exit_codes import INTERRUPTED
from pointsman.config.data_folder import default_data_dir
from pointsman.config.environment import read_environment

COMMANDS = {
    "up": "pointsman.cli.up",
    "gateway": "pointsman.cli.gateway",
    "collector": "pointsman.cli.collector",
    "check": "pointsman.cli.check",
    "why": "pointsman.cli.why",
    "tail": "pointsman.cli.tail",
    "traces": "pointsman.cli.traces",
    "costs": "pointsman.cli.costs",
    "usage": "pointsman.cli.usage",
    "alerts": "pointsman.cli.alerts",
    "recost": "pointsman.cli.recost",
    "route": "pointsman.cli.route",
    "breakers": "pointsman.cli.breakers",
    "keys": "pointsman.cli.keys",
    "tenants": "pointsman.cli.tenants",
    "plans": "pointsman.cli.plans",
    "audit": "pointsman.cli.audit",
    "login": "pointsman.cli.login",
    "mock": "pointsman.cli.mock",
}
"""Command -> module with `add_parser(subparsers)`."""
SUMMARIES = {
    "up": "start the gateway and the collector",
    "gateway": "run the gateway alone",
    "collector": "run the collector alone: records, spans, read API",
    "check": "check a configuration and print its plan; exit code 2 when it cannot be used",
    "why": "explain a request: what was decided, tried and spent",
    "tail": "show requests as they end, one line each",
    "traces": "list traces, or show one as a tree",
    "costs": "show what was spent, by model, user, feature or whatever else",
    "usage": "show what a tenant or its customers used, by day",
    "alerts": "list alerts, the open ones first",
    "recost": "price what was stored once more, with the prices in force",
    "route": "show where a request would go, without sending it",
    "breakers": "show which targets are left alone, and by whose failure",
    "keys": "issue, list and revoke keys of the gateway",
    "tenants": "make, show and change tenants and their plans at run time",
    "plans": "make, show and replace plans at run time",
    "audit": "show who changed which key, tenant, plan, policy, route or price",
    "login": "print an address that opens the console",
    "mock": "serve scripted answers as an OpenAI-compatible provider",
}
"""Command -> what the list of commands says of it, so that the list needs no import."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = build_parser(arguments)
    args = parser.parse_args(arguments)
    run = getattr(args, "run", None)
    if run is None:
        parser.print_help()
        return 0
    try:
        return int(run(args))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (`| head`) has what it wanted; writing more would only raise again at exit.
        sys.stderr.close()
        return 0


def build_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser with the named command, or with the list of them when none is named."""
    parser = argparse.ArgumentParser(
        prog="pointsman",
        description="An LLM gateway that can always answer why a request took its path.",
    )
    parser.add_argument("--version", action="version", version=f"pointsman {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND")
    named = next((word for word in arguments if not word.startswith("-")), None)
    if named not in COMMANDS:
        for name in COMMANDS:
            subparsers.add_parser(name, help=SUMMARIES[name])
        return parser
    importlib.import_module(COMMANDS[named]).add_parser(subparsers)
    data_dir = default_data_dir(read_environment())
    for subparser in subparsers.choices.values():
        add_shared_options(subparser, data_dir)
    return parser


def add_shared_options(parser: argparse.ArgumentParser, data_dir: Path) -> None:
    """Add what every command understands, unless it has an option of that name itself."""
    # A command that takes the file or the folder as its own argument keeps its own meaning.
    with contextlib.suppress(argparse.ArgumentError):
        parser.add_argument(
            "--config",
            type=Path,
            metavar="FILE",
            help="configuration file (default: ./pointsman.yaml, else the environment)",
        )
    with contextlib.suppress(argparse.ArgumentError):
        parser.add_argument(
            "--data-dir",
            type=Path,
            default=data_dir,
            metavar="DIR",
            help="data folder (default: %(default)s)",
        )


if __name__ == "__main__":
    sys.exit(main())
