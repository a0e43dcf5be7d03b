"""How much of the journals of an instance still waits for its collector, read from their folders.

For whoever shares the data folder and wants to know without asking the workers. Reads; changes
nothing.
"""

from pathlib import Path

from msgspec import Struct

from pointsman.core.clock import Clock
from pointsman.journal.batches import FolderFeed
from pointsman.journal.entries import decode_ending
from pointsman.journal.rejected import FOLDER_NAME
from pointsman.journal.segments import worker_folders


class Backlog(Struct, frozen=True):
    """What waits."""

    spool_bytes: int
    """Bytes of segments that were not delivered."""
    lag_s: float
    """Age of the oldest request among them; 0 when none waits."""
    set_aside: int
    """Entries that can never be delivered and were kept apart."""


def read_backlog(journal: Path, clock: Clock) -> Backlog:
    """Return the backlog of `<data_dir>/journal`. Blocks for a few small reads per worker."""
    spool_bytes, lag_s, set_aside = 0, 0.0, 0
    for folder in worker_folders(journal):
        feed = FolderFeed(folder)
        spool_bytes += feed.lag_bytes()
        lag_s = max(lag_s, _lag_s(feed, clock))
        set_aside += len(list((folder / FOLDER_NAME).glob("*")))
    return Backlog(spool_bytes, lag_s, set_aside)


def _lag_s(feed: FolderFeed, clock: Clock) -> float:
    try:
        batch = feed.take()
    except OSError:
        return 0.0
    ending = decode_ending(batch.calls[0].payload) if batch is not None and batch.calls else None
    if ending is None:
        return 0.0
    return max(0, clock.unix_ns() - ending.started_unix_ns) / 1e9
