"""OTLP export requests for tests."""

from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from stored_records import START_NS, trace_id


def span_id(number: int) -> str:
    return f"{number:016x}"


def make_request(*, trace: int = 1, count: int = 1, **changes: Any) -> ExportTraceServiceRequest:
    """Return a request with `count` spans of one trace; the first is the root."""
    request = ExportTraceServiceRequest()
    of_resource = request.resource_spans.add()
    put(of_resource.resource.attributes, "service.name", "shop")
    scope = of_resource.scope_spans.add()
    scope.scope.name = "shop.agent"
    for number in range(1, count + 1):
        span = scope.spans.add()
        span.trace_id = bytes.fromhex(trace_id(trace))
        span.span_id = bytes.fromhex(span_id(number))
        if number > 1:
            span.parent_span_id = bytes.fromhex(span_id(1))
        span.name = f"step {number}"
        span.kind = 3
        span.start_time_unix_nano = START_NS + number
        span.end_time_unix_nano = START_NS + 1_000_000_000
        for name, value in changes.items():
            setattr(span, name, value)
    return request


def first_span(request: ExportTraceServiceRequest):
    """Return the first span, to be changed."""
    return request.resource_spans[0].scope_spans[0].spans[0]


def put(attributes, name: str, value: object) -> None:
    """Add an attribute."""
    pair = attributes.add()
    pair.key = name
    if isinstance(value, bool):
        pair.value.bool_value = value
    elif isinstance(value, int):
        pair.value.int_value = value
    elif isinstance(value, float):
        pair.value.double_value = value
    else:
        pair.value.string_value = value
