"""`pointsman alerts`: what is out of bounds, since when, and the requests behind it."""

import argparse
import sys

import msgspec

from pointsman.cli.admin_api import AdminApiError
from pointsman.cli.collected import DEFAULT_URL, add_collector_options, collected
from pointsman.cli.exit_codes import OK
from pointsman.cli.terminal import encodable
from pointsman.collector.money_messages import AlertList
from pointsman.core.explain.amounts import clean, instant_text
from pointsman.store.alert_words import told
from pointsman.store.alerts import MAX_ALERTS, Alert


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "alerts",
        help="list alerts, the open ones first",
        description="List alerts, the open ones first, then the one that was opened last. The "
        "rules and their bounds are under `alerts` in the configuration.",
    )
    parser.add_argument("--open", action="store_true", help="only those that are open")
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="how many (50)")
    parser.add_argument("--json", action="store_true", help="for programs, one object per line")
    add_collector_options(parser, f"default: as the data folder says, else {DEFAULT_URL}")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask the collector and print.

    Returns:
        0 done, also when there is none; else what `AdminApiError` says.
    """
    limit = max(1, min(args.limit, MAX_ALERTS))
    try:
        only = "true" if args.open else "false"
        found = collected(args).ask(f"/api/v1/alerts?open={only}&limit={limit}", AlertList)
    except AdminApiError as error:
        print(f"pointsman: {error}", file=sys.stderr)
        return error.exit_code
    for alert in found.alerts:
        text = msgspec.json.encode(alert).decode() if args.json else "\n".join(lines_of(alert))
        print(encodable(text, sys.stdout))
    if not found.alerts and not args.json:
        print("no alert" if not args.open else "no alert is open")
    return OK


def lines_of(alert: Alert) -> list[str]:
    """Return the lines of one alert for people."""
    state = "OPEN " if alert.is_open else "clear"
    since = f"since {instant_text(alert.opened_unix_ns)}"
    if alert.cleared_unix_ns is not None:
        since += f", cleared {instant_text(alert.cleared_unix_ns)}"
    owner = f" (tenant {clean(alert.finding.tenant)})" if alert.finding.tenant else ""
    return [
        f"{state}  {alert.finding.kind}  {clean(alert.finding.subject)}{owner}",
        f"       {clean(told(alert.finding))}; {since}",
    ]
