"""A gateway follows the collector over a real socket, and goes on without it."""

import asyncio
import contextlib
import logging
import time

import msgspec
import pytest

from pointsman.core.clock import SystemClock
from pointsman.core.errors import AuthenticationError
from pointsman.policy.authenticate import Authenticator
from pointsman.policy.snapshot import KeyDirectory
from pointsman.policy.snapshot_file import load_snapshot, save_snapshot
from pointsman.policy.snapshot_follower import (
    LONGEST_PAUSE_S,
    FollowerSettings,
    SnapshotFollower,
    restore_keys,
)
from pointsman.state.database import StateDatabase, state_url
from pointsman.state.key_messages import IssueKey
from stand_in_collector import INGEST, StandInCollector


@pytest.fixture
async def collector(tmp_path):
    database = await StateDatabase.open(state_url(tmp_path), SystemClock())
    stand_in = StandInCollector(database)
    await stand_in.start()
    yield stand_in
    await stand_in.stop()
    await database.close()


class Gateway:
    """What a gateway worker has: a directory, a follower, a file."""

    def __init__(self, collector, tmp_path, **settings):
        settings = {"token": INGEST, "saved": tmp_path / "snapshot.json", "wait_s": 5} | settings
        clock = SystemClock()
        self.directory = KeyDirectory(clock, Authenticator({}))
        restore_keys(self.directory, settings["saved"])
        self.pauses = []
        self.follower = SnapshotFollower(
            self.directory,
            FollowerSettings(collector_url=collector.url, **settings),
            clock,
            pause=self._pause,
        )

    async def _pause(self, seconds):
        self.pauses.append(seconds)
        await asyncio.sleep(0.001)

    def accepts(self, secret) -> bool:
        try:
            self.directory.authenticate(f"Bearer {secret}")
        except AuthenticationError:
            return False
        return True

    async def until(self, holds):
        async with asyncio.timeout(10):
            while not holds():
                await asyncio.sleep(0.001)

    @contextlib.asynccontextmanager
    async def following(self):
        task = asyncio.ensure_future(self.follower.run())
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await self.follower.close()


async def test_an_issued_key_works_and_a_revoked_one_is_refused_at_once(collector, tmp_path):
    """PO-03: revoked at once; far within the second that the design gives it."""
    async with Gateway(collector, tmp_path).following() as gateway:
        issued = await collector.keys.issue(IssueKey(name="ci"), actor="admin")
        await gateway.until(lambda: gateway.accepts(issued.secret) and gateway.directory.has_keys)

        revoked_at = time.perf_counter()
        await collector.keys.revoke("ci", actor="admin")
        await gateway.until(lambda: not gateway.accepts(issued.secret))
        took_s = time.perf_counter() - revoked_at

    assert took_s < 1
    assert gateway.directory.has_keys
    assert gateway.follower.stats.failures == 0


async def test_a_gateway_starts_with_the_collector_dead(collector, tmp_path, caplog):
    """The saved snapshot serves, and its age tells how old the truth is."""
    issued = await collector.keys.issue(IssueKey(name="ci"), actor="admin")
    async with Gateway(collector, tmp_path).following() as gateway:
        await gateway.until((tmp_path / "snapshot.json").exists)
    await collector.stop()

    async with Gateway(collector, tmp_path).following() as gateway:
        assert gateway.accepts(issued.secret)
        assert not gateway.accepts("pm_other")
        await gateway.until(lambda: len(gateway.pauses) >= 8)
        assert gateway.accepts(issued.secret)
        assert gateway.directory.age_ms >= 0
        assert not gateway.follower.stats.is_current

    assert gateway.pauses[:7] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, LONGEST_PAUSE_S]
    assert len(caplog.records) == 1
    assert "stay in force" in caplog.text


async def test_a_collector_that_comes_back_is_followed_again(collector, tmp_path, caplog):
    """What changed meanwhile arrives with the first poll; the recovery is told."""
    caplog.set_level(logging.INFO, "pointsman.snapshot")
    issued = await collector.keys.issue(IssueKey(name="ci"), actor="admin")
    async with Gateway(collector, tmp_path).following() as gateway:
        await gateway.until(lambda: gateway.accepts(issued.secret))
        await collector.stop()
        await gateway.until(lambda: gateway.follower.stats.failures > 1)
        assert gateway.accepts(issued.secret)

        await collector.keys.revoke("ci", actor="admin")
        await collector.start()
        await gateway.until(lambda: not gateway.accepts(issued.secret))
        await gateway.until(lambda: gateway.follower.stats.is_current)

    assert gateway.follower.stats.last_error is None
    assert "sends keys again" in caplog.text


async def test_a_wrong_token_is_told_once_and_slowed_down(collector, tmp_path, caplog):
    """Neither the log nor the collector is flooded, and the token is in neither."""
    async with Gateway(collector, tmp_path, token="planted-token").following() as gateway:
        await gateway.until(lambda: len(gateway.pauses) >= 8)

    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "ingest token" in caplog.text
    assert "planted-token" not in caplog.text
    assert "planted-token" not in repr(gateway.follower._settings)
    assert gateway.pauses[6] == LONGEST_PAUSE_S
    assert not gateway.directory.has_keys


async def test_a_damaged_file_is_replaced_by_the_first_answer(collector, tmp_path, caplog):
    """Closed until then, and whole afterwards."""
    issued = await collector.keys.issue(IssueKey(name="ci"), actor="admin")
    saved = tmp_path / "snapshot.json"
    saved.write_bytes(b"damaged")
    gateway = Gateway(collector, tmp_path)
    assert gateway.directory.has_keys
    assert not gateway.accepts(issued.secret)

    async with gateway.following():
        await gateway.until(lambda: gateway.accepts(issued.secret))
        await gateway.until(lambda: saved.read_bytes() != b"damaged")

    assert load_snapshot(saved).keys[0].name == "ci"
    assert "is ignored" in caplog.text


async def test_a_poll_says_what_is_known(collector, tmp_path):
    """Version and database, and how long the collector may wait."""
    async with Gateway(collector, tmp_path).following() as gateway:
        await gateway.until(lambda: len(collector.polls) == 2)
        state_id = gateway.directory.snapshot.state_id

    assert collector.polls == ["after=0&wait_s=5", f"after=1&state={state_id}&wait_s=5"]


async def test_nothing_newer_confirms_what_is_known(collector, tmp_path):
    """The age starts again with each answer, and the next poll follows without a pause."""
    made_long_ago = msgspec.structs.replace(
        await collector.source.wait_for_newer(0, 1), made_unix_ns=0
    )
    save_snapshot(tmp_path / "snapshot.json", made_long_ago)
    async with Gateway(collector, tmp_path, wait_s=0.2).following() as gateway:
        assert gateway.directory.age_ms > 10**9
        await gateway.until(lambda: gateway.follower.stats.polls >= 3)
        assert gateway.directory.age_ms < 5_000

    assert gateway.pauses == []


async def test_a_collector_that_does_not_wait_is_not_asked_in_a_circle(collector, tmp_path):
    """As one that stops: it answers everybody at once."""
    collector.source.close()
    async with Gateway(collector, tmp_path).following() as gateway:
        await gateway.until(lambda: len(gateway.pauses) >= 3)

    assert gateway.pauses[:3] == [0.1, 0.2, 0.4]
    assert gateway.follower.stats.failures == 0


async def test_keys_are_in_force_though_they_cannot_be_saved(collector, tmp_path, caplog):
    """A full disk costs the next start its keys, not this one."""
    issued = await collector.keys.issue(IssueKey(name="ci"), actor="admin")
    nowhere = tmp_path / "missing" / "snapshot.json"

    async with Gateway(collector, tmp_path, saved=nowhere).following() as gateway:
        await gateway.until(lambda: gateway.follower.stats.unsaved == 1)
        assert gateway.accepts(issued.secret)

    assert "cannot be saved" in caplog.text


async def test_no_secret_reaches_the_saved_file_or_the_log(collector, tmp_path, caplog):
    """Invariant 13: a planted key is searched for in everything that was written."""
    caplog.set_level(logging.DEBUG)
    async with Gateway(collector, tmp_path).following() as gateway:
        issued = await collector.keys.issue(IssueKey(name="ci"), actor="admin")
        await gateway.until(lambda: gateway.accepts(issued.secret))
        await gateway.until((tmp_path / "snapshot.json").exists)
    await collector.stop()

    written = [one.read_bytes() for one in tmp_path.iterdir()]
    assert any(issued.key.id.encode() in one for one in written)
    assert not any(issued.secret.encode() in one for one in written)
    assert issued.secret not in caplog.text
    assert INGEST not in caplog.text
