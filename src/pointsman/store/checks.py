"""What is refused before it reaches an engine: one bad row would fail its whole batch."""

from msgspec import Struct

from pointsman.core.ids import REQUEST_ID, SPAN_ID, TRACE_ID
from pointsman.store.rows import ContentRow, SpanRow

_MAX = (1 << 62) - 1
"""Two of these still add up within 64 bits, as a start and a duration have to (until 2116)."""


def check_integers(row: Struct) -> None:
    """Refuse numbers that no engine can hold: one would fail the whole batch.

    Raises:
        ValueError: A number is below zero or is too large.
    """
    for name in row.__struct_fields__:
        value = getattr(row, name)
        if type(value) is int and not 0 <= value <= _MAX:
            raise ValueError(f"{name} is not between 0 and 2^62 - 1")


def check_span(span: SpanRow) -> None:
    """Refuse a span that no engine can hold or that no tree can use.

    Raises:
        ValueError: An id is malformed, a number does not fit, or it ends before it starts.
    """
    if TRACE_ID.match(span.trace_id) is None or SPAN_ID.match(span.span_id) is None:
        raise ValueError("the trace or span id is not lower-case hex of 32 or 16 digits")
    check_integers(span)
    if span.end_unix_ns < span.start_unix_ns:
        raise ValueError("the span ends before it starts")


def check_content(content: ContentRow) -> None:
    """Refuse content of a request that cannot exist.

    Raises:
        ValueError: The request id is malformed.
    """
    if REQUEST_ID.match(content.request_id) is None:
        raise ValueError("request_id is not of the expected form")
