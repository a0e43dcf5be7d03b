"""What gateways are told of the state, and how soon."""

import asyncio
import time

import pytest

from pointsman.state.database import StateDatabase
from pointsman.state.errors import NameTakenError
from pointsman.state.key_messages import IssueKey
from pointsman.state.keys import KeyStore
from pointsman.state.snapshot import encode_snapshot
from pointsman.state.snapshot_reader import REMEMBERED_NS, snapshot_source
from pointsman.state.tenant_messages import ChangeTenant
from pointsman.state.tenants import TenantStore


@pytest.fixture
def source(database):
    return snapshot_source(database)


async def waiting(source, number):
    """Return once as many as that wait for a change."""
    async with asyncio.timeout(5):
        while len(source._changed._waiters) < number:
            await asyncio.sleep(0)


async def test_whoever_has_nothing_is_answered_at_once(source):
    """An empty state is an answer too: no key was ever issued."""
    snapshot = await source.wait_for_newer(0, 30)

    assert (snapshot.version, snapshot.keys, snapshot.keys_required) == (1, (), False)


async def test_a_change_wakes_every_waiter_within_milliseconds(source, keys):
    """Several gateways wait; each has the revocation before the next request."""
    await keys.issue(IssueKey(name="ci"), actor="admin")
    known = await source.wait_for_newer(0, 30)
    waiters = [asyncio.ensure_future(source.wait_for_newer(known.version, 30)) for _ in range(50)]
    await waiting(source, 50)

    await keys.revoke("ci", actor="admin")
    committed = time.perf_counter()
    snapshots = await asyncio.gather(*waiters)

    assert time.perf_counter() - committed < 0.5
    assert {one.version for one in snapshots} == {known.version + 1}
    assert snapshots[0].keys[0].revoked_unix_ns is not None


async def test_nothing_newer_within_the_wait_is_none(source):
    """The wait ends when it was said to."""
    started = time.perf_counter()

    assert await source.wait_for_newer(1, 0.05) is None
    for no_wait in (0, -1, float("nan")):
        assert await source.wait_for_newer(1, no_wait) is None
    assert 0.05 <= time.perf_counter() - started < 2


async def test_a_failed_change_does_not_end_a_wait(source, keys):
    """A waiter that is woken for nothing goes on waiting."""
    await keys.issue(IssueKey(name="ci"), actor="admin")
    waiter = asyncio.ensure_future(source.wait_for_newer(2, 30))
    await waiting(source, 1)

    with pytest.raises(NameTakenError):
        await keys.issue(IssueKey(name="ci"), actor="admin")
    await waiting(source, 1)

    assert not waiter.done()
    await keys.revoke("ci", actor="admin")
    assert (await waiter).version == 3


async def test_a_waiter_that_leaves_takes_nobody_with_it(source, keys):
    """A gateway that dies in its poll."""
    gone, stays = (asyncio.ensure_future(source.wait_for_newer(1, 30)) for _ in range(2))
    await waiting(source, 2)
    gone.cancel()

    await keys.issue(IssueKey(name="ci"), actor="admin")

    assert (await stays).version == 2
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_closing_answers_everybody(source):
    """So that the collector can stop without waiting half a minute."""
    waiter = asyncio.ensure_future(source.wait_for_newer(1, 30))
    await waiting(source, 1)

    source.close()

    assert source.is_closed
    assert await waiter is None
    assert await source.wait_for_newer(1, 30) is None


async def test_a_database_set_back_is_followed_back(source, keys):
    """A restored backup has a lower version, another database another id."""
    await keys.issue(IssueKey(name="ci"), actor="admin")

    assert (await source.wait_for_newer(9, 30)).version == 2
    assert (await source.wait_for_newer(2, 30, state_id="another")).version == 2


async def test_keys_stay_required_when_the_last_is_revoked(source, keys, clock):
    """Revoking must not open the gateway, not even after the key is forgotten."""
    await keys.issue(IssueKey(name="ci"), actor="admin")
    await keys.revoke("ci", actor="admin")
    clock.advance_s(REMEMBERED_NS / 1e9 + 1)
    await keys.issue(IssueKey(name="other", expires_in_s=1), actor="admin")

    snapshot = await source.wait_for_newer(0, 30)

    assert [key.name for key in snapshot.keys] == ["other"]
    assert snapshot.keys_required


async def test_a_snapshot_holds_hashes_and_tenants_but_no_secret(source, keys, database):
    """What gateways need to tell who calls."""
    issued = await keys.issue(IssueKey(name="ci", tenant="acme", scopes=("call",)), actor="admin")
    await TenantStore(database).change("acme", ChangeTenant(plan="pro"), actor="admin")

    snapshot = await source.wait_for_newer(0, 30)

    assert [(one.id, one.plan) for one in snapshot.tenants] == [("acme", "pro")]
    assert snapshot.keys[0].tenant == "acme"
    assert issued.secret.encode() not in encode_snapshot(snapshot)


async def test_a_change_by_another_process_is_found_at_the_end_of_a_wait(address, clock):
    """Two collectors may share a PostgreSQL; neither hears of the other's commits."""
    ours, theirs = [await StateDatabase.open(address, clock) for _ in range(2)]
    source = snapshot_source(ours)
    waiter = asyncio.ensure_future(source.wait_for_newer(1, 0.3))
    await waiting(source, 1)

    await KeyStore(theirs).issue(IssueKey(name="ci"), actor="admin")

    assert (await waiter).version == 2
    await ours.close()
    await theirs.close()
