"""`pointsman why`: why a request took the path it took, from the journal in the data folder."""

import argparse
import sys
from pathlib import Path

from pointsman.cli.admin_api import AdminApiError
from pointsman.cli.collected import add_collector_options, collected, is_collector_known
from pointsman.cli.exit_codes import BAD_CONFIG, DATA_UNUSABLE, NOT_FOUND, OK
from pointsman.cli.terminal import encodable, wants_colour, wrapped
from pointsman.core.explain import as_json, flat_cost, flat_route, paragraph, tree
from pointsman.core.records import CallRecord
from pointsman.journal.entries import Begin
from pointsman.journal.reader import MIN_PREFIX, JournalReader

_LAST = "last"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "why",
        help="explain a request: what was decided, tried and spent",
        description="Explain a request from the journal, also while the gateway runs and after it "
        "has stopped. Exit code 1 when there is no such request.",
    )
    parser.add_argument(
        "id",
        metavar="ID",
        help="request id (req_…), trace id (with or without trc_), the beginning of one, "
        "or `last` for the request that ended last",
    )
    parser.add_argument("--json", action="store_true", help="print the whole record")
    parser.add_argument(
        "--flat",
        action="store_true",
        help="print the two flat records, one JSON object per line: route, then time and cost",
    )
    add_collector_options(parser, "default: the journal, then the collector of the data folder")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Find the request and explain it.

    Returns:
        0 found, 1 not found, 2 the id cannot be one, 5 the journal cannot be read; else what
        `AdminApiError` says.
    """
    folder: Path = args.data_dir / "journal"
    query = args.id.strip()
    name = query.removeprefix("req_").removeprefix("trc_")
    if query != _LAST and len(name) < MIN_PREFIX:
        print(f"pointsman: an id needs at least {MIN_PREFIX} characters, got {query!r}",
              file=sys.stderr)  # fmt: skip
        return BAD_CONFIG
    reader = JournalReader(folder)
    try:
        # The journal has what ended a moment ago; the collector what the journal has deleted.
        records = _look_up(reader, query) if args.collector is None else []
        if not records and is_collector_known(args):
            records = collected(args).find(query)
        if not records:
            return _not_found(reader, query, folder)
    except AdminApiError as error:
        print(f"pointsman: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"pointsman: the journal in {folder} cannot be read: {error}", file=sys.stderr)
        return DATA_UNUSABLE
    _show(records, args)
    _warn_of_damage(reader)
    return OK


def _look_up(reader: JournalReader, query: str) -> list[CallRecord]:
    """Return the record that is named; every one of a trace when a trace is named."""
    if query == _LAST:
        return reader.newest(1)
    found = reader.find(query)
    if found is None:
        return []
    by_request = not query.startswith("trc_") and found.request_id.startswith(
        f"req_{query.removeprefix('req_')}"
    )
    return [found] if by_request else reader.find_trace(found.trace_id)


def _show(records: list[CallRecord], args: argparse.Namespace) -> None:
    colour = wants_colour(sys.stdout)
    for index, record in enumerate(records):
        if args.flat:
            print(as_json(flat_route(record)))
            print(as_json(flat_cost(record)))
        elif args.json:
            print(encodable(as_json(record), sys.stdout))
        else:
            separator = "\n" if index else ""
            told = wrapped(paragraph(record), sys.stdout)
            text = f"{separator}{told}\n\n{tree(record, colour=colour)}"
            print(encodable(text, sys.stdout))


def _not_found(reader: JournalReader, query: str, folder: Path) -> int:
    begun = [] if query == _LAST else reader.under_way(query)
    if begun:
        print(_under_way(begun[-1], len(begun)), file=sys.stderr)
    elif query == _LAST:
        print(
            f"pointsman: no request is in the journal in {folder}; send one to the gateway, or "
            "name the gateway's folder with --data-dir",
            file=sys.stderr,
        )
    else:
        print(
            f"pointsman: no request or trace {query!r} in the journal in {folder}; old segments "
            "are deleted to keep its bound. Name the gateway's folder with --data-dir, or see "
            "what is there with `pointsman tail --no-follow`",
            file=sys.stderr,
        )
    _warn_of_damage(reader)
    return NOT_FOUND


def _under_way(begin: Begin, count: int) -> str:
    return (
        f"pointsman: request {begin.request_id} has not ended: attempt {count} at {begin.target} "
        f"({begin.model} at {begin.provider}) is under way, or its worker was killed and has not "
        "been started again; ask again later"
    )


def _warn_of_damage(reader: JournalReader) -> None:
    losses = reader.losses
    if losses.gaps or losses.unreadable:
        print(
            f"pointsman: parts of the journal could not be read: {losses.gaps} damaged places "
            f"({losses.lost_bytes} bytes), {losses.unreadable} entries of a newer release",
            file=sys.stderr,
        )
