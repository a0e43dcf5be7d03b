"""What a frame of the journal holds, as JSON by field name.

Every payload starts with its schema number. A field may be added with a default and old payloads
then still decode; renaming or removing one needs a new number and a conversion here. A payload of
a newer schema is not guessed at: it decodes to None and the caller counts it.
"""

from enum import IntEnum

from msgspec import MsgspecError, Struct, field
from msgspec.json import Decoder

from pointsman.core.facts import Facts
from pointsman.core.records import SCHEMA as RECORD_SCHEMA
from pointsman.core.records import CallRecord
from pointsman.core.usage import Usage

ENTRY_SCHEMA = 1
"""Schema of `Begin` and `Content`; ends carry the schema of `core.records`."""
MAX_CONTENT_BYTES = 524_288
"""Longest body kept of a prompt or answer; in base64 it still fits into a frame."""


class Kind(IntEnum):
    """The kind byte of a frame."""

    BEGIN = 1
    """An upstream attempt is about to start."""
    END = 2
    """A request is over: its whole `CallRecord`."""
    CONTENT = 3
    """A prompt or an answer, as redacted as the configuration asks for."""


class Begin(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Written before each upstream attempt: enough to account for it if we do not live on."""

    schema: int
    request_id: str
    trace_id: str
    span_id: str
    """Span of the request; the attempt's own is `attempt_span_id`."""
    attempt: int
    """Index of the attempt within its request, from 0."""
    target: str
    provider: str
    model: str
    started_unix_ns: int
    """When the request started."""
    attempt_start_ns: int = 0
    """When this attempt started, since the start of the request."""
    attempt_span_id: str = ""
    kind: str = "first"
    """`first`, `retry` or `failover`, as in `core.records.Attempt`."""
    why: str | None = None
    parent_span_id: str | None = None
    tenant: str | None = None
    key: str | None = None
    config_version: str = ""
    requested_model: str | None = None
    route: str | None = None
    reason: str | None = None
    reservation_id: str = ""
    reservation_nano_usd: int | None = None
    """Money held for this attempt; None when nothing was held."""
    stream: bool = False
    environment: str | None = None
    mock: bool = False
    user: str | None = None
    team: str | None = None
    feature: str | None = None
    workload: str | None = None
    run_id: str | None = None
    iteration: int | None = None
    plan: str | None = None


class Content(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The text of a prompt or an answer, apart from the record."""

    schema: int
    request_id: str
    kind: str
    """`request` or `response`."""
    body: bytes
    redacted: bool = True
    truncated: bool = False
    """The body was longer than `MAX_CONTENT_BYTES` or than the configured bound."""


class Ending(Struct, frozen=True):
    """The part of an end that pairing and accounting need; cheap to decode, of any schema."""

    request_id: str
    started_unix_ns: int
    tenant: str | None = None
    key: str | None = None
    cost: "EndingCost | None" = None
    team: str | None = None
    user: str | None = None
    feature: str | None = None
    workload: str | None = None
    run_id: str | None = None
    requested_model: str | None = None
    iteration: int | None = None
    reason: str = "not_routed"
    outcome: str = ""
    facts: Facts | None = None
    usage: Usage | None = None
    limits: "list[EndingCheck]" = field(default_factory=list)
    plan: str | None = None


class EndingCheck(Struct, frozen=True):
    """Of a check of a limit: whether it kept the request out."""

    refused: bool = False
    dry_run: bool = False


class EndingCost(Struct, frozen=True):
    """The total of an end's cost; None is unknown."""

    total_nano_usd: int | None = None


_BEGIN = Decoder(Begin)
_RECORD = Decoder(CallRecord)
_CONTENT = Decoder(Content)
_ENDING = Decoder(Ending)


def decode_begin(payload: bytes | memoryview) -> Begin | None:
    """Read a begin; None when it is of a newer schema or not a begin at all."""
    try:
        begin = _BEGIN.decode(payload)
    except (MsgspecError, UnicodeDecodeError):
        return None
    return begin if begin.schema <= ENTRY_SCHEMA else None


def decode_record(payload: bytes | memoryview) -> CallRecord | None:
    """Read an end; None when it is of a newer schema or not a record at all."""
    try:
        record = _RECORD.decode(payload)
    except (MsgspecError, UnicodeDecodeError):
        return None
    return record if record.schema <= RECORD_SCHEMA else None


def decode_content(payload: bytes | memoryview) -> Content | None:
    """Read a content entry; None when it is of a newer schema or not one at all."""
    try:
        content = _CONTENT.decode(payload)
    except (MsgspecError, UnicodeDecodeError):
        return None
    return content if content.schema <= ENTRY_SCHEMA else None


def decode_ending(payload: bytes | memoryview) -> Ending | None:
    """Read what pairing needs of an end, whatever its schema; None when that is not there."""
    try:
        return _ENDING.decode(payload)
    except (MsgspecError, UnicodeDecodeError):
        return None
