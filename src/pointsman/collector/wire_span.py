"""A span as it came over the wire, whatever its encoding; nothing in it has been checked."""

from typing import Any

from msgspec import Struct, field

MAX_DEPTH = 64
"""Deepest attribute value that is read at all; the normaliser keeps much less."""


class WireEvent(Struct):
    """A point in time within a span."""

    name: str
    time_unix_ns: int
    attributes: dict[str, Any]


class WireLink(Struct):
    """A reference to another span."""

    trace_id: str
    span_id: str
    attributes: dict[str, Any]


class WireSpan(Struct, kw_only=True):
    """One span. Ids are lower-case hex, of any length."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    kind: int
    start_unix_ns: int
    end_unix_ns: int
    status_code: int
    status_message: str
    scope_name: str
    attributes: dict[str, Any]
    resource: dict[str, Any]
    """Shared by the spans of one resource: not to be changed."""
    events: list[WireEvent] = field(default_factory=list)
    links: list[WireLink] = field(default_factory=list)


class MalformedSpansError(ValueError):
    """The body is not an export request; the message says where reading stopped."""


class TooDeepError(MalformedSpansError):
    """An attribute value is nested more deeply than anybody means it."""

    def __init__(self) -> None:
        super().__init__(f"an attribute is nested more than {MAX_DEPTH} levels deep")
