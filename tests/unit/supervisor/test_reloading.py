"""One configuration for all roles, or the old one for all."""

import pytest

from fake_roles import FIRST, SECOND, settle
from pointsman.core.errors import ConfigError, Problem
from pointsman.supervisor.messages import Begin, Commit, Discard, Prepare


async def test_all_take_it_over_once_all_are_ready(family):
    """Two phases: nobody commits before everybody has prepared."""
    await family.start()
    await family.reload()

    assert family.configs() == [SECOND.version] * 2
    assert family.supervisor.edition == SECOND
    assert f"configuration {SECOND.version} is live" in family.terminal.text


@pytest.mark.parametrize("failing", ["gateway", "collector"])
async def test_one_that_refuses_keeps_all_on_the_old_one(family, failing: str):
    """Whichever it is; the terminal says who and why."""
    getattr(family, failing).refuses = "the ca_file is gone"
    await family.start()
    await family.reload()

    assert family.configs() == [FIRST.version] * 2
    assert family.supervisor.edition == FIRST
    for role in (family.gateway, family.collector):
        assert role.life.orders[-1] == Discard(SECOND.version)
        assert Commit(SECOND.version) not in role.life.orders
    assert f"the old one stays ({FIRST.version})" in family.terminal.text
    assert f"the {failing}: the ca_file is gone" in family.terminal.text


async def test_one_that_ends_while_it_prepares_keeps_all_on_the_old_one(family):
    """The configuration may have been what killed it."""
    family.collector.answers = False
    await family.start()
    await family.reload()
    family.collector.life.end(-6)
    await settle()

    assert family.gateway.life.config == FIRST.version
    assert "the collector: it ended" in family.terminal.text
    await family.wake()
    assert family.configs() == [FIRST.version] * 2


async def test_one_that_ends_after_all_were_ready_starts_with_the_new_one(family):
    """From then on the new one is in force, whoever has confirmed it."""
    family.collector.commits = False
    await family.start()
    await family.reload()
    assert family.gateway.life.config == SECOND.version
    family.collector.life.end(-6)
    await settle()
    await family.wake()

    assert family.collector.life.orders[0] == Begin(SECOND)
    assert family.configs() == [SECOND.version] * 2


async def test_a_file_that_cannot_be_used_reaches_nobody(family):
    """The supervisor checks first."""
    family.found = ConfigError([Problem("no such provider", line=3)])
    await family.start()
    await family.reload()

    assert family.configs() == [FIRST.version] * 2
    assert not any(isinstance(order, Prepare) for order in family.gateway.life.orders)
    assert "no such provider" in family.terminal.text


async def test_a_role_that_is_away_does_not_hold_the_others_back(family):
    """It begins with what is in force when it comes back."""
    await family.start()
    family.collector.life.end(1)
    await settle()
    await family.reload()
    assert family.gateway.life.config == SECOND.version

    await family.wake()
    assert family.configs() == [SECOND.version] * 2


async def test_a_role_that_was_starting_during_a_reload_is_started_again(family):
    """It had been sent the old one; no two configurations in one instance."""
    family.collector.starts = False
    await family.start()
    await family.reload()
    first = family.collector.life
    family.collector.starts = True

    first.send(Begin(FIRST))
    await settle()

    assert first.has_ended
    assert family.configs() == [SECOND.version] * 2
    assert family.pauses.asked == []


async def test_reloads_come_one_after_the_other(family):
    """A second wish during the first is kept, not mixed in."""
    family.collector.answers = False
    await family.start()
    await family.reload()
    await family.reload()
    assert family.collector.life.orders.count(Prepare(SECOND)) == 1

    family.collector.life.end(1)
    await settle()

    assert family.gateway.life.orders.count(Prepare(SECOND)) == 2
    assert family.gateway.life.config == SECOND.version
