"""From the engine's exceptions to ours: the only place that knows both."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from pointsman.store.errors import (
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreTimeoutError,
    StoreUnavailableError,
)

_FULL = ("No space left", "File too large", "Disk quota exceeded", "max_temp_directory_size")
"""Texts of ENOSPC, EFBIG and EDQUOT, and of the bound on spilled queries."""
_LOCKED = ("Could not set lock", "Conflicting lock")


def is_fatal(error: duckdb.Error) -> bool:
    """Tell whether the engine will refuse all work until the file is opened again."""
    fatal = isinstance(error, duckdb.FatalException | duckdb.InternalException)
    return fatal or "database has been invalidated" in str(error)


def translate(error: duckdb.Error) -> StoreError:
    """Return what an exception of the engine means to callers."""
    text = str(error)
    first_line = text.partition("\n")[0][:300]
    if any(mark in text for mark in _LOCKED):
        return StoreLockedError(f"another process has the store open: {first_line}")
    if any(mark in text for mark in _FULL):
        return StoreFullError(f"no room for the store: {first_line}")
    if isinstance(error, duckdb.InterruptException):
        return StoreTimeoutError("the query took too long and was stopped; narrow its time range")
    return StoreUnavailableError(f"the store failed: {first_line}")


@contextmanager
def translated() -> Iterator[None]:
    """Translate exceptions of the engine that leave the block."""
    try:
        yield
    except duckdb.Error as error:
        raise translate(error) from error
