"""What the commands with actions share (`keys`, `tenants`, `plans`): asking, and saying why not."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import msgspec

from pointsman.cli.admin_api import DEFAULT_URL, AdminApi, AdminApiError
from pointsman.cli.exit_codes import OK, UNREACHABLE

Act: TypeAlias = Callable[[argparse.Namespace, AdminApi], None]
Actions: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - argparse has no public name for it


def add_action(actions: Actions, name: str, act: Act, summary: str) -> argparse.ArgumentParser:
    """Add an action that asks the collector."""
    parser = actions.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    add_asking(parser, act)
    return parser


def add_asking(parser: argparse.ArgumentParser, act: Act) -> None:
    """Add the options that find the collector, and what is done with it."""
    parser.add_argument(
        "--collector",
        metavar="URL",
        help=f"its address (default: as the data folder says, else {DEFAULT_URL})",
    )
    parser.add_argument(
        "--plain-http", action="store_true", help="allow http:// to another host than this one"
    )
    # Also understood before the action; only what is given here may replace what was given there.
    parser.add_argument("--data-dir", type=Path, default=argparse.SUPPRESS, metavar="DIR")
    parser.set_defaults(run=lambda args: _ask(args, act))


def alias_pair(text: str) -> tuple[str, str]:
    """Read `auto=premium`.

    Raises:
        ArgumentTypeError: It has no `=`, or nothing on one side.
    """
    name, _, means = text.partition("=")
    if not name or not means:
        raise argparse.ArgumentTypeError("write an alias as auto=premium")
    return name, means


def date_text(unix_ns: int | None) -> str:
    """Return a moment to the minute; `never` for None."""
    if unix_ns is None:
        return "never"
    return datetime.fromtimestamp(unix_ns // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def aliases_text(aliases: Mapping[str, str]) -> str:
    """Return `auto=premium,fast=cheap`; `-` for none."""
    return ",".join(f"{name}={means}" for name, means in aliases.items()) or "-"


def tell(warnings: Sequence[str]) -> None:
    """Print what is probably not meant beside the output."""
    for warning in warnings:
        print(f"pointsman: warning: {warning}", file=sys.stderr)


def _ask(args: argparse.Namespace, act: Act) -> int:
    try:
        act(args, AdminApi(args.data_dir, args.collector, allow_plain_http=args.plain_http))
    except AdminApiError as error:
        print(f"pointsman: {error}", file=sys.stderr)
        return error.exit_code
    except msgspec.MsgspecError:
        print("pointsman: what answers there is no collector of this release", file=sys.stderr)
        return UNREACHABLE
    return OK
