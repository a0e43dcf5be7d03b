"""Waiting that ends at once when the client leaves."""

import asyncio

from pointsman.core.abort import AbortSignal


async def pause(seconds: float, abort: AbortSignal) -> bool:
    """Wait; return whether the wait was full, not ended by the abort signal."""
    if abort.is_aborted:
        return False
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not waiter.done():
            waiter.set_result(None)

    timer = loop.call_later(seconds, wake)
    abort.subscribe(wake)
    try:
        await waiter
    finally:
        timer.cancel()
        abort.unsubscribe(wake)
    return not abort.is_aborted
