"""What a gateway worker does with its collector, beside requests and never in their way.

Owns the tasks: following the snapshot of issued keys. Without a collector there is no link, and
with a dead one the gateway goes on with the snapshot it has saved.
"""

import asyncio
from collections.abc import Coroutine

from msgspec import Struct

from pointsman.config.data_folder import DataFolder
from pointsman.core.clock import Clock
from pointsman.policy.snapshot import KeyDirectory
from pointsman.policy.snapshot_follower import (
    FollowerSettings,
    SnapshotFollower,
    restore_keys,
)


class CollectorAddress(Struct, frozen=True, kw_only=True):
    """Where the collector is and what opens it."""

    url: str
    token: str
    """The ingest token."""

    def __repr__(self) -> str:
        """Leave the token out of logs and tracebacks."""
        return f"CollectorAddress(url={self.url!r})"


class CollectorLink:
    """The tasks between one gateway worker and its collector.

    Args:
        address: Where it is.
        folder: Holds the saved snapshot.
        keys: Kept current.
        clock: Gives deadlines.

    Raises:
        ValueError: The address is not a URL.
    """

    def __init__(
        self, address: CollectorAddress, folder: DataFolder, keys: KeyDirectory, clock: Clock
    ) -> None:
        saved = folder.path / "snapshot.json"
        restore_keys(keys, saved)
        settings = FollowerSettings(collector_url=address.url, token=address.token, saved=saved)
        self._follower = SnapshotFollower(keys, settings, clock)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_current(self) -> bool:
        """Whether the collector answered the last poll."""
        return self._follower.stats.is_current

    def start(self) -> None:
        """Begin; must be called in the running loop."""
        self._own(self._follower.run())

    async def stop(self) -> None:
        """End the tasks and close their connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._follower.close()

    def _own(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
