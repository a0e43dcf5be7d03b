"""`pointsman route BODY`: the decision for a request body, without calling anyone.

Asks the running gateway (`POST /v1/route`), so that the answer is what it would do right now.
"""

import argparse
import http.client
import sys
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from pointsman.cli.exit_codes import BAD_CONFIG, NOT_FOUND, OK
from pointsman.core.explain import paragraph, tree
from pointsman.core.records import CallRecord

_TIMEOUT_S = 10.0
_MAX_ANSWER_BYTES = 1_048_576


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "route",
        help="show where a request would go, without sending it",
        description="Decide a request body as the running gateway would, call nobody, count "
        "nothing, and explain the decision.",
    )
    parser.add_argument("body", type=Path, help="file with a chat completion body, or - for stdin")
    parser.add_argument(
        "--gateway", default="http://127.0.0.1:3100", help="its address (default: %(default)s)"
    )
    parser.add_argument("--key", help="a gateway key with the scope `explain`")
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
        status, answer = _post(args.gateway, args.key, body)
    except OSError as error:
        print(
            f"pointsman: no gateway answers at {args.gateway} ({error}); start one with "
            "`pointsman up`, or name its address with --gateway",
            file=sys.stderr,
        )
        return NOT_FOUND
    if status != 200 or args.json:
        sys.stdout.write(answer.decode("utf-8", "replace") + "\n")
        return OK if status == 200 else NOT_FOUND
    record = msgspec.json.decode(answer, type=CallRecord)
    print(paragraph(record))
    print()
    print(tree(record))
    return OK


def _post(gateway: str, key: str | None, body: bytes) -> tuple[int, bytes]:
    parts = urlsplit(gateway if "//" in gateway else f"http://{gateway}")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=_TIMEOUT_S)
    headers = {"content-type": "application/json"}
    if key:
        headers["authorization"] = f"Bearer {key}"
    try:
        connection.request("POST", f"{parts.path.rstrip('/')}/v1/route", body, headers)
        response = connection.getresponse()
        return response.status, response.read(_MAX_ANSWER_BYTES)
    finally:
        connection.close()
