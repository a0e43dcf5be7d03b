"""The rows of a store, whatever the engine.

A field is a column of the same name. Times are integer nanoseconds since 1970 (UTC), money integer
nano-USD. None is unknown, 0 is zero.
"""

from typing import Any

from msgspec import Struct, field

from pointsman.core.records import CallRecord


class CallRow(Struct, kw_only=True):
    """One request: the columns that lists show and filters read."""

    position: int
    """Order of arrival in this store; a replaced record gets a new one."""
    request_ms: int
    """The millisecond that the request id starts with: the key that finds a row again fast."""
    request_id: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    started_unix_ns: int
    duration_ns: int | None
    worker: str | None
    config_version: str

    tenant: str | None
    plan: str | None
    key_name: str | None
    team: str | None
    user_name: str | None
    customer: str | None
    feature: str | None
    environment: str | None
    workload: str | None
    run_id: str | None
    conversation_id: str | None

    dialect: str
    operation: str
    streamed: bool
    mock: bool
    requested_model: str | None
    served_model: str | None
    target: str | None
    """The target that served, else the last one asked; None when none was."""
    provider: str | None
    """Whose the target is."""

    status: int | None
    outcome: str
    failed: bool
    """Whether it counts as an error: `failure`, `refused` or `gateway_crashed`."""
    error_code: str | None
    error_class: str | None
    error_text: str | None
    finish_reason: str | None
    """The first finish reason; None when there was none."""

    route: str | None
    reason: str
    override_source: str | None
    requested_vs_served: str
    rule_id: str | None
    attempt_count: int
    fell_back: bool
    """Whether a target other than the first was asked."""

    first_token_ns: int | None
    """From the start of the request to the first content; None without a stream."""
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    usage_estimated: bool
    cost_nano_usd: int | None
    cost_estimated: bool
    stream_terminal: str | None
    """`done`, `cut`, `stalled`, `malformed`, `failed`, `client_left`; None without a stream."""


class AttemptRow(Struct, kw_only=True):
    """One upstream call of a request, in columns for questions across requests."""

    request_id: str
    request_ms: int
    number: int
    """From 0, in the order they were made."""
    trace_id: str
    tenant: str | None
    target: str
    provider: str
    model: str
    kind: str
    why: str | None
    status: int | None
    failure_class: str | None
    upstream_code: str | None
    error: str | None
    start_unix_ns: int
    duration_ns: int | None
    connect_ns: int | None
    first_byte_ns: int | None
    first_token_ns: int | None
    input_tokens: int | None
    output_tokens: int | None
    cost_nano_usd: int | None


class SpanEvent(Struct, frozen=True):
    """Something that happened during a span."""

    name: str
    time_unix_ns: int
    attributes: dict[str, Any] = field(default_factory=dict)


class SpanLink(Struct, frozen=True):
    """A span elsewhere that this one refers to."""

    trace_id: str
    span_id: str
    attributes: dict[str, Any] = field(default_factory=dict)


class SpanRow(Struct, frozen=True, kw_only=True):
    """One span, of an application or of the gateway, in the shape of OTLP with typed values.

    Attribute values are text, numbers, booleans, None, and lists and maps of these.
    """

    trace_id: str
    """32 lower-case hex digits."""
    span_id: str
    """16 lower-case hex digits."""
    parent_span_id: str | None = None
    name: str
    kind: str = "INTERNAL"
    """`INTERNAL`, `SERVER`, `CLIENT`, `PRODUCER` or `CONSUMER`."""
    start_unix_ns: int
    end_unix_ns: int
    status: str = "UNSET"
    """`UNSET`, `OK` or `ERROR`."""
    status_message: str = ""
    tenant: str | None = None
    service: str | None = None
    """`service.name` of the resource."""
    scope_name: str | None = None
    """The instrumentation that made it."""
    request_id: str | None = None
    """Which request of ours it belongs to; None for spans of applications."""
    attributes: dict[str, Any] = field(default_factory=dict)
    resource: dict[str, Any] = field(default_factory=dict)
    events: list[SpanEvent] = field(default_factory=list)
    links: list[SpanLink] = field(default_factory=list)


class TraceRow(Struct, frozen=True, kw_only=True):
    """One trace, rolled up over its calls and the spans of applications."""

    trace_id: str
    name: str | None
    """Of the application span without a parent, else of the earliest item."""
    service: str | None
    started_unix_ns: int
    ended_unix_ns: int
    last_start_unix_ns: int
    """Start of the last item that matched the filter: what the list is ordered by."""
    call_count: int
    span_count: int
    """Spans of applications; those of the gateway follow from its calls."""
    error_count: int
    cost_nano_usd: int | None
    """Of the calls through the gateway, else what application spans reported; None is unknown."""
    input_tokens: int | None
    output_tokens: int | None
    models: tuple[str, ...] = ()


class StoredCall(Struct, frozen=True):
    """A request as it is stored: its whole record, and the text it came as."""

    position: int
    record: CallRecord
    json: bytes


class ContentRow(Struct, frozen=True, kw_only=True):
    """Prompt and answer of one request, already redacted as its tenant asks.

    A system prompt is kept once for each tenant and hash, however many requests carry it.
    """

    request_id: str
    tenant: str | None = None
    captured: str = "redacted"
    system_hash: str | None = None
    system: str | None = None
    prompt: str | None = None
    response: str | None = None
    cut: bool = False
    """Whether a part was longer than the bound and lost its end."""


class ConfigVersion(Struct, frozen=True):
    """A configuration that was in force, under the hash that records name."""

    hash: str
    first_seen_unix_ns: int
    text: str
