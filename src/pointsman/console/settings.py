"""What the console is given by whoever starts it."""

from collections.abc import Callable

from msgspec import Struct

from pointsman.core.clock import Clock
from pointsman.state.audit import AuditLog
from pointsman.state.sessions import SessionStore
from pointsman.store.arrivals import Arrivals
from pointsman.store.protocol import TraceStore


class PipelineFigures(Struct, frozen=True, kw_only=True):
    """How well records travel from the gateways to the store; None is unknown."""

    lag_s: float | None = None
    """Age of the oldest record that is not stored yet; 0 when all are."""
    spool_bytes: int | None = None
    """Journal that waits to be sent."""
    spool_records: int | None = None
    dropped: dict[str, int] = {}
    """Why -> how many records or spans were lost since the start."""
    set_aside: int | None = None
    """Records that can never be stored and were kept apart."""


def nothing_known() -> PipelineFigures:
    """Return figures of a pipeline that nobody watches."""
    return PipelineFigures()


def no_alerts() -> int:
    """Return 0: nobody looks for alerts."""
    return 0


def never() -> bool:
    """Return False: the server is not ending."""
    return False


class ConsoleSettings(Struct, frozen=True, kw_only=True):
    """The parts that pages read from."""

    store: TraceStore
    arrivals: Arrivals
    sessions: SessionStore
    audit: AuditLog
    clock: Clock
    pipeline: Callable[[], PipelineFigures] = nothing_known
    """Read for each overview; must not wait."""
    open_alerts: Callable[[], int] = no_alerts
    """How many alerts are open, for the head of every page; must not wait."""
    is_closing: Callable[[], bool] = never
    """Asked at least once a second by pages that listen, so that they do not hold up an end."""
    gateway_url: str | None = None
    """Where requests are sent, for the first line that a newcomer copies."""
    allowed_hosts: tuple[str, ...] = ()
    """`Host` names besides loopback ones under which the console may be opened, without port."""
    secure_cookies: bool = False
    """Send cookies over TLS only; for a console that is served by HTTPS."""
    version: str = ""
    """Of the product, for the foot of the pages."""
    extra_reasons: dict[str, str] = {}
    """Reasons that the configuration declares -> their sentences."""
