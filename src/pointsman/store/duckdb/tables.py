"""Tables as rows are written to them: names and types of columns, taken from the row structs."""

from typing import get_type_hints

from msgspec import Struct

from pointsman.store.charge_of_call import ChargeRow, NoticeRow
from pointsman.store.genai import GenAiColumns
from pointsman.store.rows import AttemptRow, CallRow, SpanRow

_TYPES: dict[object, str] = {
    int: "BIGINT",
    int | None: "BIGINT",
    str: "VARCHAR",
    str | None: "VARCHAR",
    bool: "BOOLEAN",
}
"""Python type of a field -> column type; anything else is kept as JSON."""


def _columns(row: type[Struct]) -> dict[str, str]:
    return {name: _TYPES.get(kind, "JSON") for name, kind in get_type_hints(row).items()}


class Table(Struct, frozen=True):
    """A table that batches are written to."""

    name: str
    columns: dict[str, str]
    """Column -> type, as lines in an ingest file hold them."""


class ContentLine(Struct, kw_only=True):
    """A row of `contents`."""

    request_id: str
    request_ms: int
    tenant: str | None
    captured: str
    system_hash: str | None
    prompt: str | None
    response: str | None
    cut: bool
    bytes: int


class SystemPromptLine(Struct, kw_only=True):
    """A row of `system_prompts`."""

    tenant: str | None
    hash: str
    text: str
    bytes: int


CALLS = Table(
    "calls",
    {**_columns(CallRow), "trace_key": "BIGINT", "latency_bin": "BIGINT", "record": "JSON"},
)
ATTEMPTS = Table("attempts", _columns(AttemptRow))
CHARGES = Table("charges", _columns(ChargeRow))
NOTICES = Table("notices", _columns(NoticeRow))
SPANS = Table("spans", {**_columns(SpanRow), **_columns(GenAiColumns), "trace_key": "BIGINT"})
CONTENTS = Table("contents", _columns(ContentLine))
SYSTEM_PROMPTS = Table("system_prompts", _columns(SystemPromptLine))

COUNTED = (
    "calls", "attempts", "spans", "decisions", "deliveries", "contents", "system_prompts",
    "config_versions", "batches", "charges", "recosts", "notices", "alerts",
)  # fmt: skip
"""Every table with rows of users."""

CALL_COLUMNS = ", ".join(CallRow.__struct_fields__)
SPAN_COLUMNS = ", ".join(SpanRow.__struct_fields__)


def trace_key_of(trace_id: str) -> int:
    """Return the last 60 bits of a trace id, the key that finds its rows fast.

    The first half of an id is zero where an application makes ids of 64 bits.
    """
    return int(trace_id[-15:], 16)
