"""`pointsman tail`: requests as they end, one line each, from the journal in the data folder."""

import argparse
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from threading import Event

from pointsman.cli.admin_api import AdminApiError
from pointsman.cli.collected import add_collector_options, collected
from pointsman.cli.exit_codes import BAD_CONFIG, DATA_UNUSABLE, NOT_FOUND, OK
from pointsman.cli.terminal import encodable, wants_colour
from pointsman.core.explain import as_json
from pointsman.core.explain.amounts import clean, duration_text, money_text
from pointsman.core.records import CallRecord
from pointsman.journal.reader import JournalReader, ended_unix_ns

_GOOD = frozenset({"success", "truncated"})
_GREEN, _RED, _PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[0m"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "tail",
        help="show requests as they end, one line each",
        description="Show the last requests and then each one as it ends, until Ctrl-C: time, "
        "status, model asked for and served, reason, time taken, tokens, cost, request id.",
    )
    parser.add_argument("--json", action="store_true", help="print whole records, one per line")
    parser.add_argument(
        "--limit", type=int, default=10, metavar="N", help="past requests first (default: 10)"
    )
    parser.add_argument("--no-follow", action="store_true", help="stop after the past requests")
    add_collector_options(parser, "default: the journal in the data folder")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print requests until interrupted.

    Returns:
        0, also when interrupted; 1 with `--no-follow` when there is none; 2 for a negative limit;
        5 when the journal cannot be read.
    """
    if args.limit < 0:
        print("pointsman: --limit must not be negative", file=sys.stderr)
        return BAD_CONFIG
    if args.collector is not None:
        return _from_collector(args)
    folder = args.data_dir / "journal"
    reader = JournalReader(folder)
    try:
        if args.no_follow:
            past = list(reversed(reader.newest(args.limit)))
            _print(past, as_lines=args.json)
            return OK if past or not args.limit else _nothing(str(folder))
        _print(reader.follow(Event(), backlog=args.limit), as_lines=args.json)
    except BrokenPipeError:
        raise  # the reader of our output left; the main module ends quietly
    except OSError as error:
        print(f"pointsman: the journal in {folder} cannot be read: {error}", file=sys.stderr)
        return DATA_UNUSABLE
    except KeyboardInterrupt:
        pass  # the way to end it
    return OK


def _from_collector(args: argparse.Namespace) -> int:
    try:
        asked = collected(args)
        records = reversed(asked.newest(args.limit)) if args.no_follow else asked.follow(args.limit)
        _print(records, as_lines=args.json)
    except AdminApiError as error:
        print(f"pointsman: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        pass  # the way to end it
    return OK


def _print(records: Iterable[CallRecord], *, as_lines: bool) -> None:
    colour = wants_colour(sys.stdout)
    for record in records:
        text = as_json(record) if as_lines else line_of(record, colour=colour)
        print(encodable(text, sys.stdout), flush=True)


def line_of(record: CallRecord, *, colour: bool = False) -> str:
    """Return one line for one request."""
    status = str(record.status) if record.status is not None else "---"
    if colour:
        status = f"{_GREEN if record.outcome in _GOOD else _RED}{status}{_PLAIN}"
    asked = "-" if record.requested_model is None else clean(record.requested_model)
    took = "-" if record.duration_ns is None else duration_text(record.duration_ns)
    parts = [
        _clock_time(ended_unix_ns(record)),
        status,
        f"{asked} -> {_served(record)}",
        clean(record.reason),
        took,
        _tokens(record),
        money_text(record.cost.total_nano_usd) if record.cost is not None else "$0",
        clean(record.request_id),
    ]
    if record.outcome not in _GOOD:
        parts.insert(2, clean(record.outcome) or "under way")
    return "  ".join(parts)


def _served(record: CallRecord) -> str:
    if record.served_model is not None:
        return clean(record.served_model)
    if record.error is not None:
        return clean(record.error.code)
    return clean(record.attempts[-1].model) if record.attempts else "-"


def _tokens(record: CallRecord) -> str:
    usage = record.usage
    if usage is None:
        return "- tokens"
    amounts = (usage.input_tokens, usage.output_tokens)
    return "+".join("?" if amount is None else str(amount) for amount in amounts) + " tokens"


def _clock_time(unix_ns: int) -> str:
    try:
        moment = datetime.fromtimestamp(unix_ns // 1_000_000_000, UTC).astimezone()
    except (OverflowError, ValueError, OSError):
        return "--:--:--"
    return f"{moment:%H:%M:%S}"


def _nothing(folder: str) -> int:
    print(
        f"pointsman: no request is in the journal in {folder}; send one to the gateway, or name "
        "the gateway's folder with --data-dir",
        file=sys.stderr,
    )
    return NOT_FOUND
