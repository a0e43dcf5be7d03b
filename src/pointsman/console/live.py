"""New requests as they arrive, by server-sent events: rows in the markup of the list.

Each look asks the store for the newest page and sends what the browser has not; so however many
requests arrive, a viewer costs one question in `_PAUSE_S`, and filters mean what they mean in the
list. Source of the format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.response import Stream
from msgspec import Struct

from pointsman.console import answers
from pointsman.console.given import TheSession, TheSite, TheViewer
from pointsman.console.markup import Site
from pointsman.console.request_filters import RequestFilters, read_filters
from pointsman.console.request_list import PAGE, older_link
from pointsman.console.request_row import RequestRow, request_row
from pointsman.console.viewer import Viewer
from pointsman.store.errors import StoreError
from pointsman.store.query import EVERYTHING
from pointsman.store.rows import CallRow

MAX_LISTENERS = 64
_PAUSE_S = 0.25
_LOOK_UP_S = 1.0
"""How often a waiting stream looks whether the server ends."""
_HEARTBEAT_LOOKS = 15
_LIFETIME_NS = 600 * 1_000_000_000
"""A browser comes back by itself; the session is then looked at again."""
_RETRY_MS = 1_000
_encode = msgspec.json.Encoder().encode


class FreshRows(Struct, frozen=True):
    """The payload of one event."""

    rows: list[tuple[str, int, str]]
    """Request id, start (Unix ns / 1000, which JavaScript can hold) and markup, newest first."""
    gap: bool
    """Requests between these and those the browser has were left out: it should start over."""
    older: str | None
    """With a gap, the address of the page after these."""


@get("/live/requests")
async def live_requests(
    request: Request[Any, Any, Any], site: TheSite, viewer: TheViewer, session: TheSession
) -> Stream | Response[bytes]:
    """Stream the rows that arrive after `after`, or after what a reconnecting browser has."""
    if site.listeners.count >= MAX_LISTENERS:
        return answers.plain("too many pages are listening\n", 503)
    parameters = {name: str(value) for name, value in request.query_params.items()}
    after = request.headers.get("last-event-id") or parameters.get("after", "")
    position = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else 0
    lifetime_ns = min(_LIFETIME_NS, session.expires_unix_ns - site.settings.clock.unix_ns())
    return answers.events(_stream(site, viewer, read_filters(parameters), position, lifetime_ns))


async def _stream(
    site: Site, viewer: Viewer, filters: RequestFilters, position: int, lifetime_ns: int
) -> AsyncIterator[bytes]:
    settings = site.settings
    end_ns = settings.clock.monotonic_ns() + lifetime_ns
    row_markup = site.macro("request_row.html", "request_row", viewer)
    site.listeners.count += 1
    try:
        yield b"retry: %d\n: listening\n\n" % _RETRY_MS
        quiet = 0
        while not settings.is_closing() and settings.clock.monotonic_ns() < end_ns:
            if not await settings.arrivals.wait(position, _LOOK_UP_S):
                quiet += 1
                if quiet % _HEARTBEAT_LOOKS == 0:
                    yield b": still here\n\n"
                continue
            reached = settings.arrivals.position
            message = await _news(site, viewer, filters, position, row_markup)
            position, quiet = reached, 0
            if message is not None:
                yield b"id: %d\nevent: rows\ndata: %s\n\n" % (position, message)
            await asyncio.sleep(_PAUSE_S)
    finally:
        site.listeners.count -= 1


async def _news(
    site: Site,
    viewer: Viewer,
    filters: RequestFilters,
    position: int,
    row_markup: Callable[[RequestRow], str],
) -> bytes | None:
    now_unix_ns = site.settings.clock.unix_ns()
    try:
        found = await site.settings.store.requests(
            filters.question(now_unix_ns), EVERYTHING, limit=PAGE
        )
    except StoreError:
        return None  # the list shows the error when it is loaded; a stream goes on
    fresh = [row for row in found.rows if row.position > position]
    if not fresh:
        return None
    gap = len(fresh) == PAGE
    viewer = msgspec.structs.replace(viewer, now_unix_ns=now_unix_ns)
    rows = [_row(site, viewer, row, row_markup) for row in fresh]
    return _encode(FreshRows(rows, gap, older_link(filters, found.next_cursor) if gap else None))


def _row(
    site: Site, viewer: Viewer, row: CallRow, row_markup: Callable[[RequestRow], str]
) -> tuple[str, int, str]:
    shown = request_row(row, viewer, site.settings.extra_reasons)
    return row.request_id, row.started_unix_ns // 1_000, row_markup(shown)
