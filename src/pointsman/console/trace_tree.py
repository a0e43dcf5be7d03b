"""The spans of a trace as a tree on one time axis: applications and gateway calls together. Pure.

Spans come from anywhere, so nothing about them is believed: a parent may be missing, be the span
itself, or close a circle. Every span is shown exactly once.
"""

from collections import defaultdict

import msgspec
from msgspec import Struct

from pointsman.console.figures import short_count, short_duration, short_money
from pointsman.console.geometry import Piece, Scale, Tick
from pointsman.store import genai
from pointsman.store.rows import SpanRow
from pointsman.store.spans_of_call import SERVICE

MAX_SHOWN = 2_000
MAX_DEPTH = 10
"""Deeper spans are not moved further to the right."""
MAX_VALUE = 2_000
_HOT = 0.75
"""Share of the trace's time from which a span is painted strongly."""


class SpanView(Struct, frozen=True, kw_only=True):
    """One line of the tree."""

    id: str
    depth: int
    name: str
    kind: str
    """`app`, `gateway` or `call`: which colours it takes."""
    service: str
    failed: bool
    message: str
    orphan: bool
    """Its parent was not received."""
    notes: list[str]
    """Model, tokens and cost, as far as the span says."""
    pieces: list[Piece]
    lasted: str
    began: str
    request_id: str | None
    """Set on the span that stands for a whole gateway call."""
    facts: list[tuple[str, str]]
    events: list[tuple[str, str, str]]
    """When, since the start of the trace; name; attributes."""
    links: list[str]
    """Trace ids of spans elsewhere."""


class TraceView(Struct, frozen=True, kw_only=True):
    """A whole trace."""

    spans: list[SpanView]
    left_out: int
    ticks: list[Tick]
    start_unix_ns: int
    total_ns: int
    services: list[str]
    errors: int


def trace_view(spans: list[SpanRow]) -> TraceView:
    """Return the tree of at least one span."""
    start = min(span.start_unix_ns for span in spans)
    end = max(span.end_unix_ns for span in spans)
    scale = Scale(start, max(end - start, 1))
    ordered = in_order(spans)
    known = {span.span_id for span in spans}
    shown = [_span_view(span, depth, scale, known) for span, depth in ordered[:MAX_SHOWN]]
    return TraceView(
        spans=shown,
        left_out=len(ordered) - len(shown),
        ticks=scale.ticks(4),
        start_unix_ns=start,
        total_ns=scale.total_ns,
        services=sorted({span.service for span in spans if span.service}),
        errors=sum(span.status == "ERROR" for span in spans),
    )


def in_order(spans: list[SpanRow]) -> list[tuple[SpanRow, int]]:
    """Return every span once with its depth, parents before children, siblings by start."""
    children: defaultdict[str | None, list[SpanRow]] = defaultdict(list)
    known = {span.span_id for span in spans}
    for span in sorted(spans, key=_time):
        parent = span.parent_span_id if span.parent_span_id in known else None
        children[parent].append(span)
    seen: set[int] = set()
    ordered = _walk(children[None], children, seen)
    # What is left hangs on a circle of parents: begin at its earliest span.
    for span in sorted(spans, key=_time):
        if id(span) not in seen:
            ordered += _walk([span], children, seen)
    return ordered


def _walk(
    roots: list[SpanRow], children: dict[str | None, list[SpanRow]], seen: set[int]
) -> list[tuple[SpanRow, int]]:
    ordered = []
    open_spans = [(span, 0) for span in reversed(roots)]
    while open_spans:
        span, depth = open_spans.pop()
        if id(span) in seen:
            continue
        seen.add(id(span))
        ordered.append((span, depth))
        below = children.get(span.span_id, ())
        open_spans.extend((child, depth + 1) for child in reversed(below))
    return ordered


def _time(span: SpanRow) -> tuple[int, int]:
    return span.start_unix_ns, -span.end_unix_ns


def _span_view(span: SpanRow, depth: int, scale: Scale, known: set[str]) -> SpanView:
    lasted_ns = max(span.end_unix_ns - span.start_unix_ns, 0)
    kind = _kind(span)
    failed = span.status == "ERROR"
    paint = "failed" if failed else kind
    if kind == "app" and lasted_ns >= _HOT * scale.total_ns and depth:
        paint = "hot"
    lasted = short_duration(lasted_ns)
    is_call = span.request_id is not None and span.name == "gateway_request"
    return SpanView(
        id=span.span_id,
        depth=min(depth, MAX_DEPTH),
        name=span.name or "(no name)",
        kind=kind,
        service=span.service or "",
        failed=failed,
        message=span.status_message,
        orphan=span.parent_span_id is not None and span.parent_span_id not in known,
        notes=_notes(span),
        pieces=[scale.piece(paint, span.start_unix_ns, span.end_unix_ns, f"{span.name}, {lasted}")],
        lasted=lasted,
        began=short_duration(span.start_unix_ns - scale.start_ns),
        request_id=span.request_id if is_call else None,
        facts=_facts(span),
        events=[
            (
                short_duration(max(event.time_unix_ns - scale.start_ns, 0)),
                event.name,
                ", ".join(f"{name} {_text(value)}" for name, value in event.attributes.items()),
            )
            for event in span.events[:100]
        ],
        links=[each.trace_id for each in span.links[:100]],
    )


def _kind(span: SpanRow) -> str:
    if span.service != SERVICE or span.request_id is None:
        return "app"
    return "call" if span.kind == "CLIENT" else "gateway"


def _notes(span: SpanRow) -> list[str]:
    attributes = span.attributes
    model = attributes.get(genai.RESPONSE_MODEL) or attributes.get(genai.REQUEST_MODEL)
    notes = [model] if isinstance(model, str) and model not in span.name else []
    counts = [attributes.get(name) for name in (genai.INPUT_TOKENS, genai.OUTPUT_TOKENS)]
    if all(isinstance(count, int) for count in counts):
        notes.append(" → ".join(short_count(count) for count in counts))
    cost = attributes.get(genai.COST)
    if isinstance(cost, int):
        notes.append(short_money(cost))
    return notes


def _facts(span: SpanRow) -> list[tuple[str, str]]:
    own = [
        ("span id", span.span_id),
        ("parent", span.parent_span_id or ""),
        ("kind", span.kind.lower()),
        ("instrumentation", span.scope_name or ""),
    ]
    told = [*span.attributes.items(), *(() if span.request_id else span.resource.items())]
    return [
        *((name, value) for name, value in own if value),
        *((str(name), _text(value)) for name, value in told[:200]),
    ]


def _text(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"
