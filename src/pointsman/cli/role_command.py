"""What the commands of all roles share: running alone or under a supervisor, failing to start."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable

import uvloop

from pointsman.cli.configuration import load_configuration
from pointsman.cli.exit_codes import BAD_CONFIG, DATA_IN_USE, DATA_UNUSABLE, OK, PORT_BUSY
from pointsman.config.data_folder import DataFolderError, DataFolderInUseError
from pointsman.config.loader import find_file
from pointsman.config.root import LoadedConfig
from pointsman.core.errors import ConfigError
from pointsman.journal.lock import JournalLockedError
from pointsman.server.listener import BindError
from pointsman.state.errors import StateError
from pointsman.store.errors import StoreError, StoreLockedError
from pointsman.supervisor.messages import Edition
from pointsman.supervisor.role import Role
from pointsman.supervisor.supervised import Inheritance, run_supervised

_EXIT_CODES: dict[type[Exception], int] = {
    ConfigError: BAD_CONFIG,
    BindError: PORT_BUSY,
    DataFolderInUseError: DATA_IN_USE,
    JournalLockedError: DATA_IN_USE,
    StoreLockedError: DATA_IN_USE,
    DataFolderError: DATA_UNUSABLE,
    StoreError: DATA_UNUSABLE,
    StateError: DATA_UNUSABLE,
}
FATAL_CODES = frozenset(_EXIT_CODES.values())
"""A role that ends with one of these would do so again."""
OWN_FORMAT = "%(asctime)s %(levelname)s %(message)s"
_LOUD_LIBRARIES = ("alembic",)


def start_logging() -> None:
    """Log to standard error."""
    logging.basicConfig(format=OWN_FORMAT, level=logging.INFO)
    for name in _LOUD_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


def _port_option(_: BindError) -> str:
    return "--port"


def explained(
    run: Callable[[], int], *, port_option: Callable[[BindError], str] = _port_option
) -> int:
    """Run; turn each known failure to start into one message and its documented exit code.

    Args:
        run: Starts, and returns the exit code at the end.
        port_option: Tells which option chooses another port than the one that is taken.
    """
    try:
        return run()
    except tuple(_EXIT_CODES) as error:
        hint = ""
        if isinstance(error, BindError):
            hint = f"; choose another port with {port_option(error)}"
        print(f"pointsman: {error}{hint}", file=sys.stderr)
        return next(code for kind, code in _EXIT_CODES.items() if isinstance(error, kind))


def add_inheritance(parser: argparse.ArgumentParser) -> None:
    """Add the options by which a supervisor starts a role; nobody types them."""
    parser.add_argument("--listen-fd", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--lock-fd", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--worker", help=argparse.SUPPRESS)


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Add the option for several gateway workers."""
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="gateway processes that serve the port together (default: server.workers, 1)",
    )


def is_supervised(args: argparse.Namespace) -> bool:
    """Tell whether a supervisor has started this role."""
    return args.listen_fd is not None


def run_under_supervisor(
    args: argparse.Namespace, role: Role, *, own_grace_s: float | None = None
) -> int:
    """Run a role that a supervisor has started; see `run_supervised` for `own_grace_s`."""
    inheritance = Inheritance(
        listen_fd=args.listen_fd, lock_fd=args.lock_fd, data_dir=args.data_dir
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_supervised(role, inheritance, load_edition, own_grace_s=own_grace_s))
    return OK


def load_edition(edition: Edition) -> LoadedConfig:
    """Load and check a configuration that a supervisor has sent.

    Raises:
        ConfigError: It cannot be used here.
    """
    return load_configuration(edition.file, server_options=edition.options, text=edition.text)


def load_with_options(args: argparse.Namespace) -> LoadedConfig:
    """Load the named file, else `./pointsman.yaml`, else the environment; apply the options.

    Raises:
        ConfigError: Something in it cannot be used.
    """
    file = find_file(str(args.config) if args.config is not None else None)
    return load_configuration(file, server_options=server_options(args))


def server_options(args: argparse.Namespace) -> dict[str, str | int]:
    """Return what the command line says about `server`."""
    return {
        name: value
        for name in ("host", "port", "workers")
        if (value := getattr(args, name, None)) is not None
    }
