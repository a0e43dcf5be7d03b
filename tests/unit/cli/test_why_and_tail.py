"""`why` and `tail`: what they print, where, and their exit codes."""

import argparse
import io
from threading import Thread

import pytest
from msgspec.json import decode

from journal_entries import make_begin, make_record, open_writer, request_id, trace_id
from pointsman.cli import tail, why
from pointsman.cli.exit_codes import BAD_CONFIG, DATA_UNUSABLE, NOT_FOUND, OK
from pointsman.cli.terminal import encodable, wants_colour, wrapped
from pointsman.core.records import CallFailure, CallRecord, Cost
from pointsman.core.usage import Usage
from pointsman.journal.reader import JournalReader
from pointsman.journal.segments import segment_paths


@pytest.fixture
def data_dir(tmp_path):
    return tmp_path / "data"


def write(data_dir, *records: CallRecord) -> None:
    writer = open_writer(data_dir / "journal" / "0")
    for record in records:
        writer.end(record)
    writer.close()


def command(data_dir, *words: str) -> int:
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers()
    for module in (why, tail):
        module.add_parser(subparsers)
    args = parser.parse_args(words)
    args.data_dir = data_dir
    return args.run(args)


@pytest.mark.parametrize(
    "query", [request_id(1), request_id(1)[4:], trace_id(1), "trc_" + trace_id(1), "last"]
)
def test_why_tells_a_request_by_any_of_its_names(data_dir, capsys, query):
    """A paragraph, then the tree."""
    write(data_dir, make_record(0), make_record(1))

    assert command(data_dir, "why", query) == OK

    told, blank, root, *rest = capsys.readouterr().out.splitlines()
    assert told.startswith(f"Request {request_id(1)} ")
    assert blank == ""
    assert root.startswith(f"{request_id(1)}  200  success")
    assert rest


def test_why_prints_the_record_for_programs(data_dir, capsys):
    """`--json` is the record as it was stored."""
    write(data_dir, make_record(1))

    assert command(data_dir, "why", "last", "--json") == OK

    assert decode(capsys.readouterr().out, type=CallRecord) == make_record(1)


def test_why_prints_the_two_flat_records_one_per_line(data_dir, capsys):
    """CP-18: exactly their keys, so that programs can rely on them."""
    write(data_dir, make_record(1))

    assert command(data_dir, "why", "last", "--json", "--flat") == OK

    route, cost = map(decode, capsys.readouterr().out.splitlines())
    assert route["failover_used"] is False
    assert cost["fallback_used"] is False
    assert {"trace_id", "route_reason"} <= route.keys() & cost.keys()


def test_why_tells_every_request_of_a_trace(data_dir, capsys):
    """An agent's run is one trace with many calls."""
    write(data_dir, *(make_record(number, trace_id="cd" * 16) for number in range(3)))

    assert command(data_dir, "why", "trc_" + "cd" * 16, "--json") == OK

    records = [decode(line, type=CallRecord) for line in capsys.readouterr().out.splitlines()]
    assert [record.request_id for record in records] == [request_id(n) for n in range(3)]


@pytest.mark.parametrize("query", [request_id(77), "last"])
def test_why_says_where_it_looked_and_what_to_do(data_dir, capsys, query):
    """Not found is exit code 1, on stderr."""
    assert command(data_dir, "why", query) == NOT_FOUND

    told = capsys.readouterr()
    assert told.out == ""
    assert str(data_dir / "journal") in told.err
    assert "--data-dir" in told.err


def test_why_tells_a_request_that_has_not_ended(data_dir, capsys):
    """Under way is not the same as unknown."""
    writer = open_writer(data_dir / "journal" / "0")
    writer.begin(make_begin(5))
    writer.close()

    assert command(data_dir, "why", request_id(5)) == NOT_FOUND

    assert "has not ended: attempt 1 at small" in capsys.readouterr().err


@pytest.mark.parametrize("query", ["", "req_", "abc", "trc_12"])
def test_why_refuses_what_cannot_be_an_id(data_dir, capsys, query):
    """A usage fault is exit code 2."""
    assert command(data_dir, "why", query) == BAD_CONFIG

    assert "at least 4 characters" in capsys.readouterr().err


def test_why_says_that_the_journal_is_damaged(data_dir, capsys):
    """What cannot be read is counted and visible (invariant 10)."""
    write(data_dir, make_record(1), make_record(2))
    path = segment_paths(data_dir / "journal" / "0")[0]
    segment = bytearray(path.read_bytes())
    segment[50] ^= 0xFF
    path.write_bytes(segment)

    assert command(data_dir, "why", request_id(2)) == OK

    assert "1 damaged places" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("why", "last"), ("tail", "--no-follow"), ("tail",)])
def test_a_journal_that_cannot_be_read_is_one_clear_line(data_dir, capsys, monkeypatch, words):
    """No traceback for a missing permission."""

    def refused(self, *_args, **_named):
        raise PermissionError(13, "Permission denied", "x.journal")

    monkeypatch.setattr(JournalReader, "newest", refused)

    assert command(data_dir, *words) == DATA_UNUSABLE

    assert "cannot be read" in capsys.readouterr().err


def test_tail_prints_a_line_per_request_oldest_first(data_dir, capsys):
    """Time, status, asked -> served, reason, ms, tokens, cost."""
    failed = make_record(
        2,
        status=503,
        outcome="failure",
        served_model=None,
        reason="provider_failover",
        error=CallFailure("upstream_failed", "all failed"),
        cost=None,
    )
    write(data_dir, make_record(0), make_record(1, usage=Usage(20, None)), failed)

    assert command(data_dir, "tail", "--no-follow", "--limit", "2") == OK

    first, second = capsys.readouterr().out.splitlines()
    assert "  200  auto -> gpt-4o-mini  not_routed  250 ms  20+? tokens  $0.000001  " in first
    assert first.endswith(request_id(1))
    assert "  503  failure  auto -> upstream_failed  provider_failover  " in second
    assert "  - tokens  $0  " in second


def test_tail_prints_records_for_programs(data_dir, capsys):
    """JSON lines, one per request."""
    write(data_dir, make_record(0), make_record(1))

    assert command(data_dir, "tail", "--no-follow", "--json") == OK

    lines = capsys.readouterr().out.splitlines()
    assert [decode(line, type=CallRecord) for line in lines] == [make_record(0), make_record(1)]


def test_tail_of_nothing_says_where_it_looked(data_dir, capsys):
    """Exit code 1 and a hint, as `why`."""
    assert command(data_dir, "tail", "--no-follow") == NOT_FOUND
    assert str(data_dir / "journal") in capsys.readouterr().err
    assert command(data_dir, "tail", "--no-follow", "--limit", "-1") == BAD_CONFIG


def test_tail_shows_requests_as_they_end_until_it_is_stopped(data_dir, capsys, monkeypatch):
    """Live: what a worker writes after the start is shown; Ctrl-C is the way to end it."""
    shown: list[CallRecord] = []

    def stop_at_the_third(records, *, as_lines):
        for record in records:
            shown.append(record)
            if len(shown) == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(tail, "_print", stop_at_the_third)
    write(data_dir, make_record(0))
    later = Thread(target=write, args=(data_dir, make_record(1), make_record(2)))
    later.start()

    assert command(data_dir, "tail") == OK

    later.join()
    assert [record.request_id for record in shown] == [request_id(n) for n in range(3)]


def test_a_line_shows_what_is_unknown_as_unknown(data_dir):
    """A crashed request has no status, no duration and a cost that is a guess or unknown."""
    record = make_record(
        1, status=None, duration_ns=None, outcome="gateway_crashed", cost=Cost(), served_model=None
    )

    line = tail.line_of(record)

    assert "  ---  gateway_crashed  auto -> gpt-4o-mini  not_routed  -  " in line
    assert "an unknown amount" in line
    assert "\x1b[31m---\x1b[0m" in tail.line_of(record, colour=True)


class FakeTerminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_without_no_color(monkeypatch):
    """A pipe gets plain text on one line per paragraph."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert wants_colour(FakeTerminal())
    assert not wants_colour(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour(FakeTerminal())
    assert wrapped("word " * 50, io.StringIO()) == "word " * 50
    assert len(wrapped("word " * 50, FakeTerminal()).splitlines()) > 1


def test_a_stream_that_knows_only_ascii_gets_plain_branches():
    """A cron job's locale must not turn an explanation into a traceback."""
    plain = io.TextIOWrapper(io.BytesIO(), encoding="ascii")

    assert encodable("├─ ✓ größe…", plain) == "|- + gr??e..."
    assert encodable("├─ ✓", io.TextIOWrapper(io.BytesIO(), encoding="utf-8")) == "├─ ✓"
