"""Keyset cursors: where a page ended, as opaque text. Pages stay right while rows arrive."""

import re
from typing import NamedTuple

from pointsman.store.errors import StoreQueryError

_CURSOR = re.compile(r"(?P<started>[0-9a-f]{1,16})\.(?P<id>[0-9a-z_]{1,64})\Z")
_MAX = (1 << 63) - 1


class Cursor(NamedTuple):
    """The sort key of the last row of a page."""

    started_unix_ns: int
    id: str
    """Request or trace id: breaks ties of rows that started in the same nanosecond."""

    def text(self) -> str:
        """Return it as it is handed to a client."""
        return f"{self.started_unix_ns:x}.{self.id}"


def read_cursor(text: str | None) -> Cursor | None:
    """Read a cursor that a client handed back; None starts at the first page.

    Raises:
        StoreQueryError: It is not a cursor.
    """
    if text is None:
        return None
    match = _CURSOR.match(text)
    started = int(match["started"], 16) if match else _MAX + 1
    if match is None or started > _MAX:
        raise StoreQueryError("the cursor is not one that this server gave out; start without one")
    return Cursor(started, match["id"])
