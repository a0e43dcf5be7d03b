"""The data folder: where it is, that it is private, that one instance owns it.

Owns the folder itself, its lock and the secrets made at first start. What lies in the sub-folders
belongs to the rooms that write them.
"""

import fcntl
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

_LOCK_FILE = "instance.lock"
_MASTER_KEY_FILE = "content.key"
_MASTER_KEY_BYTES = 32


class DataFolderError(Exception):
    """The folder cannot be used; the message says why and what to do."""


class DataFolderInUseError(DataFolderError):
    """Another instance holds the lock."""


def default_data_dir(environment: Mapping[str, str]) -> Path:
    """Return the folder to use when none is named.

    `$POINTSMAN_DATA_DIR`, else `$XDG_STATE_HOME/pointsman`, else `~/.local/state/pointsman`.
    """
    named = environment.get("POINTSMAN_DATA_DIR")
    if named:
        return Path(named)
    state_home = environment.get("XDG_STATE_HOME")
    base = Path(state_home) if state_home else Path.home() / ".local" / "state"
    return base / "pointsman"


class DataFolder:
    """An opened and locked data folder. `close` gives it up."""

    def __init__(self, path: Path, lock_fd: int) -> None:
        self.path = path
        self._lock_fd = lock_fd

    @classmethod
    def open(cls, path: Path) -> "DataFolder":
        """Create the folder if need be (mode 0700) and take its lock.

        Raises:
            DataFolderInUseError: Another process holds the lock.
            DataFolderError: It cannot be created or written.
        """
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock_fd = os.open(path / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DataFolderError(
                f"the data folder {path} cannot be used: {error.strerror}; "
                "choose another with --data-dir"
            ) from None
        try:
            fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.pread(lock_fd, 32, 0).decode("ascii", "replace").strip()
            os.close(lock_fd)
            raise DataFolderInUseError(
                f"another pointsman (process {owner or 'unknown'}) works on {path}; "
                "stop it, or give this one its own folder with --data-dir"
            ) from None
        os.ftruncate(lock_fd, 0)
        os.pwrite(lock_fd, f"{os.getpid()}\n".encode(), 0)
        return cls(path, lock_fd)

    @property
    def journal(self) -> Path:
        """Where gateway workers keep their journals."""
        return self.path / "journal"

    def master_key(self) -> bytes:
        """Return the secret that keys content hashes, made at the first start (mode 0600).

        Raises:
            DataFolderError: The file is there and cannot be read, or is not a key.
        """
        file = self.path / _MASTER_KEY_FILE
        try:
            fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            key = file.read_bytes()
        else:
            key = secrets.token_bytes(_MASTER_KEY_BYTES)
            with os.fdopen(fd, "wb") as stream:
                stream.write(key)
        if len(key) != _MASTER_KEY_BYTES:
            raise DataFolderError(
                f"{file} is damaged: it has {len(key)} bytes instead of {_MASTER_KEY_BYTES}; "
                "restore it, or remove it to begin with new content hashes"
            )
        return key

    def close(self) -> None:
        """Give up the lock."""
        os.close(self._lock_fd)
