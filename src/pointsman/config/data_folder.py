"""The data folder: where it is, that it is private, that one instance owns it.

Owns the folder itself, its lock and the secrets made at first start. What lies in the sub-folders
belongs to the rooms that write them.
"""

import contextlib
import fcntl
import os
import re
import secrets
import time
from collections.abc import Mapping
from pathlib import Path

_MASTER_KEY_FILE = "content.key"
_MASTER_KEY_BYTES = 32
_TOKEN_BYTES = 32
_LEAVING_S = 5.0
_NAP_S = 0.02
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}\Z")


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
    def open(cls, path: Path, role: str = "instance") -> "DataFolder":
        """Create the folder if need be (mode 0700) and take its lock.

        Args:
            path: The folder.
            role: What is locked: the whole instance, or `collector` for a collector that runs
                beside a gateway of the same folder.

        Raises:
            DataFolderInUseError: Another process holds the lock.
            DataFolderError: It cannot be created or written.
        """
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock_fd = os.open(path / f"{role}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DataFolderError(
                f"the data folder {path} cannot be used: {error.strerror}; "
                "choose another with --data-dir"
            ) from None
        owner = _lock(lock_fd)
        if owner is not None:
            os.close(lock_fd)
            raise DataFolderInUseError(
                f"another pointsman (process {owner or 'unknown'}) works on {path}; "
                "stop it, or give this one its own folder with --data-dir"
            ) from None
        os.ftruncate(lock_fd, 0)
        os.pwrite(lock_fd, f"{os.getpid()}\n".encode(), 0)
        return cls(path, lock_fd)

    @property
    def lock_fd(self) -> int:
        """The descriptor that holds the lock; whoever inherits it holds the lock too."""
        return self._lock_fd

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

    def token(self, name: str) -> str:
        """Return the secret that processes of this instance show each other, made when first asked.

        It lies in `<name>.token` (mode 0600). Other processes read it with `read_token`.

        Args:
            name: What it opens: `ingest` (records and snapshots) or `admin` (the admin API).

        Raises:
            DataFolderError: The file cannot be made or read, or is not a token.
        """
        file = _token_file(self.path, name)
        if not file.exists():
            try:
                _make_token(file)
            except OSError as error:
                raise DataFolderError(f"{file} cannot be made: {error.strerror}") from None
        return read_token(self.path, name)

    def close(self) -> None:
        """Give up the lock."""
        os.close(self._lock_fd)


def _make_token(file: Path) -> None:
    """Make a token so that whoever sees the file sees all of it; the first of several makers wins.

    Gateway and collector may start in one moment, and only one of them holds the lock.
    """
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "w", encoding="ascii") as stream:
            stream.write(f"{secrets.token_urlsafe(_TOKEN_BYTES)}\n")
        with contextlib.suppress(FileExistsError):
            os.link(part, file)
    finally:
        part.unlink(missing_ok=True)


def _lock(fd: int) -> str | None:
    """Take the lock; return who holds it when it cannot be had.

    Where the process that took it is dead, those it had started are just ending: they are waited
    for, so that an instance can be started again at once after it was killed.
    """
    owner = ""
    for _ in range(round(_LEAVING_S / _NAP_S)):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.pread(fd, 32, 0).decode("ascii", "replace").strip()
        else:
            return None
        if _is_alive(owner):
            break
        time.sleep(_NAP_S)
    return owner


def _is_alive(pid: str) -> bool:
    if not pid.isdecimal():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def read_token(data_dir: Path, name: str) -> str:
    """Return a token that the owner of the folder has made; needs no lock.

    Raises:
        DataFolderError: There is none, it cannot be read, or it is damaged. The message never holds
            what the file holds.
    """
    file = _token_file(data_dir, name)
    try:
        token = file.read_text("ascii", "replace").strip()
    except OSError as error:
        raise DataFolderError(
            f"{file} cannot be read: {error.strerror}; `pointsman up` makes it in the data folder "
            "it runs on, which --data-dir names"
        ) from None
    if _TOKEN.match(token) is None:
        raise DataFolderError(
            f"{file} is damaged; stop pointsman, remove the file and start it again"
        )
    return token


def _token_file(data_dir: Path, name: str) -> Path:
    if not name.isalpha():
        raise ValueError("the name of a token is one word")
    return data_dir / f"{name}.token"
