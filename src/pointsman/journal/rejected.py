"""Entries that the collector will never take: set aside in the worker's folder, bounded, counted.

One file for each: a line that says why, then the payload. Nobody reads them but people.
"""

from pathlib import Path

import msgspec

from pointsman.journal.batches import Entry
from pointsman.journal.entries import Kind

FOLDER_NAME = "rejected"
MAX_FILES = 500
MAX_WHY = 300


class RejectedEntries:
    """The set-aside entries of one worker.

    Args:
        folder: The worker's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER_NAME
        self.added = 0
        self.discarded = 0
        """Of those added: there was no room for them."""

    def add(self, entry: Entry, why: str) -> None:
        """Set an entry aside; beyond the bound, or on a full disk, it is only counted."""
        self.added += 1
        kind = "record" if entry.kind == Kind.END else "content"
        name = f"{entry.at.segment:010d}-{entry.at.offset:012d}-{kind}.jsonl"
        reason = msgspec.json.encode({"rejected_because": why[:MAX_WHY]})
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            if sum(1 for _ in self._folder.iterdir()) >= MAX_FILES:
                self.discarded += 1
                return
            file = self._folder / name
            file.touch(mode=0o600)
            file.write_bytes(reason + b"\n" + entry.payload)
        except OSError:
            self.discarded += 1
