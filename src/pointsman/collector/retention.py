"""Removes what the policy no longer keeps, again and again, in a task of its owner."""

import asyncio
import logging

from pointsman.core.clock import Clock
from pointsman.store.errors import StoreError
from pointsman.store.protocol import RetentionPolicy, TraceStore

EVERY_S = 600.0
_log = logging.getLogger("pointsman.collector")


async def keep_within(
    store: TraceStore, policy: RetentionPolicy, clock: Clock, every_s: float = EVERY_S
) -> None:
    """Apply the policy now and every `every_s` seconds, until cancelled."""
    while True:
        try:
            removed = await store.retention(policy, clock.unix_ns())
        except StoreError as error:
            # It comes round again; a store that is down says so on every other path too.
            _log.warning("retention was skipped: %s", error.message)
        else:
            if removed.calls or removed.spans or removed.contents:
                _log.info(
                    "retention removed %d requests, %d spans, %d contents",
                    removed.calls,
                    removed.spans,
                    removed.contents,
                )
        await asyncio.sleep(every_s)
