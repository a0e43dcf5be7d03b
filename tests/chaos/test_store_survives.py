"""The embedded store under what happens to machines: kills, full disks, a second owner."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pointsman.core.clock import SystemClock
from pointsman.store.duckdb.store import DuckDbStore
from pointsman.store.query import EVERYTHING, CallFilter
from stored_records import request_id

TESTS = Path(__file__).parents[1]
ROWS = 40
"""Rows in a batch of the child."""


def start(program, folder):
    """Start a program of `store_child.py`; it can import what tests can."""
    command = [sys.executable, str(Path(__file__).with_name("store_child.py")), program, folder]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


async def everything(store):
    """Return the requests of all rows, walked by the order they arrived in."""
    found, position = [], 0
    while rows := await store.since(position, EVERYTHING, limit=500):
        found += [row.request_id for row in rows]
        position = rows[-1].position
    return found


@pytest.mark.parametrize("acknowledged", [1, 7, 25])
async def test_a_kill_under_load_loses_nothing_that_was_acknowledged(tmp_path, acknowledged):
    """Each acknowledged row is there exactly once; at most one batch more than that."""
    with start("keep", tmp_path) as child:
        for _ in range(acknowledged):
            last = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        # What it still managed to print counts as acknowledged too.
        last = max([last, *(int(line) for line in child.stdout)])
    (tmp_path / "ingest" / "calls.ndjson").write_bytes(b'{"position":1,"request_id":"re')

    store = await DuckDbStore.open(tmp_path, SystemClock())
    try:
        found = await everything(store)
        stats = await store.stats()
        content = await store.content(request_id(last * ROWS), EVERYTHING)
    finally:
        await store.close()

    expected = [request_id(number) for number in range((last + 1) * ROWS)]
    unanswered = [request_id(len(expected) + number) for number in range(ROWS)]
    assert found in (expected, expected + unanswered)
    assert stats.rows["attempts"] == stats.rows["contents"] == len(found)
    assert stats.rows["batches"] == len(found) // ROWS
    assert stats.rows["spans"] in (len(expected), len(expected) + ROWS)
    assert content.prompt == f"question {last * ROWS}"
    assert list((tmp_path / "ingest").iterdir()) == []


async def test_a_full_disk_refuses_writes_answers_questions_and_takes_up_again(tmp_path):
    """What was acknowledged stays; what was refused can be sent again once there is room."""
    with start("fill", tmp_path) as child:
        answers, counts = child.communicate(timeout=25)[0].splitlines()

    refused_as_full, again_as_full, readable = answers.split()
    kept, rows = map(int, counts.split())
    assert (refused_as_full, again_as_full, readable) == ("True", "True", "True")
    assert rows == (kept + 1) * ROWS
    store = await DuckDbStore.open(tmp_path, SystemClock())
    try:
        assert len(set(await everything(store))) == rows
        page = await store.requests(CallFilter(), EVERYTHING, limit=1)
        assert page.rows[0].request_id == request_id(rows - 1)
    finally:
        await store.close()


async def test_a_second_process_gets_a_clear_error(tmp_path):
    """One owner: the data folder of a running collector cannot be opened beside it."""
    store = await DuckDbStore.open(tmp_path, SystemClock())
    try:
        with start("open", tmp_path) as child:
            said = child.communicate(timeout=25)[0]
    finally:
        await store.close()

    assert said.startswith("StoreLockedError another process has the store open")
    with start("open", tmp_path) as child:
        assert child.communicate(timeout=25)[0] == "opened\n"
