"""`pointsman route BODY`: the decision for a request body, without calling anyone.

Asks the running gateway (`POST /v1/route`), so that the answer is what it would do right now.
"""

import argparse
import sys
from pathlib import Path

import msgspec

from pointsman.cli.exit_codes import BAD_CONFIG, OK
from pointsman.cli.gateway_api import GatewayApiError, add_gateway_options, ask_gateway
from pointsman.core.explain import paragraph, tree
from pointsman.core.records import CallRecord


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "route",
        help="show where a request would go, without sending it",
        description="Decide a request body as the running gateway would, call nobody, count "
        "nothing, and explain the decision.",
    )
    parser.add_argument("body", type=Path, help="file with a chat completion body, or - for stdin")
    add_gateway_options(parser)
    parser.add_argument("--json", action="store_true", help="print the record")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask the gateway and print the decision."""
    try:
        body = sys.stdin.buffer.read() if str(args.body) == "-" else args.body.read_bytes()
    except OSError as error:
        print(f"pointsman: {args.body}: {error.strerror}", file=sys.stderr)
        return BAD_CONFIG
    try:
        answer = ask_gateway(args, "POST", "/v1/route", body)
    except GatewayApiError as error:
        print(f"pointsman: {error}", file=sys.stderr)
        return error.exit_code
    if args.json:
        print(answer.decode("utf-8", "replace"))
        return OK
    record = msgspec.json.decode(answer, type=CallRecord)
    print(paragraph(record))
    print()
    print(tree(record))
    return OK
