"""Queueing, writing once per tick, rotation, and a disk that fails."""

import errno
import os
import stat
from itertools import pairwise

import pytest

from journal_entries import Ticks, make_begin, make_content, make_record, open_writer, request_id
from pointsman.core.clock import ManualClock
from pointsman.journal.entries import MAX_CONTENT_BYTES
from pointsman.journal.lock import JournalLockedError, is_alive
from pointsman.journal.reader import JournalReader
from pointsman.journal.segments import segment_paths
from pointsman.journal.writer import MAX_ENTRIES_PER_TICK


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "journal" / "0"


@pytest.fixture
def writes(monkeypatch):
    """Count the writes that go to the operating system."""
    sizes = []
    real = os.write

    def counting(fd, batch):
        sizes.append(len(batch))
        return real(fd, batch)

    monkeypatch.setattr(os, "write", counting)
    return sizes


def test_entries_of_one_tick_are_one_write(folder, writes):
    """The cost of the journal is a system call per tick, not per request."""
    ticks = Ticks()
    writer = open_writer(folder, schedule=ticks)
    for number in range(10):
        writer.begin(make_begin(number))
        writer.end(make_record(number))
    assert len(ticks.waiting) == 1

    ticks.turn()

    assert len(writes) == 2  # the header of the new segment, then the batch
    assert writer.stats.written == 20
    assert ticks.waiting == []
    writer.close()


def test_a_begin_is_on_disk_after_its_tick(folder):
    """No upstream call without an attempt record, also after a crash (invariant 8)."""
    ticks = Ticks()
    writer = open_writer(folder, schedule=ticks)
    writer.begin(make_begin(7))

    ticks.turn()

    assert [begin.attempt for begin in JournalReader(folder.parent).under_way(request_id(7))] == [0]
    writer.close()


def test_a_burst_is_spread_over_ticks_and_begins_go_first(folder):
    """Encoding must not hold up the loop, and ends must not hold up begins."""
    ticks = Ticks()
    writer = open_writer(folder, schedule=ticks)
    for number in range(MAX_ENTRIES_PER_TICK + 10):
        writer.end(make_record(number))
    writer.begin(make_begin(999))

    ticks.turn()

    assert writer.stats.written == MAX_ENTRIES_PER_TICK
    assert JournalReader(folder.parent).under_way(request_id(999))
    ticks.turn()
    assert writer.stats.written == MAX_ENTRIES_PER_TICK + 11
    assert ticks.waiting == []
    writer.close()


def test_close_writes_what_waits_and_frees_the_folder(folder):
    """A clean stop loses nothing; a second close and late entries do no harm."""
    writer = open_writer(folder)
    writer.end(make_record(1))
    assert is_alive(folder)

    writer.close()
    writer.close()
    writer.begin(make_begin(2))
    writer.end(make_record(2))

    assert not is_alive(folder)
    assert JournalReader(folder.parent).find(request_id(1)) == make_record(1)
    assert writer.stats.dropped == 2


def test_a_folder_has_one_writer(folder, monkeypatch):
    """Two processes in one folder would each take the other's requests for crashed."""
    monkeypatch.setattr("pointsman.journal.lock._TRIES", 2)
    writer = open_writer(folder)

    with pytest.raises(JournalLockedError, match="another process"):
        open_writer(folder)

    writer.close()


def test_files_and_folders_are_private(folder):
    """Records name tenants, and prompts may be in them."""
    writer = open_writer(folder)
    writer.end(make_record(1))
    writer.close()

    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}

    assert modes == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


def test_segments_rotate_by_size_and_go_on_after_a_restart(folder):
    """A segment is never appended to by a second process: its tail may be torn."""
    for start in (0, 20):
        writer = open_writer(folder, segment_bytes=4_000)
        for number in range(start, start + 20):
            writer.end(make_record(number))
            writer.flush()
        writer.close()

    paths = segment_paths(folder)

    assert [path.name for path in paths[:2]] == ["0000000001.journal", "0000000002.journal"]
    assert all(path.stat().st_size <= 4_000 for path in paths)
    assert len(JournalReader(folder.parent).newest(100)) == 40


def test_the_oldest_segments_go_when_all_together_are_too_large(folder):
    """The journal is bounded, and what was deleted is counted (invariant 10)."""
    writer = open_writer(folder, segment_bytes=4_000, max_bytes=20_000)
    for number in range(200):
        writer.end(make_record(number))
        writer.flush()
    writer.close()

    assert sum(path.stat().st_size for path in segment_paths(folder)) <= 20_000
    assert writer.stats.expired > 0
    assert writer.stats.expired + len(segment_paths(folder)) == writer.stats.segments
    assert JournalReader(folder.parent).newest(1)[0].request_id == request_id(199)


def test_the_bound_takes_from_dead_workers_and_spares_a_live_ones_newest(folder):
    """Deleting the segment of a live, idle worker would lose what it writes next."""
    dead = open_writer(folder.parent / "dead", segment_bytes=4_000)
    dead.end(make_record(1))
    dead.close()
    idle = open_writer(folder.parent / "idle", segment_bytes=4_000)
    idle.end(make_record(2))
    idle.flush()
    writer = open_writer(folder, segment_bytes=4_000, max_bytes=9_000)
    for number in range(100, 150):
        writer.end(make_record(number))
        writer.flush()

    reader = JournalReader(folder.parent)

    assert reader.find(request_id(1)) is None
    assert reader.find(request_id(2)) is not None
    idle.close()
    writer.close()


def test_a_full_disk_never_raises_and_is_counted(folder, monkeypatch):
    """The gateway serves on; the loss is visible; writing comes back by itself."""
    clock, ticks = ManualClock(), Ticks()
    writer = open_writer(folder, clock=clock, schedule=ticks)
    real = os.write

    def full(fd, batch):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    writer.begin(make_begin(1))
    ticks.turn()
    writer.end(make_record(1))
    ticks.turn()

    assert (writer.stats.written, writer.stats.dropped) == (0, 2)
    assert writer.stats.is_failing
    assert "No space left" in writer.stats.last_error
    assert segment_paths(folder) == []  # a retry leaves no empty file behind

    monkeypatch.setattr(os, "write", real)
    clock.advance_s(0.3)
    writer.end(make_record(2))
    ticks.turn()

    assert (writer.stats.written, writer.stats.is_failing) == (1, False)
    assert JournalReader(folder.parent).find(request_id(2)) is not None
    writer.close()


def test_a_full_disk_is_logged_once_and_its_end_too(folder, monkeypatch, caplog):
    """Whoever reads the log learns of it; a busy gateway does not fill the log with it."""
    clock = ManualClock()
    writer = open_writer(folder, clock=clock)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", _no_space)
        for number in range(20):
            writer.end(make_record(number))
            writer.flush()
            clock.advance_s(0.3)

    clock.advance_s(30)
    writer.end(make_record(21))
    writer.flush()
    writer.close()

    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert "No space left on device" in told[0]
    assert told[1] == "the journal is written again; 20 entries were lost"


def _no_space(*_: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_the_pause_between_tries_doubles_up_to_a_bound(folder, monkeypatch):
    """A dead disk must not cost a system call per request."""
    clock, ticks, tries = ManualClock(), Ticks(), []

    def broken(fd, batch):
        tries.append(clock.monotonic_ns())
        raise OSError(errno.EIO, "Input/output error")

    writer = open_writer(folder, clock=clock, schedule=ticks)
    monkeypatch.setattr(os, "write", broken)
    for number in range(1000):
        clock.advance_s(0.1)
        writer.end(make_record(number))
        ticks.turn()

    gaps = [round((after - before) / 1e9, 1) for before, after in pairwise(tries)]
    assert gaps[:4] == [0.3, 0.5, 1.0, 2.0]
    assert max(gaps) == 30.0
    writer.close()


def test_a_write_cut_short_counts_the_whole_frames_in_it(folder, monkeypatch):
    """A disk that fills up takes part of a write; what it took whole is readable."""
    writer = open_writer(folder)
    writer.end(make_record(0))
    writer.flush()
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, batch: real(fd, batch[: len(batch) // 2]))
    for number in range(1, 5):
        writer.end(make_record(number))
    writer.flush()
    monkeypatch.setattr(os, "write", real)

    assert writer.stats.written + writer.stats.dropped == 5
    assert len(JournalReader(folder.parent).newest(10)) == writer.stats.written == 3
    writer.close()


def test_an_entry_that_cannot_be_encoded_does_not_take_others_along(folder):
    """A bug in one record costs one record."""
    writer = open_writer(folder)
    writer.end(make_record(1))
    writer.end(make_record(2, tags={"a": object()}))
    writer.end(make_record(3))
    writer.flush()

    assert (writer.stats.written, writer.stats.dropped) == (2, 1)
    assert writer.stats.last_error == "not encodable: TypeError"
    writer.close()


def test_content_is_kept_beside_the_record_and_cut_to_its_bound(folder):
    """Prompts and answers are apart from the record (design: Content)."""
    writer = open_writer(folder)
    long = b"x" * (MAX_CONTENT_BYTES + 1)
    writer.end(
        make_record(1),
        content=[
            make_content(1, "request", b'{"a":"\xc3\xa9"}'),
            make_content(1, "response", long),
        ],
    )
    writer.flush()

    request, response = JournalReader(folder.parent).content(request_id(1))

    assert (request.kind, request.body, request.truncated) == (
        "request",
        b'{"a":"\xc3\xa9"}',
        False,
    )
    assert (response.kind, len(response.body)) == ("response", MAX_CONTENT_BYTES)
    assert response.truncated
    writer.close()


def test_content_that_waits_is_bounded(folder, monkeypatch):
    """Bodies are large: the queue is bounded by bytes as well (invariant 10)."""
    monkeypatch.setattr("pointsman.journal.writer.MAX_QUEUED_CONTENT_BYTES", 1_000)
    writer = open_writer(folder)
    for number in range(4):
        writer.end(make_record(number), content=[make_content(number, "request", b"x" * 400)])
    writer.flush()

    assert (writer.stats.written, writer.stats.dropped) == (6, 2)
    writer.end(make_record(9), content=[make_content(9, "request", b"x" * 900)])
    writer.flush()
    assert writer.stats.written == 8
    writer.close()


def test_ends_that_wait_are_bounded_and_begins_still_enter(folder, monkeypatch):
    """A loop that is held up for long loses ends, not the trace of what was called."""
    monkeypatch.setattr("pointsman.journal.writer.MAX_QUEUED", 5)
    writer = open_writer(folder)
    for number in range(8):
        writer.end(make_record(number))
    writer.begin(make_begin(9))
    writer.flush()

    assert (writer.stats.written, writer.stats.dropped) == (6, 3)
    writer.close()
