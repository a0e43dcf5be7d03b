"""Pricing history once more: ordered and watched with the admin token, and noted in the audit."""

import msgspec
from litestar import get, post

from pointsman.collector.admin_messages import actor_of
from pointsman.collector.bodies import read_body
from pointsman.collector.desk import WebRequest, desk_of
from pointsman.collector.money_messages import RecostRequest, RecostRuns, RecostState
from pointsman.core.errors import InvalidRequestError
from pointsman.store.costs import check_span

_MAX_MESSAGE_BYTES = 4_096


@post("/internal/v1/recosts", status_code=202, include_in_schema=False)
async def start_recost(request: WebRequest) -> RecostState:
    """Begin to price a span of time once more; answered at once."""
    desk = desk_of(request)
    desk.access.admin(request.headers)
    body = await read_body(request.stream(), request.headers, _MAX_MESSAGE_BYTES)
    try:
        asked = msgspec.json.decode(body, type=RecostRequest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidRequestError(str(error)) from None
    check_span(asked.from_unix_ns, asked.to_unix_ns)
    actor = actor_of(request)
    state = desk.recosting.start(asked, actor)
    if not asked.dry_run:
        span = f"{asked.from_unix_ns}..{asked.to_unix_ns}"
        await desk.audit.note(actor, "prices.recost", span)
    return state


@get("/internal/v1/recosts/last", include_in_schema=False)
async def last_recost(request: WebRequest) -> RecostState:
    """Return how far the last order is."""
    desk = desk_of(request)
    desk.access.admin(request.headers)
    return desk.recosting.state()


@get("/api/v1/recosts", tags=["money"])
async def recosts(request: WebRequest) -> RecostRuns:
    """List the pricings that took effect: who, when, which prices, what changed. Admin token."""
    desk = desk_of(request)
    desk.access.admin(request.headers)
    return RecostRuns(runs=await desk.store.recost_runs())


RECOST_ROUTES = [start_recost, last_recost, recosts]
