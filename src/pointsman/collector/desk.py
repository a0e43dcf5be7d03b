"""What the routes work with: built by `app`, reached through the web application's state."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, cast

from litestar import Request
from litestar.datastructures import State
from msgspec import Struct

from pointsman.collector.access import Access, Reader
from pointsman.collector.alert_watch import AlertWatch
from pointsman.collector.bodies import Intake
from pointsman.collector.declared_terms import DeclaredTerms
from pointsman.collector.pipeline import TelemetryPipeline
from pointsman.collector.recosting import Recosting
from pointsman.collector.span_content import has_content, without_content
from pointsman.core.clock import Clock
from pointsman.state.audit import AuditLog
from pointsman.state.keys import KeyStore
from pointsman.state.plans import PlanStore
from pointsman.state.sessions import SessionStore
from pointsman.state.snapshot import SnapshotSource
from pointsman.state.tenants import TenantStore
from pointsman.store.arrivals import Arrivals
from pointsman.store.protocol import TraceStore
from pointsman.store.rows import SpanRow

WebRequest: TypeAlias = Request[Any, Any, State]
FindSession: TypeAlias = Callable[[WebRequest], Awaitable[Reader | None]]
"""Returns who is logged in to the console by a request's cookie; None for nobody."""


async def nobody(_: WebRequest) -> Reader | None:
    """Stand in for the console where there is none."""
    return None


class Desk(Struct, frozen=True, kw_only=True):
    """Everything that routes may use."""

    clock: Clock
    access: Access
    intake: Intake
    pipeline: TelemetryPipeline
    store: TraceStore
    keys: KeyStore
    tenants: TenantStore
    plans: PlanStore
    declared: DeclaredTerms
    """What the configuration file says about plans and tenants."""
    snapshots: SnapshotSource
    audit: AuditLog
    sessions: SessionStore
    arrivals: Arrivals
    alerts: AlertWatch
    recosting: Recosting
    find_session: FindSession = nobody

    async def spans_of_trace(self, trace_id: str, reader: Reader) -> list[SpanRow]:
        """Return the spans of a trace as a reader may see them; prompts shown leave an audit row.

        Raises:
            StoreError: The store cannot answer.
        """
        spans = await self.store.spans_of_trace(trace_id, reader.scope)
        if not reader.may_read_content:
            return [without_content(span) for span in spans]
        if any(has_content(span) for span in spans):
            await self.audit.note(reader.name, "content.read", trace_id)
        return spans

    async def reader(self, request: WebRequest) -> Reader:
        """Return who asks the read API, by token, key or session.

        Raises:
            AuthenticationError: Nobody who is known.
            PermissionDeniedError: The key may not explain.
        """
        if "authorization" not in request.headers:
            found = await self.find_session(request)
            if found is not None:
                return found
        return self.access.reader(request.headers)


def desk_of(request: WebRequest) -> Desk:
    """Return the desk of the application that serves a request."""
    return cast("Desk", request.app.state.desk)
