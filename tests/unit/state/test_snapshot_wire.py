"""The snapshot as JSON."""

import subprocess
import sys

import msgspec
import pytest

from pointsman.state.errors import SnapshotError
from pointsman.state.snapshot import Snapshot, SnapshotKey, decode_snapshot, encode_snapshot

WHOLE = Snapshot(
    state_id="s",
    version=2,
    made_unix_ns=5,
    keys_required=True,
    keys=(SnapshotKey(id="key_1", name="ci", sha256="ab" * 32, expires_unix_ns=2**62),),
)


def test_a_snapshot_survives_the_wire():
    """Times are integers of nanoseconds, also beyond what a float holds."""
    assert decode_snapshot(encode_snapshot(WHOLE)) == WHOLE


def test_fields_of_a_later_release_of_the_same_schema_are_passed_over():
    """Gateways and collectors are not restarted in one moment."""
    body = msgspec.json.decode(encode_snapshot(WHOLE))
    body["limits"] = [{"scope": "tenant"}]

    assert decode_snapshot(msgspec.json.encode(body)) == WHOLE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b"\xff",
        b'{"state_id":"s","version":1,"made_unix_ns":1,"keys_required":true,"keys":[{}]}',
        encode_snapshot(WHOLE)[:-1],
        encode_snapshot(WHOLE).replace(b"ab" * 32, b"secret"),
    ],
)
def test_anything_else_is_refused_without_repeating_it(body):
    """It may hold anything."""
    with pytest.raises(SnapshotError) as raised:
        decode_snapshot(body)

    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_newer_schema_is_refused():
    """A field with a new meaning would be misread; the old keys stay in force."""
    newer = msgspec.structs.replace(WHOLE, schema=2)

    with pytest.raises(SnapshotError, match="schema 2"):
        decode_snapshot(encode_snapshot(newer))


def test_gateways_and_commands_load_no_sql():
    """Memory and start-up time of the gateway: the SQL toolkit is the collector's."""
    modules = ("policy.snapshot_follower", "state.snapshot", "state.key_messages", "cli.keys")
    script = "import sys\n" + "".join(f"import pointsman.{one}\n" for one in modules)
    script += "assert not {'sqlalchemy', 'alembic', 'aiosqlite'} & set(sys.modules)"

    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stderr
