"""Alerts under `/api/v1/alerts`: a tenant's key sees that tenant's, the operator all."""

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from pointsman.collector.desk import WebRequest, desk_of
from pointsman.collector.money_messages import AlertList
from pointsman.store.alerts import MAX_ALERTS


@get("/api/v1/alerts", tags=["alerts"])
async def alerts(
    request: WebRequest,
    only_open: Annotated[
        bool, QueryParameter(name="open", description="Only those that are open.")
    ] = False,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_ALERTS)] = 100,
) -> AlertList:
    """List alerts, the open ones first; `finding.requests` filters the requests behind each."""
    desk = desk_of(request)
    reader = await desk.reader(request)
    still_open = await desk.store.alerts(reader.scope, only_open=True, limit=MAX_ALERTS)
    found = still_open[:limit]
    if not only_open:
        found = await desk.store.alerts(reader.scope, limit=limit)
    return AlertList(alerts=found, open_count=len(still_open))


ALERT_ROUTES = [alerts]
