"""One trace: the spans of applications and the calls through the gateway in one tree."""

import asyncio

from litestar import Response, get
from litestar.params import FromPath

from pointsman.console import answers
from pointsman.console.given import TheSession, TheSite, TheViewer
from pointsman.console.trace_tree import trace_view
from pointsman.core.errors import PointsmanError
from pointsman.core.ids import TRACE_ID
from pointsman.core.records import CallRecord
from pointsman.store.query import EVERYTHING


class UnknownTraceError(PointsmanError):
    """There is no trace of that id."""

    code = "unknown_trace"
    http_status = 404


@get("/traces/{trace_id:str}")
async def trace_page(
    site: TheSite, viewer: TheViewer, session: TheSession, trace_id: FromPath[str]
) -> Response[bytes]:
    """Show one trace; `trc_` before its id is allowed."""
    wanted, store = trace_id.removeprefix("trc_"), site.settings.store
    if not TRACE_ID.match(wanted):
        raise UnknownTraceError("This is not a trace id: they have 32 hexadecimal digits.")
    spans, calls = await asyncio.gather(
        store.spans_of_trace(wanted, EVERYTHING), store.requests_of_trace(wanted, EVERYTHING)
    )
    if not spans:
        raise UnknownTraceError(
            "Nothing of this trace is stored. It may be on its way here, or so old that it was "
            "removed."
        )
    trace, records = trace_view(spans), [call.record for call in calls]
    markup = site.render(
        "trace.html",
        viewer,
        session,
        trace=trace,
        trace_id=wanted,
        moment=viewer.moment(trace.start_unix_ns),
        calls=records,
        cost=total_cost(records),
        tokens=total_tokens(records),
        models=sorted({record.served_model for record in records if record.served_model}),
        users=sorted({record.user for record in records if record.user}),
        tenants=sorted({record.tenant for record in records if record.tenant}),
    )
    return answers.page(markup)


def total_cost(records: list[CallRecord]) -> tuple[int | None, int]:
    """Return the sum of the known costs, None without any, and how many are unknown."""
    costs = [record.cost.total_nano_usd if record.cost else None for record in records]
    charged = [cost for cost in costs if cost is not None]
    unknown = sum(record.cost is not None for record in records) - len(charged)
    return (sum(charged) if charged else None), max(unknown, 0)


def total_tokens(records: list[CallRecord]) -> tuple[int, int]:
    """Return input and output tokens that are known."""
    used = [record.usage for record in records if record.usage]
    return (
        sum(usage.input_tokens or 0 for usage in used),
        sum(usage.output_tokens or 0 for usage in used),
    )
