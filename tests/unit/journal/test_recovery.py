"""What a killed worker left open becomes a record, once."""

import pytest

from journal_entries import make_begin, make_record, open_writer, request_id
from pointsman.core.clock import ManualClock
from pointsman.core.records import Cost
from pointsman.journal.reader import JournalReader
from pointsman.journal.recovery import CRASHED, recover
from pointsman.journal.segments import segment_paths
from pointsman.journal.writer import JournalWriter


@pytest.fixture
def root(tmp_path):
    return tmp_path / "journal"


def leave(root, worker: str, *, begun=(), ended=()) -> None:
    """Write as a worker that is then gone."""
    writer = open_writer(root / worker, segment_bytes=3_000)
    for entry in begun:
        writer.begin(entry)
    for record in ended:
        writer.end(record)
    writer.close()


def test_a_begin_without_an_end_becomes_a_crashed_record_charged_at_its_hold(root):
    """Invariants 8 and 11 survive a crash."""
    leave(root, "0", begun=[make_begin(1), make_begin(2, stream=True)], ended=[make_record(1)])

    recovery = recover(root, ManualClock())

    (record,) = recovery.crashed
    assert JournalReader(root).find(request_id(2)) == record
    assert (record.outcome, record.status, record.error.code) == (CRASHED, None, CRASHED)
    assert (record.tenant, record.key, record.worker) == ("acme", "ci", "0")
    assert record.cost == Cost(total_nano_usd=5_000, estimated=True)
    (attempt,) = record.attempts
    assert (attempt.target, attempt.model) == ("small", "gpt-4o-mini")
    assert attempt.reservation.settled_nano_usd == attempt.reservation.held_nano_usd == 5_000
    assert attempt.cost.estimated
    assert record.stream_requested
    assert record.duration_ns is None


def test_recovering_again_finds_nothing(root):
    """Exactly once, however often a worker starts."""
    leave(root, "0", begun=[make_begin(1)])
    first = recover(root, ManualClock())
    second = recover(root, ManualClock())

    assert (len(first.crashed), second.crashed) == (1, [])
    assert first.spend_today_nano_usd == second.spend_today_nano_usd
    assert len(JournalReader(root).newest(10)) == 1


def test_a_recovery_killed_half_way_is_finished_by_the_next(root, monkeypatch):
    """Each crashed record is there once, whenever the kill came."""
    leave(root, "0", begun=[make_begin(number) for number in range(5)])
    real, ended = JournalWriter.end, []

    def dies_at_the_third(writer, record, content=()):
        if len(ended) == 3:
            raise KeyboardInterrupt
        ended.append(record)
        real(writer, record, content)

    monkeypatch.setattr(JournalWriter, "end", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        recover(root, ManualClock())
    monkeypatch.setattr(JournalWriter, "end", real)

    recovery = recover(root, ManualClock())

    assert len(recovery.crashed) == 2
    found = [record.request_id for record in JournalReader(root).newest(10)]
    assert sorted(found) == [request_id(number) for number in range(5)]
    assert recovery.spend_today_nano_usd == {"key:ci": 25_000, "tenant:acme": 25_000}


def test_attempts_of_one_request_are_one_record(root):
    """The attempt that was open is charged; those before it had failed and were given back."""
    begun = [
        make_begin(1, reservation_id="a", reservation_nano_usd=100),
        make_begin(1, attempt=1, kind="failover", why="timeout", target="sonnet",
                   reservation_id="b", reservation_nano_usd=300, attempt_start_ns=90),
    ]  # fmt: skip
    leave(root, "0", begun=begun)

    (record,) = recover(root, ManualClock()).crashed

    first, last = record.attempts
    assert (first.kind, first.failure_class, first.cost) == ("first", "timeout", None)
    assert (first.reservation.held_nano_usd, first.reservation.settled_nano_usd) == (100, 0)
    assert (last.kind, last.why, last.start_ns) == ("failover", "timeout", 90)
    assert last.reservation.settled_nano_usd == record.cost.total_nano_usd == 300


def test_a_request_that_held_nothing_costs_an_unknown_amount(root):
    """A target without a price holds nothing; unknown is not zero."""
    leave(root, "0", begun=[make_begin(1, reservation_id="", reservation_nano_usd=None)])

    (record,) = recover(root, ManualClock()).crashed

    assert record.attempts[0].reservation is None
    assert record.cost == Cost(total_nano_usd=None, estimated=True)


def test_a_live_worker_is_left_alone(root):
    """Its requests are under way, not crashed; its spending counts."""
    writer = open_writer(root / "0")
    writer.begin(make_begin(1))
    writer.begin(make_begin(2))
    writer.end(make_record(2))
    writer.flush()

    recovery = recover(root, ManualClock())

    assert recovery.crashed == []
    assert recovery.spend_today_nano_usd == {"key:ci": 1_000, "tenant:acme": 1_000}
    writer.close()


def test_spending_is_that_of_today_by_key_and_tenant(root):
    """The ledger starts from what was really spent (UTC day)."""
    ended = [
        make_record(1),
        make_record(2, tenant=None, cost=Cost(total_nano_usd=50)),
        make_record(3, key="batch"),
        make_record(4, cost=Cost()),
        make_record(5, cost=None),
        make_record(6, started_unix_ns=ManualClock().unix_ns() - 86_400_000_000_000),
    ]
    leave(root, "0", ended=ended)

    recovery = recover(root, ManualClock())

    assert recovery.spend_today_nano_usd == {
        "key:ci": 1_050,
        "key:batch": 1_000,
        "tenant:acme": 2_000,
    }
    assert recovery.unpriced_today == 1


def test_what_was_paired_once_is_not_read_again(root):
    """A start must not take longer with every day of journal; losing the note costs only time."""
    clock = ManualClock(4_000_000_000_000_000_000)  # a day after any file's own time
    leave(root, "0", begun=[make_begin(1)], ended=[make_record(n) for n in range(2, 30)])
    recover(root, clock)
    paths = segment_paths(root / "0")
    paths[0].write_bytes(b"not read any more")
    leave(root, "0", begun=[make_begin(40)])

    recovery = recover(root, clock)

    assert [record.request_id for record in recovery.crashed] == [request_id(40)]
    (root / "0" / "paired").write_bytes(b"\xff nonsense")
    assert recover(root, clock).crashed == []


def test_a_folder_emptied_by_hand_is_read_from_its_start(root):
    """The note of what was paired must not hide segments that begin at one again."""
    clock = ManualClock(4_000_000_000_000_000_000)
    for number in range(3):
        leave(root, "0", begun=[make_begin(number)])
        recover(root, clock)
    for path in segment_paths(root / "0"):
        path.unlink()
    leave(root, "0", begun=[make_begin(9)])

    assert [record.request_id for record in recover(root, clock).crashed] == [request_id(9)]


def test_a_full_disk_leaves_recovery_for_the_next_start(root, monkeypatch):
    """The gateway starts all the same, and charges what it knows of."""
    clock = ManualClock(4_000_000_000_000_000_000)  # a day after any file's own time
    leave(root, "0", begun=[make_begin(1, started_unix_ns=clock.unix_ns())])

    def full(fd, batch):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.write", full)
        recovery = recover(root, clock)
    assert (len(recovery.crashed), recovery.unwritten) == (1, 1)
    assert recovery.spend_today_nano_usd == {"key:ci": 5_000, "tenant:acme": 5_000}

    assert len(recover(root, clock).crashed) == 1
    assert recover(root, clock).crashed == []


def test_a_journal_that_does_not_exist_needs_no_recovery(root):
    """The first start."""
    assert recover(root, ManualClock()).crashed == []


def test_an_end_of_a_newer_release_still_ends_its_begin(root):
    """A downgrade must not turn served requests into crashes."""
    leave(root, "0", begun=[make_begin(1)], ended=[make_record(1, schema=99)])

    assert recover(root, ManualClock()).crashed == []
