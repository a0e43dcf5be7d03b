"""`pointsman keys`: issue, list and revoke the keys of gateways; hash one for the file.

Issuing, listing and revoking ask the collector, which alone opens the state. A key is printed once,
alone on standard output, so that it can be piped to where it belongs.
"""

import argparse
import getpass
import re
import sys
from hashlib import sha256
from urllib.parse import quote

import msgspec

from pointsman.cli.admin_actions import Actions, add_action, alias_pair, date_text
from pointsman.cli.admin_api import AdminApi, AdminApiError
from pointsman.cli.exit_codes import BAD_CONFIG, NOT_FOUND, OK
from pointsman.state.key_messages import (
    MAX_LIFETIME_S,
    IssuedKey,
    IssueKey,
    KeyList,
    KeyView,
    Name,
)

_PATH = "/internal/v1/keys"
_LIFETIME = re.compile(r"([1-9][0-9]{0,9})(s|m|h|d)?\Z")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, None: 1}
_HEADINGS = ("NAME", "STATUS", "TENANT", "PLAN", "SCOPES", "MODELS", "EXPIRES", "ENDS IN", "ID")


def add_parser(subparsers: Actions) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "keys",
        help="issue, list and revoke keys of the gateway",
        description="Keys of the gateway. A change is in force within a second, without a restart.",
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _add_issue(actions)
    lists = add_action(actions, "list", _list_keys, "list the keys, newest first")
    lists.add_argument("--all", action="store_true", help="the revoked ones too")
    lists.add_argument("--json", action="store_true", help="for programs; always all of them")
    revoke = add_action(actions, "revoke", _revoke, "make a key useless at once and for good")
    revoke.add_argument("name", metavar="NAME", help="name or id of the key")
    hashes = actions.add_parser(
        "hash",
        help="print the hash of a key for the configuration file",
        description="Read a key from standard input and print its SHA-256, for `sha256` of a key "
        "in the configuration file.",
    )
    hashes.set_defaults(run=_hash)


def _add_issue(actions: Actions) -> None:
    issue = add_action(actions, "issue", _issue, "make a key and print it once")
    issue.add_argument("name", metavar="NAME", help="its name in records; unique among live keys")
    issue.add_argument("--tenant", help="bind it: its requests belong to this tenant")
    issue.add_argument("--plan", help="a plan of its own (default: the tenant's)")
    issue.add_argument("--user", help="who uses it")
    issue.add_argument("--team", help="which team it belongs to")
    issue.add_argument(
        "--model", action="append", metavar="GLOB", help="names it may ask for (repeatable)"
    )
    issue.add_argument(
        "--route", action="append", metavar="GLOB", help="routes its names may lead to (repeatable)"
    )
    issue.add_argument(
        "--dialect", action="append", metavar="GLOB", help="dialects, as openai.* (repeatable)"
    )
    issue.add_argument(
        "--alias",
        action="append",
        type=alias_pair,
        metavar="NAME=MEANING",
        help="what a name means with it, as auto=premium (repeatable)",
    )
    issue.add_argument(
        "--scope",
        action="append",
        choices=("call", "explain", "override"),
        help="what it may do (repeatable; default: call)",
    )
    issue.add_argument(
        "--may-set-tenant", action="store_true", help="believe the tenant its requests name"
    )
    issue.add_argument(
        "--expires", type=_lifetime_s, metavar="30d", help="after how long (s, m, h, d)"
    )
    issue.add_argument("--json", action="store_true", help="print the key with all about it")


def _issue(args: argparse.Namespace, api: AdminApi) -> None:
    wish = IssueKey(
        name=args.name,
        tenant=args.tenant,
        plan=args.plan,
        user=args.user,
        team=args.team,
        models=tuple(args.model or ()),
        routes=tuple(args.route or ()),
        dialects=tuple(args.dialect or ()),
        aliases=dict(args.alias or ()),
        scopes=tuple(args.scope or ("call",)),
        may_set_tenant=args.may_set_tenant,
        expires_in_s=args.expires,
    )
    body = msgspec.json.encode(wish)
    try:
        msgspec.json.decode(body, type=IssueKey)
    except msgspec.ValidationError as error:
        raise AdminApiError(f"no such key can be made: {error}", BAD_CONFIG) from None
    answer = api.ask("POST", _PATH, body)
    issued = msgspec.json.decode(answer, type=IssuedKey)
    if args.json:
        print(answer.decode())
        return
    print(issued.secret)
    until = date_text(issued.key.expires_unix_ns)
    print(
        f"This is the key `{issued.key.name}` ({issued.key.id}), expires: {until}. Keep it now: it "
        "is not shown again.",
        file=sys.stderr,
    )


def _list_keys(args: argparse.Namespace, api: AdminApi) -> None:
    answer = api.ask("GET", _PATH)
    keys = msgspec.json.decode(answer, type=KeyList).keys
    if args.json:
        # Encoded again, so that nothing is printed that is not a field of a key's view.
        print(msgspec.json.encode(keys).decode())
        return
    shown = [key for key in keys if args.all or key.status != "revoked"]
    if not shown:
        print("No keys. Make one with `pointsman keys issue NAME`.", file=sys.stderr)
        return
    rows = [_HEADINGS, *map(_cells, shown)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(map(str.ljust, row, widths)).rstrip())


def _revoke(args: argparse.Namespace, api: AdminApi) -> None:
    try:
        msgspec.convert(args.name, Name)
    except msgspec.ValidationError:
        raise AdminApiError("no key can have that name or id", NOT_FOUND) from None
    answer = api.ask("DELETE", f"{_PATH}/{quote(args.name, safe='')}")
    key = msgspec.json.decode(answer, type=KeyView)
    print(f"The key `{key.name}` ({key.id}) is revoked since {date_text(key.revoked_unix_ns)}.")


def _hash(_: argparse.Namespace) -> int:
    # A key on the command line would stay in the shell's history and be seen in the process list.
    key = getpass.getpass("key: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        print("pointsman: a key is visible ASCII characters without spaces", file=sys.stderr)
        return BAD_CONFIG
    print(sha256(key.encode()).hexdigest())
    return OK


def _cells(key: KeyView) -> tuple[str, ...]:
    return (
        key.name,
        key.status,
        key.tenant or "-",
        key.plan or "-",
        ",".join(key.scopes),
        ",".join((*key.models, *(f"route:{route}" for route in key.routes))) or "all",
        date_text(key.expires_unix_ns),
        key.last_four,
        key.id,
    )


def _lifetime_s(text: str) -> int:
    match = _LIFETIME.match(text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match is not None else 0
    if not 0 < seconds <= MAX_LIFETIME_S:
        raise argparse.ArgumentTypeError("give a time such as 12h or 30d, ten years at most")
    return seconds
