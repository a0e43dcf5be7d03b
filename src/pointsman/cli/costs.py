"""`pointsman costs`: what was spent, by any columns, exact to the nano-dollar."""

import argparse
import sys
from urllib.parse import urlencode

import msgspec

from pointsman.cli.admin_api import AdminApiError
from pointsman.cli.collected import DEFAULT_URL, add_collector_options, collected
from pointsman.cli.exit_codes import BAD_CONFIG, OK
from pointsman.cli.money_table import add_span_options, named, table, usd
from pointsman.cli.terminal import encodable
from pointsman.store.costs import COST_GROUPS, GROUP_COLUMNS, Costs, CostSums

_HEADINGS = ("CALLS", "TOKENS IN", "OUT", "CACHED", "MEASURED", "ESTIMATED", "RETRIES", "TOTAL",
             "UNKNOWN")  # fmt: skip
_OWN = "(the gateway itself)"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "costs",
        help="show what was spent, by model, user, feature or whatever else",
        description="Show what was spent, the dearest first. MEASURED is priced from tokens that "
        "providers counted, ESTIMATED from others, RETRIES is what attempts before the last one "
        "cost; UNKNOWN counts calls that are in no sum.",
    )
    parser.add_argument(
        "--by",
        default="model",
        metavar="COLUMNS",
        help=f"1 to 3 of {', '.join(COST_GROUPS)} (default: %(default)s)",
    )
    add_span_options(parser, "24h")
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help="only these, as in feature=search; (none) stands for no value (repeatable)",
    )
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="most groups (50)")
    parser.add_argument("--json", action="store_true", help="for programs, in integer nano-USD")
    add_collector_options(parser, f"default: as the data folder says, else {DEFAULT_URL}")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask the collector and print.

    Returns:
        0 done, 2 an option cannot be used, else what `AdminApiError` says.
    """
    filters = dict(each.partition("=")[::2] for each in args.where)
    odd = [name for name in filters if name not in GROUP_COLUMNS]
    if odd:
        print(f"pointsman: --where knows {', '.join(GROUP_COLUMNS)}", file=sys.stderr)
        return BAD_CONFIG
    query = urlencode(
        filters | {"group_by": args.by, "from": args.since, "to": args.until, "limit": args.limit}
    )
    try:
        found = collected(args).ask(f"/api/v1/costs?{query}", Costs)
    except AdminApiError as error:
        print(f"pointsman: {error}", file=sys.stderr)
        return error.exit_code
    text = msgspec.json.encode(found).decode() if args.json else "\n".join(lines_of(found))
    print(encodable(text, sys.stdout))
    return OK


def lines_of(costs: Costs) -> list[str]:
    """Return the lines for people."""
    headings = [*(name.upper() for name in costs.group_by), *_HEADINGS]
    rows = []
    for row in costs.rows:
        names = [named(value) for value in row.group.values()]
        if row.own:
            names[0] = f"{names[0]} {_OWN}"
        rows.append([*names, *_cells(row.sums, row.total_nano_usd)])
    total = ["all", *[""] * (len(costs.group_by) - 1)]
    rows.append([*total, *_cells(costs.totals, costs.total_nano_usd)])
    lines = table(headings, rows, len(costs.group_by))
    if costs.is_cut:
        lines.append("there are more groups than shown; the last line holds them all")
    return [*lines, *_notes(costs.totals)]


def _cells(sums: CostSums, total_nano_usd: int) -> list[str]:
    return [
        str(sums.calls),
        str(sums.input_tokens),
        str(sums.output_tokens),
        str(sums.cache_read_tokens),
        usd(sums.measured_nano_usd),
        usd(sums.estimated_nano_usd),
        usd(sums.extra_nano_usd),
        usd(total_nano_usd),
        str(sums.unknown_calls + sums.extra_unknown),
    ]


def _notes(totals: CostSums) -> list[str]:
    """Return what the unknown consists of; nothing when there is none."""
    notes = [
        f"{count} {told}"
        for count, told in (
            (totals.unknown_price_calls, "calls of models without a price"),
            (totals.unreported_calls, "calls that ended before a provider told what they used"),
            (totals.extra_unknown, "earlier attempts whose cost nobody told"),
        )
        if count
    ]
    return [f"not in any sum: {'; '.join(notes)}"] if notes else []
