"""Finding, listing and following records, while writers are alive."""

from threading import Event, Timer
from zlib import crc32

import pytest

from journal_entries import (
    START_NS,
    make_begin,
    make_record,
    open_writer,
    request_id,
    trace_id,
)
from pointsman.journal.entries import ENTRY_SCHEMA, Kind
from pointsman.journal.frames import encode_frame, segment_header
from pointsman.journal.reader import JournalReader
from pointsman.journal.segments import segment_paths


@pytest.fixture
def root(tmp_path):
    return tmp_path / "journal"


def write(root, worker: str, *numbers: int, **changes) -> None:
    writer = open_writer(root / worker, segment_bytes=3_000)
    for number in numbers:
        writer.end(make_record(number, **changes))
        writer.flush()
    writer.close()


@pytest.mark.parametrize(
    "query",
    [request_id(31), request_id(31)[4:], trace_id(31), "trc_" + trace_id(31), trace_id(31)[:8]],
)
def test_a_record_is_found_by_any_of_its_names(root, query):
    """Request id, trace id and prefixes, with and without `req_` and `trc_`."""
    write(root, "0", *range(20))
    write(root, "1", *range(20, 40))

    assert JournalReader(root).find(query) == make_record(31)


@pytest.mark.parametrize(
    "query", ["", "req_", "trc_ab", "req_ffff", "nonsense", '"', "trc_req_0000"]
)
def test_what_is_not_there_or_too_short_is_not_found(root, query):
    """None, not an arbitrary record."""
    write(root, "0", *range(3))

    assert JournalReader(root).find(query) is None


def test_a_journal_that_does_not_exist_is_empty(root):
    """Before the first request there is no folder."""
    reader = JournalReader(root)

    assert reader.find(request_id(1)) is None
    assert reader.newest(5) == []
    assert reader.find_trace(trace_id(1)) == []
    assert reader.content(request_id(1)) == []
    assert reader.under_way(request_id(1)) == []


def test_an_id_inside_another_field_does_not_count(root):
    """A caller's label may hold another request's id, under any name."""
    write(root, "0", 5, tags={"request_id": request_id(6)})

    assert JournalReader(root).find(request_id(6)) is None


def test_the_newest_come_first_across_workers(root):
    """`last` means the request that ended last, whoever served it."""
    write(root, "0", 1, 4, 5)
    write(root, "1", 2, 3, 6)

    found = [record.request_id for record in JournalReader(root).newest(4)]

    assert found == [request_id(number) for number in (6, 5, 4, 3)]


def test_a_prefix_of_several_names_the_newest(root):
    """The request somebody asks about is nearly always a recent one."""
    write(root, "1", 17)
    write(root, "0", 16, 18)

    assert JournalReader(root).find(request_id(0)[:-2]).request_id == request_id(18)


def test_all_requests_of_a_trace_are_found_in_order(root):
    """One trace may hold many calls, served by several workers."""
    write(root, "0", 1, 3, trace_id="ab" * 16)
    write(root, "1", 2, trace_id="ab" * 16)
    write(root, "1", 4)

    found = JournalReader(root).find_trace("trc_" + "ab" * 16)

    assert [record.request_id for record in found] == [request_id(n) for n in (1, 2, 3)]


def test_attempts_without_an_end_are_found_as_begun(root):
    """A request that is under way can be told from one that never was."""
    writer = open_writer(root / "0")
    writer.begin(make_begin(1, attempt=0))
    writer.begin(make_begin(1, attempt=1, target="sonnet", attempt_start_ns=5))
    writer.flush()

    begun = JournalReader(root).under_way(request_id(1))

    assert [begin.target for begin in begun] == ["small", "sonnet"]
    writer.close()


def test_damage_is_stepped_over_and_counted(root):
    """A flipped byte on disk costs one record, not the answer to `why`."""
    write(root, "0", *range(3))
    path = segment_paths(root / "0")[0]
    segment = bytearray(path.read_bytes())
    segment[40] ^= 0xFF
    path.write_bytes(segment)
    reader = JournalReader(root)

    assert [record.request_id for record in reader.newest(5)] == [request_id(2), request_id(1)]
    assert reader.losses.gaps == 1
    assert reader.losses.lost_bytes > 0


def test_a_segment_of_a_newer_release_is_left_alone_and_counted(root):
    """A downgrade reads what it can and says what it cannot."""
    write(root, "0", 1)
    path = root / "0" / "0000000009.journal"
    head = segment_header()[:8] + (2).to_bytes(4, "little")
    path.write_bytes(head + crc32(head).to_bytes(4, "little") + b"another format")
    reader = JournalReader(root)

    assert len(reader.newest(5)) == 1
    assert reader.losses.unreadable == 1


def test_a_record_of_a_newer_schema_is_not_guessed_at(root):
    """Fields may mean something else there."""
    write(root, "0", 1, schema=99)
    reader = JournalReader(root)

    assert reader.newest(5) == []
    assert reader.losses.unreadable == 1


def test_an_end_as_the_first_release_wrote_it_is_still_read(root):
    """Readers take every older schema (invariant 15): these bytes must never stop decoding."""
    (root / "0").mkdir(parents=True)
    payload = (
        b'{"schema":1,"request_id":"req_00000000000000000000000000000001","trace_id":"'
        + b"ab" * 16
        + b'","span_id":"0000000000000001","started_unix_ns":1790000000000000000,'
        b'"duration_ns":1000,"outcome":"success","attempts":[{"target":"small","provider":"openai",'
        b'"model":"m","reservation":{"id":"r","held_nano_usd":1}}],"cost":{"total_nano_usd":7},'
        b'"a_field_of_a_later_release":{"x":1}}'
    )
    begin = (
        b'{"schema":1,"request_id":"req_00000000000000000000000000000002","trace_id":"t","span_id"'
    )
    begin += b':"s","attempt":0,"target":"small","provider":"p","model":"m","started_unix_ns":5}'
    (root / "0" / "0000000001.journal").write_bytes(
        segment_header() + encode_frame(Kind.END, payload) + encode_frame(Kind.BEGIN, begin)
    )
    reader = JournalReader(root)

    assert reader.newest(1)[0].cost.total_nano_usd == 7
    assert reader.under_way("req_0000")[0].schema == ENTRY_SCHEMA
    assert reader.newest(1)[0].started_unix_ns == START_NS


def test_following_shows_the_past_then_what_live_workers_append(root):
    """`tail`: nothing twice, nothing missed between past and present."""
    write(root, "0", *range(3))
    writer, stop = open_writer(root / "1", segment_bytes=3_000), Event()
    followed = JournalReader(root).follow(stop, backlog=2, poll_s=0.001)

    assert [next(followed).request_id for _ in range(2)] == [request_id(1), request_id(2)]
    for number in range(10, 20):  # over several segments
        writer.end(make_record(number))
        writer.flush()
    assert [next(followed).request_id for _ in range(10)] == [
        request_id(number) for number in range(10, 20)
    ]
    writer.end(make_record(30))
    writer.close()
    stop.set()
    assert [record.request_id for record in followed] == [request_id(30)]


def test_following_waits_for_the_rest_of_a_frame_that_is_half_there(root):
    """A reader may look while a write is under way."""
    write(root, "0", 1)
    path = segment_paths(root / "0")[0]
    segment, stop = path.read_bytes(), Event()
    path.write_bytes(segment[:-20])
    stop.set()
    reader = JournalReader(root)
    assert list(reader.follow(stop)) == []

    stop.clear()
    followed = reader.follow(stop, poll_s=0.001)
    path.write_bytes(segment[:-20])
    later = Timer(0.02, lambda: path.write_bytes(segment))
    later.start()
    assert next(followed).request_id == request_id(1)
    later.join()
    followed.close()


def test_a_segment_deleted_under_a_reader_is_no_error(root, monkeypatch):
    """The bound deletes segments at any moment."""
    write(root, "0", *range(6))
    gone = segment_paths(root / "0")
    monkeypatch.setattr("pointsman.journal.reader.segment_paths", lambda folder: gone)
    monkeypatch.setattr("pointsman.journal.follower.segment_paths", lambda folder: gone)
    gone[0].unlink()
    stop = Event()
    stop.set()

    assert len(JournalReader(root).newest(10)) < 6
    assert list(JournalReader(root).follow(stop)) == []
