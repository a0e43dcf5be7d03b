"""The last snapshot on disk, so that a gateway starts with the keys it had, collector or not.

The first line is the SHA-256 of the rest. It finds damage, not malice: whoever may write the data
folder may change anything.
"""

import contextlib
import os
from hashlib import sha256
from pathlib import Path

from pointsman.state.errors import SnapshotError
from pointsman.state.snapshot import Snapshot, decode_snapshot, encode_snapshot


def save_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Write a snapshot so that a crash leaves the old or the new one whole (mode 0600). Blocks.

    Several workers may save to one path; the last one wins.

    Raises:
        OSError: It cannot be written; the old one is still there.
    """
    body = encode_snapshot(snapshot)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    # A part that a crash has left is of no use, and may have been made by somebody else.
    part.unlink(missing_ok=True)
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as stream:
            stream.write(sha256(body).hexdigest().encode() + b"\n" + body)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def load_snapshot(path: Path) -> Snapshot | None:
    """Read the saved snapshot. Blocks.

    Returns:
        None when none was ever saved.

    Raises:
        SnapshotError: There is a file and it is no snapshot: damaged, or of a newer release.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read: {error.strerror}") from None
    digest, _, body = content.partition(b"\n")
    if digest != sha256(body).hexdigest().encode():
        raise SnapshotError(f"{path} is damaged")
    return decode_snapshot(body)


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power cut, where the file system can."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(fd)
    finally:
        os.close(fd)
