"""OTLP as JSON: export requests in, answers and errors out.

It is the JSON form of protobuf but for three things: ids are hex, not base64; enums are numbers;
unknown fields are ignored. Numbers of 64 bits may be text. Null means absent.
Source: github.com/open-telemetry/opentelemetry-proto, docs/specification.md (JSON encoding).
"""

from typing import Any

import msgspec
from msgspec import Struct

from pointsman.collector.wire_span import (
    MAX_DEPTH,
    MalformedSpansError,
    TooDeepError,
    WireEvent,
    WireLink,
    WireSpan,
)

JSON_TYPE = "application/json"
_MAX_DIGITS = 20


class _ArrayValue(Struct):
    values: "list[_AnyValue] | None" = None


class _KeyValueList(Struct):
    values: "list[_KeyValue] | None" = None


class _AnyValue(Struct, rename="camel"):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    array_value: _ArrayValue | None = None
    kvlist_value: _KeyValueList | None = None
    bytes_value: str | None = None


class _KeyValue(Struct):
    key: str = ""
    value: _AnyValue | None = None


class _Resource(Struct):
    attributes: list[_KeyValue] | None = None


class _Scope(Struct):
    name: str | None = None


class _Status(Struct):
    code: int | None = None
    message: str | None = None


class _Event(Struct, rename="camel"):
    time_unix_nano: int | str | None = None
    name: str | None = None
    attributes: list[_KeyValue] | None = None


class _Link(Struct, rename="camel"):
    trace_id: str | None = None
    span_id: str | None = None
    attributes: list[_KeyValue] | None = None


class _Span(Struct, rename="camel"):
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    name: str | None = None
    kind: int | None = None
    start_time_unix_nano: int | str | None = None
    end_time_unix_nano: int | str | None = None
    attributes: list[_KeyValue] | None = None
    events: list[_Event] | None = None
    links: list[_Link] | None = None
    status: _Status | None = None


class _ScopeSpans(Struct):
    scope: _Scope | None = None
    spans: list[_Span] | None = None


class _ResourceSpans(Struct, rename="camel"):
    resource: _Resource | None = None
    scope_spans: list[_ScopeSpans] | None = None


class _Request(Struct, rename="camel"):
    resource_spans: list[_ResourceSpans] | None = None


_decode = msgspec.json.Decoder(_Request).decode
_encode = msgspec.json.Encoder().encode


def read_spans(body: bytes) -> list[WireSpan]:
    """Decode an export request; an empty body is an empty request.

    Raises:
        MalformedSpansError: It is not one.
    """
    if not body.strip():
        return []
    try:
        request = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MalformedSpansError(f"the body is not an export request: {error}") from None
    except RecursionError:
        raise TooDeepError from None
    spans: list[WireSpan] = []
    for of_resource in request.resource_spans or ():
        resource = _attributes(of_resource.resource.attributes if of_resource.resource else None)
        for of_scope in of_resource.scope_spans or ():
            scope = (of_scope.scope.name if of_scope.scope else None) or ""
            spans.extend(_span(span, scope, resource) for span in of_scope.spans or ())
    return spans


def encode_answer(rejected: int, message: str) -> bytes:
    """Return an export response; nothing rejected and no message is an empty one."""
    if not rejected and not message:
        return b"{}"
    # Numbers of 64 bits are text in this encoding.
    return _encode({"partialSuccess": {"rejectedSpans": str(rejected), "errorMessage": message}})


def encode_status(code: int, message: str) -> bytes:
    """Return a `google.rpc.Status`."""
    return _encode({"code": code, "message": message})


def _span(span: _Span, scope: str, resource: dict[str, Any]) -> WireSpan:
    status = span.status or _Status()
    return WireSpan(
        trace_id=_id(span.trace_id),
        span_id=_id(span.span_id),
        parent_span_id=_id(span.parent_span_id),
        name=span.name or "",
        kind=span.kind or 0,
        start_unix_ns=_number(span.start_time_unix_nano),
        end_unix_ns=_number(span.end_time_unix_nano),
        status_code=status.code or 0,
        status_message=status.message or "",
        scope_name=scope,
        attributes=_attributes(span.attributes),
        resource=resource,
        events=[
            WireEvent(each.name or "", _number(each.time_unix_nano), _attributes(each.attributes))
            for each in span.events or ()
        ],
        links=[
            WireLink(_id(each.trace_id), _id(each.span_id), _attributes(each.attributes))
            for each in span.links or ()
        ],
    )


def _id(text: str | None) -> str:
    return (text or "").lower()


def _attributes(pairs: list[_KeyValue] | None) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs or ()}


def _value(value: _AnyValue | None, depth: int = 0) -> object:
    if depth > MAX_DEPTH:
        raise TooDeepError
    if value is None:
        return None
    if value.array_value is not None:
        return [_value(each, depth + 1) for each in value.array_value.values or ()]
    if value.kvlist_value is not None:
        pairs = value.kvlist_value.values or ()
        return {pair.key: _value(pair.value, depth + 1) for pair in pairs}
    return _scalar(value)


def _scalar(value: _AnyValue) -> str | bool | int | float | None:
    if value.int_value is not None:
        return _number(value.int_value)
    if value.double_value is not None:
        return _real(value.double_value)
    if value.string_value is not None:
        return value.string_value
    return value.bytes_value if value.bool_value is None else value.bool_value


def _number(value: int | str | None) -> int:
    if value is None:
        return 0
    try:
        number = int(value) if not isinstance(value, str) or len(value) <= _MAX_DIGITS else None
    except ValueError:
        number = None
    if number is None:
        raise MalformedSpansError("a field that holds a whole number holds something else")
    return number


def _real(value: float | str) -> float:
    try:
        return float(value)
    except ValueError:
        raise MalformedSpansError("a doubleValue is not a number") from None
