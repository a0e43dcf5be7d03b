"""The list of requests: newest first, filtered by its address, a page at a time."""

import asyncio
from typing import Any

from litestar import Request, Response, get
from msgspec import Struct

from pointsman.console import answers
from pointsman.console.given import TheSession, TheSite, TheViewer
from pointsman.console.markup import Site
from pointsman.console.request_filters import (
    FAILED,
    RANGES,
    RequestFilters,
    Wish,
    choices,
    read_filters,
)
from pointsman.console.request_row import RequestRow, request_row
from pointsman.console.words import MARKS
from pointsman.core.ids import REQUEST_ID, TRACE_ID
from pointsman.store.query import EVERYTHING, CallFilter, MenuColumn

PAGE = 50
_MENUS: tuple[tuple[str, str, tuple[MenuColumn, ...]], ...] = (
    ("model", "Model", ("requested_model", "served_model")),
    ("target", "Target", ("target",)),
    ("reason", "Reason", ("reason",)),
    ("tenant", "Tenant", ("tenant",)),
    ("key", "Key", ("key_name",)),
)
"""Name in the address, words, columns whose values are offered."""
_SHOWN_ELSEWHERE = frozenset({"from", "outcome", "failed", "error", *(each[0] for each in _MENUS)})


class Menu(Struct, frozen=True):
    """One select of the filter bar."""

    name: str
    label: str
    options: list[tuple[str, str]]
    """Value and words."""
    chosen: str


class Chip(Struct, frozen=True):
    """A filter that has no select, and the address without it."""

    text: str
    without: str
    wish: Wish


@get("/")
async def front() -> Response[bytes]:
    """Lead to the list of requests."""
    return answers.moved("/requests")


@get("/requests")
async def request_list(
    request: Request[Any, Any, Any], site: TheSite, viewer: TheViewer, session: TheSession
) -> Response[bytes]:
    """Show a page of requests; an id in the search field leads to what it names."""
    parameters = {name: str(value) for name, value in request.query_params.items()}
    place = place_of_id(parameters.get("error", "").strip())
    if place is not None:
        return answers.moved(place)
    filters, store = read_filters(parameters), site.settings.store
    cursor = parameters.get("cursor") or None
    position = site.settings.arrivals.position  # before the question: nothing is missed after it
    found, menus = await asyncio.gather(
        store.requests(filters.question(viewer.now_unix_ns), EVERYTHING, cursor=cursor, limit=PAGE),
        _menus(site, filters),
    )
    rows = [request_row(row, viewer, site.settings.extra_reasons) for row in found.rows]
    empty_store = False
    if not rows and cursor is None:
        anything = await store.requests(CallFilter(), EVERYTHING, limit=1)
        empty_store = not anything.rows
    markup = site.render(
        "requests.html",
        viewer,
        session,
        rows=rows,
        filters=filters,
        menus=menus,
        chips=_chips(filters),
        older=older_link(filters, found.next_cursor),
        newest=None if cursor is None else f"/requests?{filters.query()}",
        live=None if cursor else f"/live/requests?{filters.query()}",
        position=newest_position(rows, position),
        empty_store=empty_store,
        gateway_url=site.settings.gateway_url,
    )
    return answers.page(markup)


def newest_position(rows: list[RequestRow], position: int) -> int:
    """Return the position up to which a page shows everything."""
    return max((row.position for row in rows), default=position)


def older_link(filters: RequestFilters, cursor: str | None) -> str | None:
    """Return the address of the next page; None at the end."""
    return None if cursor is None else f"/requests?{filters.query(cursor=cursor)}"


def place_of_id(text: str) -> str | None:
    """Return the page of a request or trace id that was typed in; None for other text."""
    if REQUEST_ID.match(text):
        return f"/requests/{text}"
    trace_id = text.removeprefix("trc_")
    return f"/traces/{trace_id}" if TRACE_ID.match(trace_id) else None


async def _menus(site: Site, filters: RequestFilters) -> list[Menu]:
    columns = [column for _, _, each in _MENUS for column in each]
    distinct = site.settings.store.distinct
    found = await asyncio.gather(*(distinct(column, EVERYTHING) for column in columns))
    values = dict(zip(columns, found, strict=True))
    menus = [_range_menu(filters), _outcome_menu(filters)]
    for name, label, each in _MENUS:
        offered = sorted({value for column in each for value in values[column]})
        chosen = filters.value(name)
        options = [(value, value) for value in choices(offered, chosen)]
        menus.append(Menu(name, label, options, chosen))
    return menus


def _range_menu(filters: RequestFilters) -> Menu:
    chosen = filters.value("from")
    options = list(RANGES.items())
    if chosen and chosen not in RANGES:
        options.insert(0, (chosen, "a span of time" if filters.value("to") else "since a moment"))
    return Menu("from", "Time", options, chosen)


def _outcome_menu(filters: RequestFilters) -> Menu:
    known = [(code, mark.word) for code, mark in MARKS.items() if code and code != "preview"]
    options = [(FAILED, "any failure"), *known]
    chosen = FAILED if filters.value("failed") == "true" else filters.value("outcome")
    return Menu("outcome", "Outcome", options, chosen)


def _chips(filters: RequestFilters) -> list[Chip]:
    shown = [wish for wish in filters.wishes if wish.name not in _SHOWN_ELSEWHERE]
    return [
        Chip(
            "until a moment" if wish.name == "to" else f"{wish.name}: {wish.value}",
            f"/requests?{filters.query(**{wish.name: ''})}",
            wish,
        )
        for wish in shown
    ]
