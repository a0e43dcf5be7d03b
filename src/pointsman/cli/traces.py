"""`pointsman traces`: the newest traces, or one as a tree of application spans and calls."""

import argparse
import sys
from collections import defaultdict
from datetime import UTC, datetime

import msgspec

from pointsman.cli.admin_api import AdminApiError
from pointsman.cli.collected import DEFAULT_URL, Collected, add_collector_options, collected
from pointsman.cli.exit_codes import BAD_CONFIG, NOT_FOUND, OK
from pointsman.cli.terminal import encodable
from pointsman.collector.read_messages import TraceDetail
from pointsman.core.explain.amounts import clean, duration_text, money_text
from pointsman.store.rows import SpanRow, TraceRow

_MAX_DEPTH = 64
_MAX_LIMIT = 500


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "traces",
        help="list traces, or show one as a tree",
        description="List the newest traces that the collector has, or show one as a tree: spans "
        "of applications and of the gateway. Exit code 1 when there is none.",
    )
    parser.add_argument("id", nargs="?", metavar="ID", help="trace id, with or without trc_")
    parser.add_argument("--json", action="store_true", help="for programs, one object per line")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="how many (20)")
    parser.add_argument("--service", help="only those with a span of this service")
    parser.add_argument("--failed", action="store_true", help="only those with a failure")
    add_collector_options(parser, f"default: as the data folder says, else {DEFAULT_URL}")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask the collector and print.

    Returns:
        0 found, 1 none, 2 an option cannot be used, else what `AdminApiError` says.
    """
    if not 1 <= args.limit <= _MAX_LIMIT:
        print(f"pointsman: --limit must be from 1 to {_MAX_LIMIT}", file=sys.stderr)
        return BAD_CONFIG
    try:
        asked = collected(args)
        return _one(asked, args) if args.id is not None else _list(asked, args)
    except AdminApiError as error:
        print(f"pointsman: {error}", file=sys.stderr)
        return error.exit_code


def _list(asked: Collected, args: argparse.Namespace) -> int:
    filters = {"service": args.service or "", "failed": "true" if args.failed else ""}
    found = asked.traces(args.limit, filters).traces
    if not found:
        print("pointsman: the collector has no such trace", file=sys.stderr)
        return NOT_FOUND
    for row in found:
        text = msgspec.json.encode(row).decode() if args.json else line_of(row)
        print(encodable(text, sys.stdout))
    return OK


def _one(asked: Collected, args: argparse.Namespace) -> int:
    found = asked.trace(args.id.strip())
    if found is None:
        print(f"pointsman: the collector has no trace {args.id!r}", file=sys.stderr)
        return NOT_FOUND
    text = msgspec.json.encode(found).decode() if args.json else "\n".join(tree_of(found))
    print(encodable(text, sys.stdout))
    return OK


def line_of(row: TraceRow) -> str:
    """Return one line for one trace."""
    started = datetime.fromtimestamp(row.started_unix_ns / 1e9, UTC).astimezone()
    parts = [
        f"{started:%H:%M:%S}",
        f"trc_{row.trace_id}",
        clean(row.name or "-"),
        duration_text(max(0, row.ended_unix_ns - row.started_unix_ns)),
        f"{row.call_count} calls",
        f"{row.span_count} spans",
        "-" if row.cost_nano_usd is None else money_text(row.cost_nano_usd),
    ]
    if row.error_count:
        parts.append(f"{row.error_count} failed")
    return "  ".join(parts)


def tree_of(trace: TraceDetail) -> list[str]:
    """Return the lines of a trace: a span below its parent, the first started first."""
    known = {span.span_id for span in trace.spans}
    children: defaultdict[str | None, list[SpanRow]] = defaultdict(list)
    for span in trace.spans:
        parent = span.parent_span_id
        # A span that names itself, or somebody unknown, as its parent stands on its own.
        children[parent if parent in known and parent != span.span_id else None].append(span)
    lines = [f"trace trc_{trace.trace_id}"]
    shown: set[str] = set()
    _add(lines, children, None, "", shown)
    rest = [span for span in trace.spans if span.span_id not in shown]
    lines += [f"? {_told(span)} (its parents form a circle, or are too many)" for span in rest]
    return lines


def _add(
    lines: list[str],
    children: dict[str | None, list[SpanRow]],
    parent: str | None,
    indent: str,
    shown: set[str],
) -> None:
    below = [span for span in children.get(parent, ()) if span.span_id not in shown]
    shown.update(span.span_id for span in below)
    if len(indent) > 3 * _MAX_DEPTH:
        return
    for number, span in enumerate(below, 1):
        is_last = number == len(below)
        lines.append(f"{indent}{'└─ ' if is_last else '├─ '}{_told(span)}")
        _add(lines, children, span.span_id, indent + ("   " if is_last else "│  "), shown)


def _told(span: SpanRow) -> str:
    parts = [clean(span.name), duration_text(span.end_unix_ns - span.start_unix_ns)]
    if span.service is not None:
        parts.append(clean(span.service))
    if span.status == "ERROR":
        parts.append(f"failed {clean(span.status_message)}".strip())
    if span.request_id is not None and span.name == "gateway_request":
        parts.append(clean(span.request_id))
    return "  ".join(parts)
