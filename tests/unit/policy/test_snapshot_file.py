"""The last snapshot on disk."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pointsman.core.clock import ManualClock
from pointsman.policy.authenticate import Authenticator
from pointsman.policy.snapshot import KeyDirectory
from pointsman.policy.snapshot_file import load_snapshot, save_snapshot
from pointsman.policy.snapshot_follower import restore_keys
from pointsman.state.errors import SnapshotError
from pointsman.state.snapshot import Snapshot, SnapshotKey

SAVED = Snapshot(
    state_id="s",
    version=3,
    made_unix_ns=1,
    keys_required=True,
    keys=(SnapshotKey(id="key_1", name="ci", sha256="0" * 64, models=("gpt-*",)),),
)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "snapshot.json"


def test_what_is_saved_is_loaded(path):
    """Private to its owner, and nothing else is left in the folder."""
    save_snapshot(path, SAVED)

    assert load_snapshot(path) == SAVED
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["snapshot.json"]


def test_nothing_saved_is_nothing(path):
    """A first start."""
    assert load_snapshot(path) is None


def test_a_part_left_by_a_crash_is_in_nobodys_way(path):
    """Whatever its mode."""
    part = path.with_name(f".snapshot.json.{os.getpid()}.part")
    part.write_bytes(b"half")
    part.chmod(0o644)

    save_snapshot(path, SAVED)

    assert load_snapshot(path) == SAVED
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not part.exists()


def test_a_save_that_fails_leaves_the_old_one(path, monkeypatch):
    """As on a full disk."""
    save_snapshot(path, SAVED)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_snapshot(path, Snapshot(state_id="s", version=4, made_unix_ns=1, keys_required=True))
    assert load_snapshot(path) == SAVED
    assert [one.name for one in path.parent.iterdir()] == ["snapshot.json"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0), change=st.integers(1, 255), cut=st.booleans())
def test_a_damaged_file_is_never_taken_for_keys(path, position, change, cut):
    """Any byte changed, or the end missing."""
    save_snapshot(path, SAVED)
    content = bytearray(path.read_bytes())
    position %= len(content)
    if cut:
        del content[position:]
    else:
        content[position] ^= change
    path.write_bytes(content)

    with pytest.raises(SnapshotError):
        load_snapshot(path)


def test_a_damaged_file_is_said_so_and_keeps_the_gateway_closed(path, caplog):
    """It may have held keys; the log names the file."""
    path.write_bytes(b"\x00" * 100)
    directory = KeyDirectory(ManualClock(), Authenticator({}))

    restore_keys(directory, path)

    assert directory.has_keys
    assert directory.snapshot is None
    assert f"{path} is damaged" in caplog.text


def test_a_file_that_cannot_be_read_is_said_so(path):
    """A folder of that name, or no permission."""
    path.mkdir()

    with pytest.raises(SnapshotError, match="cannot be read"):
        load_snapshot(path)


def test_a_start_takes_up_the_saved_keys(path):
    """And without a file, the gateway is as the configuration says."""
    directory = KeyDirectory(ManualClock(), Authenticator({}))

    restore_keys(directory, path)
    assert not directory.has_keys
    save_snapshot(path, SAVED)
    restore_keys(directory, path)

    assert directory.snapshot == SAVED
    assert directory.has_keys
