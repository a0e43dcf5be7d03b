"""`pointsman login`: an address that opens the console once, from the running collector."""

import argparse
import sys

import msgspec

from pointsman.cli.admin_api import DEFAULT_URL, AdminApi, AdminApiError
from pointsman.cli.exit_codes import OK, UNREACHABLE
from pointsman.state.key_messages import LoginMade


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "login",
        help="print an address that opens the console",
        description="Print an address that opens the console. It works once, within a quarter of "
        "an hour.",
    )
    parser.add_argument(
        "--collector",
        metavar="URL",
        help=f"address of the collector (default: that of the data folder, else {DEFAULT_URL})",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask the collector and print the address."""
    try:
        api = AdminApi(args.data_dir, args.collector)
        made = msgspec.json.decode(api.ask("POST", "/internal/v1/logins"), type=LoginMade)
    except AdminApiError as error:
        print(f"pointsman: {error}", file=sys.stderr)
        return error.exit_code
    except msgspec.MsgspecError:
        print("pointsman: what answers there is no collector of this release", file=sys.stderr)
        return UNREACHABLE
    print(f"{api.url.rstrip('/')}/login?token={made.token}")
    return OK
