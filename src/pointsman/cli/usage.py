"""`pointsman usage`: what a tenant, or a customer of it, used by day, as its own keys see it."""

import argparse
import sys
from collections.abc import Sequence
from urllib.parse import quote, urlencode

import msgspec

from pointsman.cli.admin_api import AdminApiError
from pointsman.cli.collected import DEFAULT_URL, Collected, add_collector_options, collected
from pointsman.cli.exit_codes import OK
from pointsman.cli.money_table import add_span_options, named, table, usd
from pointsman.cli.terminal import encodable
from pointsman.collector.money_messages import UsageByCustomer, UsageByDay, UsageItem

_HEADINGS = ("REQUESTS", "TOKENS IN", "OUT", "COST", "UNKNOWN")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "usage",
        help="show what a tenant or its customers used, by day",
        description="Show usage as `GET /v1/usage` of the collector tells it to a tenant's own "
        "keys: by day in UTC, or by customer. UNKNOWN counts requests that are in no sum.",
    )
    parser.add_argument("--tenant", help="of this tenant (default: of all)")
    parser.add_argument("--customer", metavar="ID", help="of one customer, by day")
    parser.add_argument("--customers", action="store_true", help="by customer, the dearest first")
    add_span_options(parser, "30d")
    parser.add_argument("--json", action="store_true", help="for programs, as the API answers")
    add_collector_options(parser, f"default: as the data folder says, else {DEFAULT_URL}")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask the collector and print.

    Returns:
        0 done, else what `AdminApiError` says.
    """
    try:
        asked = collected(args)
        found = _customers(asked, args) if args.customers else _days(asked, args)
    except AdminApiError as error:
        print(f"pointsman: {error}", file=sys.stderr)
        return error.exit_code
    text = msgspec.json.encode(found).decode() if args.json else "\n".join(lines_of(found))
    print(encodable(text, sys.stdout))
    return OK


def lines_of(found: UsageByDay | UsageByCustomer) -> list[str]:
    """Return the lines for people."""
    if isinstance(found, UsageByCustomer):
        items: Sequence[UsageItem] = found.items
        names = [named(item.customer_id) for item in found.items]
        heading = "CUSTOMER"
    else:
        items, heading = found.days, "DAY"
        names = [day.day for day in found.days]
    rows = [[name, *_cells(item)] for name, item in zip(names, items, strict=True)]
    return table([heading, *_HEADINGS], rows, 1)


def _cells(item: UsageItem) -> list[str]:
    return [
        str(item.request_count),
        str(item.input_tokens),
        str(item.output_tokens),
        usd(item.total_cost_nano_usd),
        str(item.unknown_cost_requests),
    ]


def _customers(asked: Collected, args: argparse.Namespace) -> UsageByCustomer:
    return asked.ask(f"/v1/usage/customers?{_query(args)}&limit=1000", UsageByCustomer)


def _days(asked: Collected, args: argparse.Namespace) -> UsageByDay:
    """Return every day, page by page."""
    customer = f"/customers/{quote(args.customer, safe='')}" if args.customer else ""
    path = f"/v1/usage{customer}?{_query(args)}&limit=366"
    found = asked.ask(path, UsageByDay)
    days, cursor = list(found.days), found.next_cursor
    while cursor is not None:
        page = asked.ask(f"{path}&cursor={cursor}", UsageByDay)
        days += page.days
        cursor = page.next_cursor
    return msgspec.structs.replace(found, days=days, next_cursor=None)


def _query(args: argparse.Namespace) -> str:
    given = {"from": args.since, "to": args.until, "tenant": args.tenant or ""}
    return urlencode({name: value for name, value in given.items() if value})
