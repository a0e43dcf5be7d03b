"""`pointsman audit`: who changed which key, tenant, plan, policy, route or price, and when."""

import argparse
import sys
from collections.abc import Iterator
from urllib.parse import urlencode

import msgspec

from pointsman.cli.admin_actions import Actions, add_asking
from pointsman.cli.admin_api import AdminApi, AdminApiError
from pointsman.cli.exit_codes import BAD_CONFIG
from pointsman.cli.money_table import add_span_options, table
from pointsman.cli.terminal import encodable
from pointsman.core.clock import SystemClock
from pointsman.core.explain.amounts import clean, instant_text
from pointsman.state.audit import MAX_PAGE, AuditEntry, AuditPage
from pointsman.state.audit_words import details_text
from pointsman.store.cost_parameters import read_span
from pointsman.store.errors import StoreQueryError

_PATH = "/internal/v1/audit"
_HEADINGS = ("WHEN", "WHO", "WHAT", "TO WHAT", "HOW")


def add_parser(subparsers: Actions) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "audit",
        help="show who changed which key, tenant, plan, policy, route or price",
        description="The audit trail, newest first: changes of keys, tenants, plans and the "
        "configuration, logins, and who read the content of requests. Rows are never changed.",
    )
    parser.add_argument("--action", metavar="PREFIX", help="as key. or tenant.disabled")
    parser.add_argument("--subject", metavar="PREFIX", help="as routes.auto, acme or a key's id")
    parser.add_argument("--actor", metavar="PREFIX", help="as cli:ann or reload")
    parser.add_argument(
        "-n", "--number", type=int, default=50, metavar="N", help="rows at most (default: 50)"
    )
    add_span_options(parser, "90d")
    parser.add_argument("--json", action="store_true", help="one row a line, for programs")
    add_asking(parser, _show)


def _show(args: argparse.Namespace, api: AdminApi) -> None:
    rows = _rows(args, api)
    if args.json:
        for entry in rows:
            print(msgspec.json.encode(entry).decode())
        return
    lines = [
        (
            instant_text(one.at_unix_ns)[:19],
            clean(one.actor),
            clean(one.action),
            clean(one.subject),
            clean(details_text(one)),
        )
        for one in rows
    ]
    if not lines:
        print("Nothing was changed in that time.", file=sys.stderr)
        return
    print(encodable("\n".join(table(_HEADINGS, lines, len(_HEADINGS))), sys.stdout))


def _rows(args: argparse.Namespace, api: AdminApi) -> Iterator[AuditEntry]:
    try:
        start, end = read_span(args.since, args.until, SystemClock().unix_ns())
    except StoreQueryError as error:
        raise AdminApiError(str(error), BAD_CONFIG) from None
    wanted: dict[str, object] = {"since_unix_ns": start, "until_unix_ns": end + 1}
    wanted |= {
        name: value
        for name in ("action", "subject", "actor")
        if (value := getattr(args, name)) is not None
    }
    left = args.number
    while left > 0:
        query = urlencode({**wanted, "limit": min(left, MAX_PAGE)})
        page = msgspec.json.decode(api.ask("GET", f"{_PATH}?{query}"), type=AuditPage)
        yield from page.entries
        left -= len(page.entries)
        if page.next_before is None:
            return
        wanted["before"] = page.next_before
