"""Room at a target: counted, handed on in order, never lost."""

import asyncio

from pointsman.core.abort import AbortSignal
from pointsman.core.target import Target
from pointsman.resilience.slots import TargetSlots

TWO = Target(name="t", provider="p", model="m", max_concurrent=2)


async def test_a_place_is_handed_to_who_has_waited_longest():
    """First come, first served."""
    slots, order = TargetSlots(), []
    for _ in range(2):
        assert await slots.take(TWO, 0, AbortSignal())

    async def wait(name: str) -> None:
        assert await slots.take(TWO, 5, AbortSignal())
        order.append(name)

    waiting = [asyncio.ensure_future(wait(name)) for name in "abc"]
    await asyncio.sleep(0)
    for _ in waiting:
        slots.give_back(TWO)
        await asyncio.sleep(0.001)
    await asyncio.gather(*waiting)

    assert order == ["a", "b", "c"]
    assert slots.taken("t") == 2


async def test_the_wait_is_bounded_and_ends_when_the_client_leaves():
    """MM-09: nobody waits for a caller who has gone."""
    slots = TargetSlots()
    for _ in range(2):
        await slots.take(TWO, 0, AbortSignal())
    abort = AbortSignal()
    asyncio.get_running_loop().call_later(0.01, abort.abort, "left")

    assert not await slots.take(TWO, 0, AbortSignal())
    assert not await slots.take(TWO, 0.01, AbortSignal())
    assert not await slots.take(TWO, 5, abort)


async def test_a_place_given_to_a_cancelled_waiter_is_not_lost():
    """The place and the cancellation come in the same moment."""
    slots = TargetSlots()
    for _ in range(2):
        await slots.take(TWO, 0, AbortSignal())
    waiting = asyncio.ensure_future(slots.take(TWO, 5, AbortSignal()))
    await asyncio.sleep(0)
    slots.give_back(TWO)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    slots.give_back(TWO)

    assert slots.taken("t") == 0


async def test_a_target_without_a_limit_is_not_counted():
    """Nothing is kept for it."""
    free = Target(name="f", provider="p", model="m")
    slots = TargetSlots()

    assert await slots.take(free, 0, AbortSignal())
    slots.give_back(free)
    assert slots.taken("f") == 0
