"""The broadcast that wakes live pages."""

import asyncio

from pointsman.store.arrivals import Arrivals


async def test_what_has_arrived_is_not_waited_for():
    """The position of the store is ahead already."""
    assert await Arrivals(5).wait(4, 60.0)


async def test_all_who_wait_are_woken():
    """Each waits for what comes after its own position."""
    arrivals = Arrivals(1)
    waiting = [asyncio.ensure_future(arrivals.wait(1, 60.0)) for _ in range(3)]
    later = asyncio.ensure_future(arrivals.wait(7, 60.0))
    await asyncio.sleep(0)

    arrivals.announce(5)

    assert await asyncio.gather(*waiting) == [True, True, True]
    assert not later.done()
    arrivals.announce(8)
    assert await later


async def test_an_old_position_wakes_nobody():
    """A resent batch announces what is known."""
    arrivals = Arrivals(5)
    arrivals.announce(5)

    assert not await arrivals.wait(5, 0.0)


async def test_who_leaves_is_forgotten():
    """A page that was closed must not stay in memory."""
    arrivals = Arrivals()
    waiting = asyncio.ensure_future(arrivals.wait(0, 60.0))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert not arrivals._waiting
