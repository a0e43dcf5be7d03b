"""The read API under `/api/v1`: requests, traces, content by permission, figures.

Whoever asks sees the rows of their scope and nothing else; every question to the store takes it.
Reading content leaves an audit row before the content is handed out.
"""

from dataclasses import dataclass
from typing import Annotated

from litestar import get
from litestar.openapi.spec import Operation, Schema
from litestar.openapi.spec import Parameter as ParameterSpec
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import FromPath, QueryParameter

from pointsman.collector.desk import WebRequest, desk_of
from pointsman.collector.read_messages import (
    ArrivalList,
    RequestContent,
    RequestDetail,
    RequestList,
    TraceDetail,
    TraceList,
)
from pointsman.collector.refusals import NoSuchRecordError
from pointsman.core.errors import PermissionDeniedError
from pointsman.core.explain import paragraph
from pointsman.store.filter_parameters import (
    CALL_PARAMETERS,
    TRACE_PARAMETERS,
    FilterParameter,
    read_call_filter,
    read_trace_filter,
)
from pointsman.store.query import MAX_PAGE, Overview

_PAGES = frozenset({"cursor", "limit"})
MAX_WAIT_S = 30.0
_DAY_NS = 86_400 * 1_000_000_000
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_PAGE, description="Rows of a page.")]
Cursor = Annotated[
    str | None, QueryParameter(max_length=100, description="`next_cursor` of the page before.")
]


def _described(parameters: tuple[FilterParameter, ...]) -> list[ParameterSpec]:
    return [
        ParameterSpec(
            name=each.name,
            param_in="query",
            description=each.description,
            schema=Schema(type=OpenAPIType.STRING),
        )
        for each in parameters
    ]


@dataclass
class _CallFilterOperation(Operation):
    """Describes the filters, which the handler reads from the query itself."""

    def __post_init__(self) -> None:
        self.parameters = [*(self.parameters or ()), *_described(CALL_PARAMETERS)]


@dataclass
class _TraceFilterOperation(Operation):
    def __post_init__(self) -> None:
        self.parameters = [*(self.parameters or ()), *_described(TRACE_PARAMETERS)]


@get("/api/v1/requests", operation_class=_CallFilterOperation, tags=["requests"])
async def list_requests(
    request: WebRequest, cursor: Cursor = None, limit: Limit = 50
) -> RequestList:
    """List requests, the last started first."""
    desk = desk_of(request)
    reader = await desk.reader(request)
    wanted = read_call_filter(_filters(request), desk.clock.unix_ns())
    page = await desk.store.requests(wanted, reader.scope, cursor=cursor, limit=limit)
    return RequestList(requests=page.rows, next_cursor=page.next_cursor)


@get("/api/v1/arrivals", tags=["requests"])
async def arrivals(
    request: WebRequest,
    after: Annotated[int, QueryParameter(ge=-1, description="-1 starts with the next.")] = -1,
    limit: Limit = 100,
    wait_s: Annotated[float, QueryParameter(ge=0, le=MAX_WAIT_S)] = 0.0,
) -> ArrivalList:
    """Return requests that arrived after a position, waiting for one if asked to."""
    desk = desk_of(request)
    reader = await desk.reader(request)
    if after < 0:
        return ArrivalList(requests=(), position=desk.arrivals.position)
    if wait_s:
        await desk.arrivals.wait(after, wait_s)
    newest = desk.arrivals.position
    rows = await desk.store.since(after, reader.scope, limit=limit)
    # A full page may not be all. Else what is not for this reader is skipped for good.
    last = rows[-1].position if rows else after
    position = last if len(rows) == limit else max(last, newest)
    return ArrivalList(requests=tuple(rows), position=position)


@get("/api/v1/requests/{request_id:str}", tags=["requests"])
async def one_request(request: WebRequest, request_id: FromPath[str]) -> RequestDetail:
    """Return one request: the whole record, and what it says in words."""
    desk = desk_of(request)
    reader = await desk.reader(request)
    found = await desk.store.request(request_id, reader.scope)
    if found is None:
        raise NoSuchRecordError(f"there is no request {request_id[:64]!r}")
    return RequestDetail(explanation=paragraph(found.record), record=found.record)


@get("/api/v1/requests/{request_id:str}/content", tags=["requests"])
async def content_of_request(request: WebRequest, request_id: FromPath[str]) -> RequestContent:
    """Return prompt and answer. Needs the right to read content; reading it is audited."""
    desk = desk_of(request)
    reader = await desk.reader(request)
    if not reader.may_read_content:
        raise PermissionDeniedError("reading content needs the admin token or a console session")
    found = await desk.store.content(request_id, reader.scope)
    if found is None:
        raise NoSuchRecordError(f"nothing is kept of the content of {request_id[:64]!r}")
    await desk.audit.note(reader.name, "content.read", found.request_id)
    return RequestContent(
        request_id=found.request_id,
        captured=found.captured,
        system=found.system,
        prompt=found.prompt,
        response=found.response,
        cut=found.cut,
    )


@get("/api/v1/traces", operation_class=_TraceFilterOperation, tags=["traces"])
async def list_traces(request: WebRequest, cursor: Cursor = None, limit: Limit = 50) -> TraceList:
    """List traces, the one with the latest call or span first."""
    desk = desk_of(request)
    reader = await desk.reader(request)
    wanted = read_trace_filter(_filters(request), desk.clock.unix_ns())
    page = await desk.store.traces(wanted, reader.scope, cursor=cursor, limit=limit)
    return TraceList(traces=page.rows, next_cursor=page.next_cursor)


@get("/api/v1/traces/{trace_id:str}", tags=["traces"])
async def one_trace(request: WebRequest, trace_id: FromPath[str]) -> TraceDetail:
    """Return one trace: spans of applications and gateway as one tree, and the records."""
    desk = desk_of(request)
    reader = await desk.reader(request)
    name = trace_id.removeprefix("trc_")
    spans = await desk.spans_of_trace(name, reader)
    if not spans:
        raise NoSuchRecordError(f"there is no trace {trace_id[:64]!r}")
    calls = await desk.store.requests_of_trace(name, reader.scope)
    return TraceDetail(trace_id=name, spans=spans, requests=[call.record for call in calls])


@get("/api/v1/overview", tags=["overview"])
async def overview(
    request: WebRequest,
    from_unix_ns: Annotated[int | None, QueryParameter(ge=0)] = None,
    to_unix_ns: Annotated[int | None, QueryParameter(ge=0)] = None,
    buckets: Annotated[int, QueryParameter(ge=1, le=1000)] = 48,
) -> Overview:
    """Return figures of a time span, by default the last 24 hours."""
    desk = desk_of(request)
    reader = await desk.reader(request)
    end_ns = to_unix_ns if to_unix_ns is not None else desk.clock.unix_ns()
    start_ns = from_unix_ns if from_unix_ns is not None else max(0, end_ns - _DAY_NS)
    return await desk.store.overview(start_ns, end_ns, buckets, reader.scope)


def _filters(request: WebRequest) -> dict[str, str]:
    query = request.query_params
    return {name: query[name] for name in query if name not in _PAGES}


READ_ROUTES = [
    list_requests,
    arrivals,
    one_request,
    content_of_request,
    list_traces,
    one_trace,
    overview,
]
