"""What the read API answers. Rows are those of the store, field by field."""

from msgspec import Struct, field

from pointsman.collector.pipeline import WorkerSeen
from pointsman.core.records import CallRecord
from pointsman.store.rows import CallRow, SpanRow, TraceRow


class RequestList(Struct, frozen=True, kw_only=True):
    """A page of requests, the last started first."""

    requests: tuple[CallRow, ...]
    next_cursor: str | None = None
    """Hand it back as `cursor` for the next page; null at the end."""


class ArrivalList(Struct, frozen=True, kw_only=True):
    """Requests in the order in which they arrived."""

    requests: tuple[CallRow, ...]
    position: int
    """Hand it back as `after` for what arrives next."""


class RequestDetail(Struct, frozen=True, kw_only=True):
    """One request."""

    explanation: str
    """What was asked, decided, tried and spent, in one paragraph made from the record."""
    record: CallRecord


class RequestContent(Struct, frozen=True, kw_only=True):
    """Prompt and answer of one request, as redacted as its configuration asked for."""

    request_id: str
    captured: str
    system: str | None
    prompt: str | None
    response: str | None
    cut: bool
    """Whether a part was longer than the bound and lost its end."""


class TraceList(Struct, frozen=True, kw_only=True):
    """A page of traces, the one with the latest item first."""

    traces: tuple[TraceRow, ...]
    next_cursor: str | None = None


class TraceDetail(Struct, frozen=True, kw_only=True):
    """One trace: spans of applications and of the gateway, and the records of its calls."""

    trace_id: str
    spans: list[SpanRow]
    """The first started first."""
    requests: list[CallRecord] = field(default_factory=list)


class CollectorHealth(Struct, frozen=True, kw_only=True):
    """How the collector is."""

    ok: bool
    version: str
    engine: str
    schema: int
    rows: dict[str, int]
    bytes_on_disk: int
    taken: dict[str, int]
    """What was taken since the start."""
    workers: list[WorkerSeen]
    """Gateway workers and how their delivery goes, the one heard of last at the end."""
    in_hand_bytes: int
    refused_busy: int
