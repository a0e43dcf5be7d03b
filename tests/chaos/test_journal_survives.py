"""Real processes, really killed, and a file system that really refuses."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from journal_entries import make_begin, make_record, open_writer, request_id
from pointsman.core.clock import ManualClock, SystemClock
from pointsman.journal.lock import is_alive
from pointsman.journal.reader import JournalReader
from pointsman.journal.recovery import recover

TESTS = Path(__file__).parents[1]

WRITE_FOREVER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from journal_entries import make_begin, make_record, open_writer

writer = open_writer(Path(sys.argv[1]), segment_bytes=20_000)
number = 0
while True:
    writer.begin(make_begin(number))
    if number % 7:
        writer.end(make_record(number))
    writer.flush()
    assert writer.stats.dropped == 0
    print(number, flush=True)
    number += 1
"""

WRITE_UNTIL_FULL = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from journal_entries import Ticks, make_record, open_writer
from pointsman.core.clock import ManualClock

resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
clock = ManualClock()
writer = open_writer(Path(sys.argv[1]), clock=clock)
for number in range(100):
    writer.end(make_record(number))
    writer.flush()
    clock.advance_s(40)
writer.close()
print(writer.stats.written, writer.stats.dropped)
"""


def start(script: str, folder: Path) -> subprocess.Popen:
    command = [sys.executable, "-c", script, str(folder), str(TESTS)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("lines_before_kill", [1, 60, 300])
def test_a_killed_writer_leaves_everything_it_acknowledged(tmp_path, lines_before_kill):
    """What was flushed before `kill -9` is read; what was open becomes crashed, once."""
    folder = tmp_path / "journal" / "0"
    with start(WRITE_FOREVER, folder) as child:
        try:
            acknowledged = [int(child.stdout.readline()) for _ in range(lines_before_kill)]
            assert is_alive(folder)
        finally:
            os.kill(child.pid, signal.SIGKILL)
        acknowledged += [int(line) for line in child.stdout if line.endswith("\n")]
    assert not is_alive(folder)

    recovery = recover(folder.parent, SystemClock())
    records = {record.request_id: record for record in JournalReader(folder.parent).newest(10**6)}

    for number in acknowledged:
        outcome = "success" if number % 7 else "gateway_crashed"
        assert records[request_id(number)].outcome == outcome
    assert len(records) - len(acknowledged) in (0, 1)  # the one in flight at the kill
    assert {record.request_id for record in recovery.crashed} == {
        name for name, record in records.items() if record.outcome == "gateway_crashed"
    }
    assert recover(folder.parent, SystemClock()).crashed == []


def test_a_worker_that_starts_again_goes_on_in_its_folder(tmp_path):
    """The lock of a killed process does not keep its successor out."""
    folder = tmp_path / "journal" / "0"
    with start(WRITE_FOREVER, folder) as child:
        child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)

    recover(folder.parent, SystemClock())
    writer = open_writer(folder)
    writer.begin(make_begin(10**6))
    writer.end(make_record(10**6))
    writer.close()

    assert JournalReader(folder.parent).find(request_id(10**6)) is not None


def test_a_file_size_limit_drops_and_counts_and_never_ends_the_process(tmp_path):
    """The kernel refuses real writes: the journal goes on in new segments and counts."""
    folder = tmp_path / "journal" / "0"
    with start(WRITE_UNTIL_FULL, folder) as child:
        written, dropped = map(int, child.stdout.read().split())
    reader = JournalReader(folder.parent)

    assert child.returncode == 0
    assert dropped > 0
    assert written + dropped == 100
    assert len(reader.newest(1_000)) == written
    assert reader.losses.gaps == 0


def test_a_journal_cut_at_every_byte_recovers(tmp_path):
    """Whatever a kill left of the last write: every whole begin or end counts, none twice."""
    source = open_writer(tmp_path / "source" / "0")
    source.begin(make_begin(1))
    source.begin(make_begin(2))
    source.end(make_record(1))
    source.close()
    segment = (tmp_path / "source" / "0" / "0000000001.journal").read_bytes()
    folder = tmp_path / "journal" / "0"
    folder.mkdir(parents=True)

    for cut in range(0, len(segment) + 1, 7):
        for path in folder.iterdir():
            path.unlink()
        (folder / "0000000001.journal").write_bytes(segment[:cut])
        recovery = recover(folder.parent, ManualClock())
        crashed = {record.request_id for record in recovery.crashed}
        ended = {record.request_id for record in JournalReader(folder.parent).newest(9)}
        assert crashed <= ended <= {request_id(1), request_id(2)}
        assert (request_id(2) in crashed) == (len(ended) == 2)
