"""Costs: what was spent by any column, with the way to the requests behind each figure."""

from datetime import date, timedelta
from typing import Any

from litestar import Request, Response, get
from msgspec import Struct

from pointsman.console import answers
from pointsman.console.charts import Bar
from pointsman.console.figures import percent
from pointsman.console.given import TheSession, TheSite, TheViewer
from pointsman.console.request_filters import MAX_TEXT, RANGES, link
from pointsman.store.cost_parameters import CostQuestion, read_cost_question
from pointsman.store.costs import GROUP_COLUMNS, NOBODY, CostRow, CostSums
from pointsman.store.query import EVERYTHING

SHOWN = 100
_DEFAULT_FROM = "7d"
_WORDS = {
    "model": "Model",
    "feature": "Feature",
    "tenant": "Tenant",
    "customer": "Customer",
    "user": "User",
    "team": "Team",
    "key": "Key",
    "workload": "Workload",
    "environment": "Environment",
    "endpoint": "Endpoint",
    "operation": "Operation",
    "route": "Route",
    "target": "Target",
    "provider": "Provider",
    "kind": "Kind of attempt",
    "day": "Day",
}
"""Column -> words, in the order of the menu."""
_NEXT = {
    "feature": "customer",
    "customer": "user",
    "tenant": "feature",
    "user": "model",
    "team": "user",
    "key": "model",
    "workload": "model",
    "model": "feature",
    "provider": "model",
}
"""Column -> the one that a figure is looked into by; `model` for others."""
_REQUEST_FILTERS = {"model": "called_model", "target": "called_target", "kind": "called_kind"}
"""Column -> filter of the list of requests, where the two are named differently."""


class CostLine(Struct, frozen=True, kw_only=True):
    """One group as it is shown."""

    name: str | None
    own: bool
    place: str
    """Address of the requests behind it."""
    within: str | None
    """Address of the costs within this group; None for a day."""
    bars: list[Bar]
    share: str
    total_nano_usd: int
    sums: CostSums


class CostChip(Struct, frozen=True):
    """A filter in force, and the address without it."""

    text: str
    name: str
    value: str
    without: str


@get("/costs")
async def costs_page(
    request: Request[Any, Any, Any], site: TheSite, viewer: TheViewer, session: TheSession
) -> Response[bytes]:
    """Show the costs of a span of time by one column."""
    given = address_of({name: str(value) for name, value in request.query_params.items()})
    asked = question_of(given, viewer.now_unix_ns)
    found = await site.settings.store.costs(
        asked.group_by,
        asked.from_unix_ns,
        asked.to_unix_ns,
        asked.wanted,
        EVERYTHING,
        limit=SHOWN,
    )
    by = asked.group_by[0]
    top = max((row.total_nano_usd for row in found.rows), default=0)
    markup = site.render(
        "costs.html",
        viewer,
        session,
        by=by,
        by_words=_WORDS[by],
        groups=_WORDS.items(),
        ranges=RANGES.items(),
        chosen=given["from"],
        chips=chips_of(given),
        lines=[cost_line(row, given, top, found.total_nano_usd) for row in found.rows],
        totals=found.totals,
        total_nano_usd=found.total_nano_usd,
        is_cut=found.is_cut,
    )
    return answers.page(markup)


def address_of(parameters: dict[str, str]) -> dict[str, str]:
    """Return what the address of the page asks for, without what it says wrongly."""
    given = {name: text.strip()[:MAX_TEXT] for name, text in parameters.items()}
    kept: dict[str, str] = {name: given[name] for name in GROUP_COLUMNS if given.get(name)}
    by = given.get("by", "")
    start = given.get("from", "")
    kept["by"] = by if by in _WORDS else "model"
    kept["from"] = start if start in RANGES else _DEFAULT_FROM
    return kept


def question_of(given: dict[str, str], now_unix_ns: int) -> CostQuestion:
    """Return the question to the store.

    Raises:
        StoreQueryError: A filter cannot be read.
    """
    filters = {name: text for name, text in given.items() if name != "by"}
    return read_cost_question(filters | {"group_by": given["by"]}, now_unix_ns)


def chips_of(given: dict[str, str]) -> list[CostChip]:
    """Return the filters in force."""
    return [
        CostChip(
            text=f"{_WORDS[name].lower()}: {given[name]}",
            name=name,
            value=given[name],
            without=link("/costs", **{**given, name: None}),
        )
        for name in GROUP_COLUMNS
        if name in given
    ]


def cost_line(row: CostRow, given: dict[str, str], top: int, whole: int) -> CostLine:
    """Return one group as it is shown.

    Args:
        row: The group.
        given: What the page's address asks for.
        top: The dearest group's total, which fills the lane.
        whole: Everything that was spent.
    """
    by = given["by"]
    name = row.group[by]
    value = NOBODY if name is None else name
    within = None
    if by != "day" and not row.own:
        following = _NEXT.get(by, "model")
        within = link("/costs", **{**given, by: value, "by": following})
    return CostLine(
        name=name,
        own=row.own,
        place=_requests(given, by, value, own=row.own),
        within=within,
        bars=_bars(row.sums, top),
        share=percent(row.total_nano_usd, whole),
        total_nano_usd=row.total_nano_usd,
        sums=row.sums,
    )


def _requests(given: dict[str, str], by: str, value: str, *, own: bool) -> str:
    """Return the address of the list of requests behind a figure."""
    filters: dict[str, str] = {name: text for name, text in given.items() if name in GROUP_COLUMNS}
    span = {"from": given["from"]}
    if by == "day":
        start = date.fromisoformat(value)
        span = {"from": f"{start}", "to": f"{start + timedelta(days=1)}"}
    else:
        filters[by] = value
    if own and by != "operation":
        filters["operation"] = "probe"
    named = {
        _REQUEST_FILTERS.get(name, name): text
        for name, text in filters.items()
        if not (text == NOBODY and name in _REQUEST_FILTERS)
    }
    return link("/requests", **named, **span)


def _bars(sums: CostSums, top: int) -> list[Bar]:
    """Return the parts of a total side by side, the dearest group as long as the lane."""
    bars: list[Bar] = []
    x = 0.0
    for kind, amount in (
        ("measured", sums.measured_nano_usd),
        ("estimated", sums.estimated_nano_usd),
        ("extra", sums.extra_nano_usd),
    ):
        width = round(100 * amount / top, 3) if top else 0.0
        if width:
            bars.append(Bar(kind, round(x, 3), width, 5, 12))
            x += width
    return bars
