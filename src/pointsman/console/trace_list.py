"""The list of traces: the one with the latest span first."""

from typing import Any

from litestar import Request, Response, get

from pointsman.console import answers
from pointsman.console.given import TheSession, TheSite, TheViewer
from pointsman.console.request_filters import MAX_TEXT, RANGES, read_trace_filters
from pointsman.console.request_list import place_of_id
from pointsman.store.query import EVERYTHING

_PAGE = 50


@get("/traces")
async def trace_list(
    request: Request[Any, Any, Any], site: TheSite, viewer: TheViewer, session: TheSession
) -> Response[bytes]:
    """Show a page of traces."""
    given = {name: str(value).strip()[:MAX_TEXT] for name, value in request.query_params.items()}
    place = place_of_id(given.get("id", ""))
    if place is not None:
        return answers.moved(place)
    filters, cursor = read_trace_filters(given), given.get("cursor") or None
    found = await site.settings.store.traces(
        filters.question(viewer.now_unix_ns), EVERYTHING, cursor=cursor, limit=_PAGE
    )
    markup = site.render(
        "traces.html",
        viewer,
        session,
        rows=[(row, viewer.moment(row.last_start_unix_ns)) for row in found.rows],
        ranges=RANGES.items(),
        filters=filters,
        older=(
            None
            if found.next_cursor is None
            else f"/traces?{filters.query(cursor=found.next_cursor)}"
        ),
        is_filtered=bool(filters.wishes) or cursor is not None,
    )
    return answers.page(markup)
