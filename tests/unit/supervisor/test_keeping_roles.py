"""Roles that end are started again, slower each time; the others are told."""

import errno

from fake_roles import FIRST, settle
from pointsman.supervisor.messages import Begin, Link, News


async def test_every_role_begins_with_the_configuration_in_force(family):
    """And the instance is announced once all are up."""
    await family.start()

    assert family.gateway.life.orders[0] == Begin(FIRST)
    assert family.collector.life.orders[0] == Begin(FIRST)
    assert family.terminal.states == {"gateway": "up", "collector": "up"}


async def test_a_role_that_ends_is_started_again_after_a_pause(family):
    """A new life, and the first one is not touched again."""
    await family.start()
    family.collector.life.end(-11)
    await settle()

    assert len(family.collector.lives) == 1
    assert family.pauses.asked == [1.0]
    assert "the collector ended (signal 11); it is started again in 1 s" in family.terminal.text

    await family.wake()
    assert len(family.collector.lives) == 2
    assert "the collector is up again (process 1001)" in family.terminal.text


async def test_pauses_grow_while_it_keeps_ending_and_it_counts_as_down(family):
    """The third end in a row is a crash loop; it is tried all the same."""
    await family.start()
    for _ in range(4):
        family.collector.life.end(1)
        await settle()
        await family.wake()

    assert family.pauses.asked == [1, 2, 4, 8]
    assert "counts as down, the gateway goes on without it" in family.terminal.text
    states = [order.state for order in family.gateway.life.orders if isinstance(order, News)]
    assert states[-1] == "up"
    assert states.count("down") == 2


async def test_a_minute_of_health_makes_the_next_pause_short(family):
    """Time is the clock's, not the machine's."""
    await family.start()
    for _ in range(3):
        family.collector.life.end(1)
        await settle()
        await family.wake()
    family.clock.advance_s(60)
    family.collector.life.end(1)
    await settle()

    assert family.pauses.asked == [1, 2, 4, 1]


async def test_the_gateway_hears_how_the_collector_is(family):
    """Also a gateway that has just started again."""
    await family.start()
    family.collector.life.end(1)
    await settle()
    assert family.gateway.life.orders[-1] == News("collector", "restarting")

    family.gateway.life.end(1)
    await settle()
    await family.wake()
    told = [order for order in family.gateway.life.orders if isinstance(order, News)]
    assert told[-1] == News("collector", "up")


async def test_a_system_without_room_for_a_process_is_tried_again(family):
    """`fork` may fail for a while."""
    family.collector.spawn_error = OSError(errno.EAGAIN, "no room")
    await family.start()
    assert family.pauses.asked == [1.0]

    family.collector.spawn_error = None
    await family.wake()
    assert family.collector.life.config == FIRST.version


async def test_an_instance_whose_gateway_cannot_start_ends_with_its_code(family):
    """No endless tries of what would fail alike; the collector is ended too."""
    family.gateway.starts = False
    family.gateway.fails_with = 2
    await family.start()

    assert await family.running == 2
    assert family.collector.life.has_ended
    assert len(family.gateway.lives) == 1


async def test_a_gateway_that_has_once_served_is_started_again_whatever_its_code(family):
    """A disk that is full for a moment must not end the instance."""
    await family.start()
    family.gateway.life.end(2)
    await settle()
    await family.wake()

    assert len(family.gateway.lives) == 2


async def test_a_link_is_part_of_the_announcement_or_shown_later(family):
    """The one-time login of the console."""
    family.collector.starts = False
    await family.start()
    first, second = Link("Console login", "http://x/1"), Link("Console login", "http://x/2")
    family.collector.life.report(first)
    family.collector.starts = True
    family.collector.life.end(1)
    await settle()
    assert family.terminal.links == [first]

    await family.wake()
    family.collector.life.report(second)
    await settle()
    assert "Console login: http://x/2" in family.terminal.text


async def test_roles_end_in_order_and_their_sockets_close_first(family):
    """The collector outlives the gateway, which sends it its last records."""
    await family.start()
    family.gateway.stops = False
    family.supervisor.end()
    await settle()

    assert family.closed == ["gateway"]
    assert not family.collector.life.has_ended
    family.gateway.life.end(0)
    assert await family.running == 0
    assert family.closed == ["gateway", "collector"]
    assert family.collector.life.has_ended


async def test_a_role_that_does_not_end_is_killed(family):
    """After the grace and a margin."""
    await family.start()
    family.gateway.stops = False

    assert await family.end() == 0
    assert family.gateway.life.has_ended


async def test_an_end_between_two_lives_does_not_wait_for_the_next(family):
    """Nothing is started any more."""
    await family.start()
    family.collector.life.end(1)
    await settle()

    assert await family.end() == 0
    assert len(family.collector.lives) == 1


async def test_a_second_call_ends_everything_at_once(family):
    """And the exit code says that requests were cut."""
    await family.start()
    family.gateway.stops = family.collector.stops = False
    family.supervisor.end()
    await settle()
    family.supervisor.end()

    assert await family.running == 130
    assert family.gateway.life.has_ended
    assert family.collector.life.has_ended


async def test_a_role_that_ended_in_order_is_renewed_at_once(family):
    """Connections wait on its socket: no pause, and no step towards a crash loop."""
    await family.start()
    for _ in range(4):
        family.clock.advance_s(2)
        family.gateway.life.end(0)
        await settle()

    assert len(family.gateway.lives) == 5
    assert family.pauses.asked == []
    assert "the gateway ended (exit code 0); it is started again at once" in family.terminal.text
    assert "counts as down" not in family.terminal.text


async def test_a_role_that_ends_in_order_right_after_its_start_is_not_renewed_at_once(family):
    """That would repeat for ever."""
    await family.start()
    family.gateway.life.end(0)
    await settle()

    assert family.pauses.asked == [1.0]
