"""OTLP/HTTP: spans in at `/v1/traces`, one trace out at `/v1/traces/{id}`.

Answers and errors have the encoding of the request, as the standard asks; errors are a
`google.rpc.Status`. Bad data is the sender's: it is 400, never 500.
Source: github.com/open-telemetry/opentelemetry-proto, docs/specification.md (OTLP/HTTP).
"""

from collections.abc import Callable
from math import ceil

from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from pointsman.collector import otlp_json, otlp_protobuf
from pointsman.collector.bodies import read_body
from pointsman.collector.desk import WebRequest, desk_of
from pointsman.collector.error_answers import answer_of, retry_after_s, status_of
from pointsman.collector.otlp_traces import as_json, as_protobuf
from pointsman.collector.pipeline import SpansTaken
from pointsman.collector.refusals import NoSuchRecordError, UnsupportedBodyError
from pointsman.collector.wire_span import MalformedSpansError, WireSpan
from pointsman.core.errors import InvalidRequestError, PointsmanError

_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 408: 4, 409: 9, 413: 8, 415: 3, 429: 8, 503: 14}
"""HTTP status -> number of `google.rpc.Code`; 2 is UNKNOWN."""
_MAX_WHY = 500


class _Encoding(Struct, frozen=True):
    media_type: str
    read: Callable[[bytes], list[WireSpan]]
    answer: Callable[[int, str], bytes]
    status: Callable[[int, str], bytes]


_PROTOBUF = _Encoding(
    otlp_protobuf.PROTOBUF_TYPE,
    otlp_protobuf.read_spans,
    otlp_protobuf.encode_answer,
    otlp_protobuf.encode_status,
)
_JSON = _Encoding(
    otlp_json.JSON_TYPE, otlp_json.read_spans, otlp_json.encode_answer, otlp_json.encode_status
)
_ENCODINGS = {each.media_type: each for each in (_PROTOBUF, _JSON)}


@post("/v1/traces", status_code=200, include_in_schema=False)
async def take_spans(request: WebRequest) -> Response[bytes]:
    """Keep the spans of an application; answered once they are on disk."""
    encoding = _ENCODINGS.get(_media_type(request.headers.get("content-type", "")))
    if encoding is None:
        error = UnsupportedBodyError(
            "send spans as Content-Type application/x-protobuf or application/json"
        )
        return answer_of(error)
    try:
        taken = await _take(request, encoding)
    except PointsmanError as error:
        return _failed(encoding, error)
    message = f"{taken.rejected} span(s) were not kept: {taken.why}" if taken.rejected else ""
    return Response(
        encoding.answer(taken.rejected, message[:_MAX_WHY]),
        headers={"content-type": encoding.media_type},
    )


@get("/v1/traces/{trace_id:str}", include_in_schema=False)
async def trace_as_otlp(request: WebRequest, trace_id: FromPath[str]) -> Response[bytes]:
    """Return the spans of a trace, the gateway's among them, as protobuf or JSON."""
    desk = desk_of(request)
    reader = await desk.reader(request)
    spans = await desk.spans_of_trace(trace_id.removeprefix("trc_"), reader)
    if not spans:
        raise NoSuchRecordError(f"there is no trace {trace_id[:64]!r}")
    if otlp_protobuf.PROTOBUF_TYPE in request.headers.get("accept", ""):
        headers = {"content-type": otlp_protobuf.PROTOBUF_TYPE}
        return Response(as_protobuf(spans), headers=headers)
    return Response(as_json(spans), headers={"content-type": otlp_json.JSON_TYPE})


async def _take(request: WebRequest, encoding: _Encoding) -> SpansTaken:
    desk = desk_of(request)
    sender = desk.access.sender(request.headers)
    with desk.intake.room(request.headers):
        body = await read_body(request.stream(), request.headers)
        try:
            return await desk.pipeline.take_spans(body, encoding.read, sender.tenant)
        except MalformedSpansError as error:
            raise InvalidRequestError(str(error)) from None


def _failed(encoding: _Encoding, error: PointsmanError) -> Response[bytes]:
    status = status_of(error)
    headers = {"content-type": encoding.media_type}
    retry_s = retry_after_s(error)
    if retry_s is not None:
        headers["retry-after"] = str(ceil(retry_s))
    body = encoding.status(_CODES.get(status, 2), error.message[:_MAX_WHY])
    return Response(body, status_code=status, headers=headers)


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


OTLP_ROUTES = [take_spans, trace_as_otlp]
