"""The list of traces: the one with the latest span first."""

from typing import Any

from litestar import Request, Response, get

from pointsman.console import answers
from pointsman.console.given import TheSession, TheSite, TheViewer
from pointsman.console.request_filters import MAX_TEXT, RANGES, link
from pointsman.console.request_list import place_of_id
from pointsman.store.query import EVERYTHING, TraceFilter

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
    wanted, cursor = trace_filter(given, viewer.now_unix_ns), given.get("cursor") or None
    found = await site.settings.store.traces(wanted, EVERYTHING, cursor=cursor, limit=_PAGE)
    kept = {name: given.get(name, "") for name in ("range", "service", "failed")}
    markup = site.render(
        "traces.html",
        viewer,
        session,
        rows=[(row, viewer.moment(row.last_start_unix_ns)) for row in found.rows],
        ranges=[(value, words) for value, (words, _) in RANGES.items()],
        given=kept,
        older=None
        if found.next_cursor is None
        else link("/traces", cursor=found.next_cursor, **kept),
        is_filtered=any(kept.values()) or cursor is not None,
    )
    return answers.page(markup)


def trace_filter(given: dict[str, str], now_unix_ns: int) -> TraceFilter:
    """Return the question that an address asks; what it says wrongly is left out."""
    span = RANGES.get(given.get("range", ""))
    return TraceFilter(
        from_unix_ns=None if span is None else now_unix_ns - span[1] * 1_000_000_000,
        service=given.get("service") or None,
        failed=True if given.get("failed") else None,
    )
