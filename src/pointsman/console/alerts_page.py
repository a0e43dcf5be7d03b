"""Alerts: what is out of bounds now, what was, and the way to the requests behind each."""

from litestar import Response, get
from msgspec import Struct

from pointsman.console import answers
from pointsman.console.figures import long_duration
from pointsman.console.given import TheSession, TheSite, TheViewer
from pointsman.console.request_filters import link
from pointsman.console.viewer import Moment, Viewer
from pointsman.store.alert_words import TITLES, told
from pointsman.store.alerts import Alert
from pointsman.store.query import EVERYTHING

SHOWN = 200


class AlertLine(Struct, frozen=True, kw_only=True):
    """One alert as it is shown."""

    alert_id: str
    kind: str
    title: str
    subject: str
    tenant: str | None
    told: str
    opened: Moment
    seen: Moment
    cleared: Moment | None
    lasted: str
    place: str
    """Address of the requests behind it."""


@get("/alerts")
async def alerts_page(site: TheSite, viewer: TheViewer, session: TheSession) -> Response[bytes]:
    """Show the alerts, the open ones first."""
    found = await site.settings.store.alerts(EVERYTHING, limit=SHOWN)
    lines = [alert_line(alert, viewer) for alert in found]
    markup = site.render(
        "alerts.html",
        viewer,
        session,
        still_open=[line for line in lines if line.cleared is None],
        cleared=[line for line in lines if line.cleared is not None],
    )
    return answers.page(markup)


def alert_line(alert: Alert, viewer: Viewer) -> AlertLine:
    """Return one alert as it is shown."""
    finding = alert.finding
    end = alert.cleared_unix_ns
    lasted_ns = (viewer.now_unix_ns if end is None else end) - alert.opened_unix_ns
    return AlertLine(
        alert_id=alert.alert_id,
        kind=finding.kind,
        title=TITLES.get(finding.kind, finding.kind),
        subject=finding.subject,
        tenant=finding.tenant,
        told=told(finding),
        opened=viewer.moment(alert.opened_unix_ns),
        seen=viewer.moment(alert.seen_unix_ns),
        cleared=None if end is None else viewer.moment(end),
        lasted=long_duration(max(0, lasted_ns) / 1e9),
        place=link("/requests", **finding.requests),
    )
