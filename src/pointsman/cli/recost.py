"""`pointsman recost`: prices what was stored once more; the collector does the work."""

import argparse
import sys
import time

import msgspec

from pointsman.cli.admin_api import AdminApiError
from pointsman.cli.collected import DEFAULT_URL, Collected, add_collector_options, collected
from pointsman.cli.exit_codes import BAD_CONFIG, OK, UNREACHABLE
from pointsman.cli.money_table import add_span_options, usd
from pointsman.cli.terminal import encodable
from pointsman.collector.money_messages import RecostRequest, RecostState
from pointsman.core.clock import SystemClock
from pointsman.core.explain.amounts import instant_text
from pointsman.store.cost_parameters import read_span
from pointsman.store.errors import StoreQueryError
from pointsman.store.recosts import RecostReport

_PATH = "/internal/v1/recosts"
_POLL_S = 0.2


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "recost",
        help="price what was stored once more, with the prices in force",
        description="Price the calls of a span of time once more, from the tokens that were "
        "stored and with the collector's prices in force: those of when each call was made. The "
        "old costs are kept beside the new; `pointsman costs` shows the new. Records and what "
        "budgets have counted stay as they were.",
    )
    add_span_options(parser, "30d")
    parser.add_argument(
        "--at-current-prices",
        action="store_true",
        help="take the prices of now for every call, whenever it was made",
    )
    parser.add_argument("--dry-run", action="store_true", help="only report what would change")
    parser.add_argument("--json", action="store_true", help="for programs, in integer nano-USD")
    add_collector_options(parser, f"default: as the data folder says, else {DEFAULT_URL}")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Order it, wait, and print the difference.

    Returns:
        0 done, 2 an option cannot be used, 6 it failed, else what `AdminApiError` says.
    """
    try:
        start, end = read_span(args.since, args.until, SystemClock().unix_ns())
        order = RecostRequest(
            from_unix_ns=start,
            to_unix_ns=end,
            at_current_prices=args.at_current_prices,
            dry_run=args.dry_run,
        )
        asked = collected(args)
        state = _follow(asked, asked.ask(_PATH, RecostState, msgspec.json.encode(order)))
    except StoreQueryError as error:
        print(f"pointsman: {error}", file=sys.stderr)
        return BAD_CONFIG
    except AdminApiError as error:
        print(f"pointsman: {error}", file=sys.stderr)
        return error.exit_code
    if state.report is None:
        print(f"pointsman: nothing was changed: {state.why}", file=sys.stderr)
        return UNREACHABLE
    told = "\n".join(lines_of(state.report))
    text = msgspec.json.encode(state.report).decode() if args.json else told
    print(encodable(text, sys.stdout))
    return OK


def lines_of(report: RecostReport) -> list[str]:
    """Return the lines for people."""
    difference = report.difference_nano_usd
    sign = "+" if difference > 0 else ""
    span = f"{instant_text(report.from_unix_ns)} to {instant_text(report.to_unix_ns)}"
    now = ", at the prices of now" if report.at_current_prices else ""
    outcome = "nothing changed"
    if report.dry_run:
        outcome = "nothing was written"
    elif report.revision:
        outcome = f"in force as revision {report.revision}; the old costs are kept"
    changes = (
        f"{report.attempts} attempts priced, {report.changed} with another cost"
        f" ({report.became_known} known now, {report.became_unknown} unknown now);"
        f" {report.without_usage} without usage left as they are"
    )
    amounts = (
        f"before {usd(report.before_nano_usd)}, after {usd(report.after_nano_usd)},"
        f" difference {sign}{usd(difference)}"
    )
    prices = f"prices: {report.price_book}{now}"
    return [span, prices, changes, amounts, f"{outcome}; budgets keep what they have counted"]


def _follow(asked: Collected, state: RecostState) -> RecostState:
    """Wait until the pricing has ended, and tell a terminal how far it is."""
    number = state.number
    while state.state == "running":
        if sys.stderr.isatty() and state.total:
            print(f"\r{state.done} of {state.total} priced", end="", file=sys.stderr, flush=True)
        time.sleep(_POLL_S)
        state = asked.ask(f"{_PATH}/last", RecostState)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    if state.number != number:
        raise AdminApiError("the collector was started anew meanwhile", UNREACHABLE)
    return state
