"""The files of one worker's journal: names, rotation by size, and the bound over all of them.

Owns file descriptors and paths; knows no payload. Folders are 0700 and files 0600, since records
name tenants and prompts may be in them.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from pointsman.journal.frames import segment_header
from pointsman.journal.lock import is_alive

SUFFIX = ".journal"


class JournalSettings(Struct, frozen=True, kw_only=True):
    """Bounds of the journal on disk."""

    segment_bytes: int = 16_777_216
    """A segment is closed at this size."""
    max_bytes: int = 1_073_741_824
    """All segments of all workers together; the newest of a live worker is kept in any case."""


def worker_folders(root: Path) -> list[Path]:
    """Return the workers' folders below the journal's root, by name; empty without a journal."""
    try:
        return sorted(path for path in root.iterdir() if path.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def segment_paths(folder: Path) -> list[Path]:
    """Return the segments of a worker, oldest first."""
    try:
        found = [path for path in folder.iterdir() if path.suffix == SUFFIX and path.stem.isdigit()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(found, key=lambda path: int(path.stem))


class SegmentAppender:
    """Appends bytes to the newest segment of a folder and opens the next one in time."""

    __slots__ = ("_fd", "_folder", "_settings", "_size", "bytes", "expired", "opened")

    def __init__(self, folder: Path, settings: JournalSettings) -> None:
        self._folder = folder
        self._settings = settings
        self._fd = -1
        self._size = 0
        self.bytes = 0
        """Bytes written by this object, headers included."""
        self.opened = 0
        """Segments opened by this object."""
        self.expired = 0
        """Segments deleted to keep the bound."""

    def append(self, batch: bytes) -> int:
        """Write a batch of whole frames with one system call.

        Returns:
            How many bytes were taken. Fewer than given means that the disk is full; the segment
            has been closed then, and what it holds of a cut frame is skipped by readers.

        Raises:
            OSError: The segment could not be opened or written; it is closed then.
        """
        if self._fd < 0 or self._size + len(batch) > self._settings.segment_bytes:
            self._open_next()
        try:
            taken = os.write(self._fd, batch)
        except OSError:
            self.close()
            raise
        self._size += taken
        self.bytes += taken
        if taken < len(batch):
            self.close()
        return taken

    def close(self) -> None:
        """Close the segment; the next append opens a new one."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def _open_next(self) -> None:
        self.close()
        self._expire()
        existing = segment_paths(self._folder)
        sequence = int(existing[-1].stem) + 1 if existing else 1
        path = self._folder / f"{sequence:010d}{SUFFIX}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        fd = os.open(path, flags, 0o600)
        header = segment_header()
        try:
            _write_whole(fd, header)
        except OSError:
            # A full disk must not fill up with empty files, one per retry.
            os.close(fd)
            path.unlink(missing_ok=True)
            raise
        self._fd = fd
        self._size = len(header)
        self.bytes += len(header)
        self.opened += 1

    def _expire(self) -> None:
        """Delete the oldest segments until a full new one fits under the bound."""
        room = self._settings.max_bytes - self._settings.segment_bytes
        sized = list(_segments_with_stat(self._folder.parent))
        total = sum(stat.st_size for _, stat in sized)
        if total <= room:
            return
        kept = self._segments_in_use()
        for path, stat in sorted(sized, key=lambda item: (item[1].st_mtime_ns, item[0].name)):
            if total <= room:
                return
            if path not in kept:
                path.unlink(missing_ok=True)
                total -= stat.st_size
                self.expired += 1

    def _segments_in_use(self) -> set[Path]:
        """Return the newest segment of each live worker: deleting it would lose what follows."""
        folders = worker_folders(self._folder.parent)
        live = [folder for folder in folders if folder == self._folder or is_alive(folder)]
        return {paths[-1] for folder in live if (paths := segment_paths(folder))}


def _segments_with_stat(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for folder in worker_folders(root):
        for path in segment_paths(folder):
            try:
                yield path, path.stat()
            except FileNotFoundError:
                continue  # another worker has just deleted it


def _write_whole(fd: int, header: bytes) -> None:
    if os.write(fd, header) != len(header):
        raise OSError("the disk took only a part of a segment's header")
