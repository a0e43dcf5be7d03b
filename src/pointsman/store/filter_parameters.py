"""Filters as they stand in a query string, for the read API and for the console's address bar.

Both ways: text to filter, and filter to text. A name that is not known is an error, since a filter
that was misspelt and ignored would show everything. An empty value does not filter.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from msgspec import Struct

from pointsman.store.errors import StoreQueryError
from pointsman.store.query import CallFilter, TraceFilter

Kind = Literal["text", "count", "truth", "time", "usd", "milliseconds"]

_AGO = re.compile(r"([1-9][0-9]{0,5})([smhd])\Z")
_AGO_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_S = 1_000_000_000
_MAX = (1 << 63) - 1
_MAX_TEXT = 512
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class FilterParameter(Struct, frozen=True):
    """One name that a query string may use."""

    name: str
    field: str
    """Of the filter."""
    kind: Kind
    description: str


_TIMES = (
    FilterParameter(
        "from",
        "from_unix_ns",
        "time",
        "First moment, inclusive: RFC 3339, integer nanoseconds since 1970, or a length of time "
        "before now such as `15m`, `24h`, `7d`.",
    ),
    FilterParameter("to", "to_unix_ns", "time", "Last moment, exclusive; written as `from`."),
)
CALL_PARAMETERS: tuple[FilterParameter, ...] = (
    *_TIMES,
    FilterParameter("status", "status", "count", "HTTP status that the client got."),
    FilterParameter("outcome", "outcome", "text", "`success`, `failure`, `refused` …"),
    FilterParameter("failed", "failed", "truth", "Only failures, or only others."),
    FilterParameter("tenant", "tenant", "text", "Tenant."),
    FilterParameter("model", "model", "text", "The requested or the served model."),
    FilterParameter("target", "target", "text", "The target that served, else the last asked."),
    FilterParameter("provider", "provider", "text", "Whose the target is."),
    FilterParameter("reason", "reason", "text", "Reason code of the decision."),
    FilterParameter("route", "route", "text", "Route."),
    FilterParameter("key", "key", "text", "Name of the caller's key."),
    FilterParameter("user", "user", "text", "User that the request named."),
    FilterParameter("feature", "feature", "text", "Feature that the request named."),
    FilterParameter("environment", "environment", "text", "Environment."),
    FilterParameter("team", "team", "text", "Team; `(none)` here and above finds those without."),
    FilterParameter("customer", "customer", "text", "Customer that the request named."),
    FilterParameter("workload", "workload", "text", "Workload that the request named."),
    FilterParameter("endpoint", "endpoint", "text", "Dialect of the request: `openai.chat` …"),
    FilterParameter("operation", "operation", "text", "`chat`, `embeddings`, `probe` …"),
    FilterParameter(
        "called_model", "called_model", "text", "Model that an attempt asked a provider for."
    ),
    FilterParameter(
        "called_target", "called_target", "text", "Target that an attempt was made at."
    ),
    FilterParameter(
        "called_kind", "called_kind", "text", "Kind of an attempt: `retry`, `failover`, `repair` …"
    ),
    FilterParameter("min_cost_usd", "min_cost_nano_usd", "usd", "At least this cost, in dollars."),
    FilterParameter(
        "min_duration_ms", "min_duration_ns", "milliseconds", "At least this long, in milliseconds."
    ),
    FilterParameter("trace", "trace_id", "text", "Trace id, with or without `trc_`."),
    FilterParameter("error", "error_text", "text", "Text within the error, in any case."),
)
TRACE_PARAMETERS: tuple[FilterParameter, ...] = (
    *_TIMES,
    FilterParameter("tenant", "tenant", "text", "Tenant."),
    FilterParameter("service", "service", "text", "Service of a span; `pointsman` for calls."),
    FilterParameter("model", "model", "text", "Model."),
    FilterParameter("failed", "failed", "truth", "Only failures, or only others."),
    FilterParameter(
        "min_duration_ms", "min_duration_ns", "milliseconds", "At least this long, in milliseconds."
    ),
)


def read_call_filter(parameters: Mapping[str, str], now_unix_ns: int) -> CallFilter:
    """Return the filter of a list of requests.

    Args:
        parameters: Name -> text; those of pages (`cursor`, `limit`) taken out before.
        now_unix_ns: What lengths of time count back from.

    Raises:
        StoreQueryError: A name is not known, or a value cannot be read.
    """
    return CallFilter(**_read(parameters, CALL_PARAMETERS, now_unix_ns))


def read_trace_filter(parameters: Mapping[str, str], now_unix_ns: int) -> TraceFilter:
    """Return the filter of a list of traces; see `read_call_filter`."""
    return TraceFilter(**_read(parameters, TRACE_PARAMETERS, now_unix_ns))


def call_parameters(wanted: CallFilter) -> dict[str, str]:
    """Return the query parameters of a filter; reading them gives the same filter."""
    return _written(wanted, CALL_PARAMETERS)


def trace_parameters(wanted: TraceFilter) -> dict[str, str]:
    """Return the query parameters of a filter; reading them gives the same filter."""
    return _written(wanted, TRACE_PARAMETERS)


def _read(
    parameters: Mapping[str, str], known: tuple[FilterParameter, ...], now_unix_ns: int
) -> dict[str, Any]:
    by_name = {parameter.name: parameter for parameter in known}
    fields: dict[str, Any] = {}
    for name, text in parameters.items():
        parameter = by_name.get(name)
        if parameter is None:
            names = ", ".join(by_name)
            raise StoreQueryError(f"there is no filter {name[:40]!r}; there are: {names}")
        if text.strip():
            fields[parameter.field] = _value(parameter, text.strip(), now_unix_ns)
    return fields


def _value(parameter: FilterParameter, text: str, now_unix_ns: int) -> object:
    value: object = None
    if parameter.kind == "text":
        value = text.removeprefix("trc_") if parameter.field == "trace_id" else text
        value = value if len(text) <= _MAX_TEXT else None
    elif parameter.kind == "truth":
        value = _TRUTH.get(text.lower())
    elif parameter.kind == "time":
        value = read_moment(text, now_unix_ns)
    else:
        value = _amount(parameter.kind, text)
    if value is None:
        raise StoreQueryError(
            f"{parameter.name}={text[:40]!r} cannot be read as a {parameter.kind}"
        )
    return value


def _amount(kind: Kind, text: str) -> int | None:
    scale = {"usd": 1_000_000_000, "milliseconds": 1_000_000}.get(kind, 1)
    try:
        amount = Decimal(text) * scale
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 <= amount <= _MAX:
        return None
    return int(amount)


def read_moment(text: str, now_unix_ns: int) -> int | None:
    """Return a moment in nanoseconds since 1970; None when the text is none.

    Args:
        text: RFC 3339, integer nanoseconds, or a length of time before now such as `24h`.
        now_unix_ns: What lengths of time count back from.
    """
    if text.isdecimal() and len(text) <= 19:
        return min(int(text), _MAX)
    ago = _AGO.match(text)
    if ago is not None:
        return max(0, now_unix_ns - int(ago[1]) * _AGO_S[ago[2]] * _S)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    nanoseconds = (since.days * 86_400 + since.seconds) * _S + since.microseconds * 1_000
    return nanoseconds if 0 <= nanoseconds <= _MAX else None


def _written(
    wanted: CallFilter | TraceFilter, known: tuple[FilterParameter, ...]
) -> dict[str, str]:
    values = ((parameter, getattr(wanted, parameter.field)) for parameter in known)
    return {
        parameter.name: _text(parameter.kind, value)
        for parameter, value in values
        if value is not None
    }


def _text(kind: Kind, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and kind in ("usd", "milliseconds"):
        scale = 1_000_000_000 if kind == "usd" else 1_000_000
        return f"{Decimal(value) / scale:f}"
    return str(value)
