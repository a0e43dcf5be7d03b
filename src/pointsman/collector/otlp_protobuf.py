"""OTLP as protobuf: export requests in, answers, errors and traces out.

The messages are those of opentelemetry-proto. `google.rpc.Status` has two fields that matter here
and is written by hand: no dependency for eleven bytes.
Source: github.com/open-telemetry/opentelemetry-proto, docs/specification.md (OTLP/HTTP).
"""

from base64 import b64encode
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from pointsman.collector.wire_span import (
    MAX_DEPTH,
    MalformedSpansError,
    TooDeepError,
    WireEvent,
    WireLink,
    WireSpan,
)

if TYPE_CHECKING:
    from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

PROTOBUF_TYPE = "application/x-protobuf"


def read_spans(body: bytes) -> list[WireSpan]:
    """Decode an export request; an empty body is an empty request.

    Raises:
        MalformedSpansError: It is not one.
    """
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise MalformedSpansError(f"the body is not an export request: {error}") from None
    return [
        _span(span, scope, resource)
        for of_resource in request.resource_spans
        for resource in [_attributes(of_resource.resource.attributes)]
        for scope in of_resource.scope_spans
        for span in scope.spans
    ]


def encode_answer(rejected: int, message: str) -> bytes:
    """Return an export response; nothing rejected and no message is an empty one."""
    response = ExportTraceServiceResponse()
    if rejected or message:
        response.partial_success.rejected_spans = rejected
        response.partial_success.error_message = message
    return bytes(response.SerializeToString())


def encode_status(code: int, message: str) -> bytes:
    """Return a `google.rpc.Status`: field 1 is the code, field 2 the message."""
    text = message.encode("utf-8", "replace")
    return b"\x08" + _varint(code) + b"\x12" + _varint(len(text)) + text


def _span(span: Span, scope: ScopeSpans, resource: dict[str, Any]) -> WireSpan:
    return WireSpan(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex(),
        name=span.name,
        kind=span.kind,
        start_unix_ns=span.start_time_unix_nano,
        end_unix_ns=span.end_time_unix_nano,
        status_code=span.status.code,
        status_message=span.status.message,
        scope_name=scope.scope.name,
        attributes=_attributes(span.attributes),
        resource=resource,
        events=[
            WireEvent(event.name, event.time_unix_nano, _attributes(event.attributes))
            for event in span.events
        ],
        links=[
            WireLink(link.trace_id.hex(), link.span_id.hex(), _attributes(link.attributes))
            for link in span.links
        ],
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue, depth: int = 0) -> object:
    if depth > MAX_DEPTH:
        raise TooDeepError
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    content = getattr(value, kind)
    if kind == "array_value":
        return [_value(each, depth + 1) for each in content.values]
    if kind == "kvlist_value":
        return {pair.key: _value(pair.value, depth + 1) for pair in content.values}
    if kind == "bytes_value":
        return b64encode(content).decode()
    return content if kind != "string_value_strindex" else None


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def resource_spans(attributes: dict[str, Any]) -> ResourceSpans:
    """Return an empty group of spans of one resource."""
    group = ResourceSpans()
    put_attributes(group.resource.attributes, attributes)
    return group


def put_attributes(
    target: "RepeatedCompositeFieldContainer[KeyValue]", attributes: dict[str, Any]
) -> None:
    """Write stored attributes."""
    for name, value in attributes.items():
        pair = target.add()
        pair.key = name
        _put_value(pair.value, value)


def _put_value(target: AnyValue, value: object) -> None:
    """Write a value; None leaves it empty, as the format means it."""
    if isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int):
        if -(1 << 63) <= value < 1 << 63:
            target.int_value = value
        else:
            target.string_value = str(value)
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, dict):
        target.kvlist_value.SetInParent()
        put_attributes(target.kvlist_value.values, value)
    elif isinstance(value, list):
        target.array_value.SetInParent()
        for each in value:
            _put_value(target.array_value.values.add(), each)
