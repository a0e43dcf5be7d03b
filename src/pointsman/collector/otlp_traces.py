"""Stored spans of a trace as OTLP again: what any tool that reads the standard can take."""

from base64 import b64decode
from typing import Any

import msgspec
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status, TracesData

from pointsman.collector.otlp_protobuf import put_attributes, resource_spans
from pointsman.store.rows import SpanRow

_KINDS = {
    "INTERNAL": Span.SPAN_KIND_INTERNAL,
    "SERVER": Span.SPAN_KIND_SERVER,
    "CLIENT": Span.SPAN_KIND_CLIENT,
    "PRODUCER": Span.SPAN_KIND_PRODUCER,
    "CONSUMER": Span.SPAN_KIND_CONSUMER,
}
_STATUS = {"OK": Status.STATUS_CODE_OK, "ERROR": Status.STATUS_CODE_ERROR}
_ID_FIELDS = ("traceId", "spanId", "parentSpanId")


def traces_data(spans: list[SpanRow]) -> TracesData:
    """Return spans as a message, those of one resource and scope together, in order."""
    data = TracesData()
    groups: dict[bytes, Any] = {}
    scopes: dict[tuple[bytes, str | None], Any] = {}
    for span in spans:
        resource = msgspec.json.encode(span.resource)
        if resource not in groups:
            data.resource_spans.append(resource_spans(span.resource))
            groups[resource] = data.resource_spans[-1]
        scope = (resource, span.scope_name)
        if scope not in scopes:
            scopes[scope] = groups[resource].scope_spans.add()
            scopes[scope].scope.name = span.scope_name or ""
        _write(span, scopes[scope].spans.add())
    return data


def as_protobuf(spans: list[SpanRow]) -> bytes:
    """Return `TracesData`, which has the same bytes as an export request."""
    return bytes(traces_data(spans).SerializeToString())


def as_json(spans: list[SpanRow]) -> bytes:
    """Return the JSON of OTLP: ids in hex, enums as numbers."""
    data = MessageToDict(traces_data(spans), use_integers_for_enums=True)
    for of_resource in data.get("resourceSpans", ()):
        for of_scope in of_resource.get("scopeSpans", ()):
            for span in of_scope.get("spans", ()):
                _in_hex(span)
                for link in span.get("links", ()):
                    _in_hex(link)
    return msgspec.json.encode(data)


def _write(row: SpanRow, span: Span) -> None:
    span.trace_id = bytes.fromhex(row.trace_id)
    span.span_id = bytes.fromhex(row.span_id)
    span.parent_span_id = bytes.fromhex(row.parent_span_id or "")
    span.name = row.name
    span.kind = _KINDS.get(row.kind, Span.SPAN_KIND_INTERNAL)
    span.start_time_unix_nano = row.start_unix_ns
    span.end_time_unix_nano = row.end_unix_ns
    if row.status in _STATUS or row.status_message:
        span.status.code = _STATUS.get(row.status, Status.STATUS_CODE_UNSET)
        span.status.message = row.status_message
    put_attributes(span.attributes, row.attributes)
    for event in row.events:
        out = span.events.add()
        out.name, out.time_unix_nano = event.name, event.time_unix_ns
        put_attributes(out.attributes, event.attributes)
    for link in row.links:
        into = span.links.add()
        into.trace_id, into.span_id = bytes.fromhex(link.trace_id), bytes.fromhex(link.span_id)
        put_attributes(into.attributes, link.attributes)


def _in_hex(holder: dict[str, Any]) -> None:
    for name in _ID_FIELDS:
        if name in holder:
            holder[name] = b64decode(holder[name]).hex()
