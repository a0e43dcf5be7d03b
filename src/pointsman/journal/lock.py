"""Tells a live worker from a dead one: an advisory lock that the kernel drops with the process."""

import fcntl
import os
import time
from pathlib import Path

from pointsman.core.errors import PointsmanError

LOCK_NAME = "lock"
_TRIES = 200
_NAP_S = 0.01


class JournalLockedError(PointsmanError):
    """Another process writes to this folder."""

    code = "journal_locked"


class FolderLock:
    """The lock of one worker's folder, held while this object is open.

    Args:
        folder: The worker's folder; made (mode 0700) when it is not there.
        patient: Wait up to two seconds, because a starting worker looks into every folder for a
            moment to see whether there is something to recover.
        name: File of the lock: who writes to a folder and who delivers from it lock apart.

    Raises:
        JournalLockedError: Somebody else holds it.
        OSError: The folder cannot be made or opened.
    """

    __slots__ = ("_fd",)

    def __init__(self, folder: Path, *, patient: bool = True, name: str = LOCK_NAME) -> None:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        self._fd = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for attempt in range(_TRIES if patient else 1):
            if attempt:
                time.sleep(_NAP_S)
            if self._take():
                return
        self.close()
        raise JournalLockedError(
            f"another process writes to {folder}; stop it, or give this one its own data folder"
        )

    def _take(self) -> bool:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Let go; a second call does nothing. The kernel does it when the process dies."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def is_alive(folder: Path) -> bool:
    """Tell whether a process holds the folder's lock right now."""
    try:
        fd = os.open(folder / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
