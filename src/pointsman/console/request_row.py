"""One request as a row of a list: what a row shows, worked out from a stored row. Pure."""

from collections.abc import Mapping

from msgspec import Struct

from pointsman.console.figures import short_count, short_duration, short_money
from pointsman.console.viewer import Moment, Viewer
from pointsman.console.words import Mark, row_mark
from pointsman.core.explain import reason_sentence
from pointsman.store.rows import CallRow


class RequestRow(Struct, frozen=True, kw_only=True):
    """What the template prints, all of it text to be escaped."""

    id: str
    position: int
    started_unix_ns: int
    moment: Moment
    mark: Mark
    status: str
    asked: str
    served: str
    """Empty when it is the name that was asked for, or nobody answered."""
    target: str
    provider: str
    reason: str
    because: str
    error: str
    took: str
    first_token: str
    tokens: tuple[str, str] | None
    """Input and output; None when neither is known."""
    tokens_estimated: bool
    cost: str
    cost_unknown: bool
    cost_estimated: bool
    attempts: int
    fell_back: bool
    streamed: bool
    mock: bool
    who: str
    """Tenant and key."""


def request_row(row: CallRow, viewer: Viewer, reasons: Mapping[str, str]) -> RequestRow:
    """Return a row as it is shown.

    Args:
        row: As stored.
        viewer: Whose clock times are in.
        reasons: Reasons that the configuration declares -> their sentences.
    """
    asked = "no model" if row.requested_model is None else row.requested_model or "(empty)"
    served = row.served_model or ""
    # Without an attempt nothing could be charged: that is no unknown cost.
    cost_unknown = row.cost_nano_usd is None and row.attempt_count > 0
    return RequestRow(
        id=row.request_id,
        position=row.position,
        started_unix_ns=row.started_unix_ns,
        moment=viewer.moment(row.started_unix_ns),
        mark=row_mark(row),
        status="" if row.status is None else str(row.status),
        asked=asked,
        served="" if served == asked else served,
        target=row.target or "",
        provider=row.provider or "",
        reason=row.reason,
        because=reason_sentence(row.reason, reasons),
        error=(row.error_text or "") if row.failed else "",
        took=short_duration(row.duration_ns),
        first_token=short_duration(row.first_token_ns) if row.first_token_ns is not None else "",
        tokens=_tokens(row),
        tokens_estimated=row.usage_estimated,
        cost="unknown" if cost_unknown else short_money(row.cost_nano_usd),
        cost_unknown=cost_unknown,
        cost_estimated=row.cost_estimated,
        attempts=row.attempt_count,
        fell_back=row.fell_back,
        streamed=row.streamed,
        mock=row.mock,
        who=" · ".join(name for name in (row.tenant, row.key_name) if name),
    )


def _tokens(row: CallRow) -> tuple[str, str] | None:
    if row.input_tokens is None and row.output_tokens is None:
        return None
    return short_count(row.input_tokens), short_count(row.output_tokens)
