"""Prices history once more when asked to: one order at a time, in a task, with its progress."""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeAlias

from pointsman.collector.money_messages import RecostRequest, RecostState
from pointsman.collector.refusals import BusyError
from pointsman.store.errors import StoreError
from pointsman.store.protocol import TraceStore
from pointsman.store.recosts import PriceCall, Progress, RecostOrder, RecostReport

_log = logging.getLogger("pointsman.collector")
_RETRY_S = 5.0
MakePrices: TypeAlias = Callable[[bool], tuple[str, PriceCall]]
"""Takes whether to price at now; returns the version of the price book in force and its prices."""


class Recosting:
    """The desk at which pricings are ordered. Ended by `close`.

    Args:
        store: Has the usage, and keeps the costs.
        prices: The price book in force, made anew for each order.
    """

    def __init__(self, store: TraceStore, prices: MakePrices) -> None:
        self._store = store
        self.prices = prices
        self._number = 0
        self._progress = Progress()
        self._task: asyncio.Task[RecostReport] | None = None

    def start(self, asked: RecostRequest, actor: str) -> RecostState:
        """Begin, and return at once.

        Raises:
            BusyError: Another pricing is under way.
        """
        if self._task is not None and not self._task.done():
            raise BusyError("another pricing is under way", retry_after_s=_RETRY_S)
        book, price = self.prices(asked.at_current_prices)
        order = RecostOrder(
            from_unix_ns=asked.from_unix_ns,
            to_unix_ns=asked.to_unix_ns,
            at_current_prices=asked.at_current_prices,
            dry_run=asked.dry_run,
            actor=actor,
            price_book=book,
        )
        self._number += 1
        self._progress = Progress()
        work = self._store.recost(order, price, self._progress)
        self._task = asyncio.get_running_loop().create_task(work)
        self._task.add_done_callback(_note)
        return self.state()

    def state(self) -> RecostState:
        """Return how far the last order is."""
        task, progress = self._task, self._progress
        if task is None:
            return RecostState(number=0, state="none")
        if not task.done():
            return RecostState(
                number=self._number, state="running", done=progress.done, total=progress.total
            )
        why = _why(task)
        return RecostState(
            number=self._number,
            state="failed" if why else "finished",
            done=progress.done,
            total=progress.total,
            report=None if why else task.result(),
            why=why,
        )

    async def close(self) -> None:
        """End what is under way; nothing of it takes effect."""
        self._progress.is_wanted = False
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)


def _why(task: asyncio.Task[RecostReport]) -> str:
    """Return why a pricing failed; empty when it did not."""
    if task.cancelled():
        return "it was ended"
    error = task.exception()
    if error is None:
        return ""
    return error.message if isinstance(error, StoreError) else "it failed in the collector"


def _note(task: asyncio.Task[RecostReport]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("pricing history failed", exc_info=error)
