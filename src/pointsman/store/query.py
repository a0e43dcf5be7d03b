"""Questions to a store and their answers: scope, filters, pages, overview. No SQL, no engine."""

from typing import Generic, Literal, TypeAlias, TypeVar

from msgspec import Struct

T = TypeVar("T")

MAX_PAGE = 500
"""Longest page; a larger `limit` is cut to it."""
MAX_BUCKETS = 1_000
MAX_CHOICES = 200
"""Most values that a filter menu offers."""

MenuColumn: TypeAlias = Literal[
    "tenant", "requested_model", "served_model", "target", "provider", "reason",
    "route", "key_name", "user_name", "team", "customer", "feature", "environment", "workload",
    "outcome", "error_class", "config_version",
]  # fmt: skip
"""Columns of calls whose distinct values a filter menu may offer."""


class Scope(Struct, frozen=True):
    """Whose rows may be seen. Every query takes one, so that none can forget it."""

    tenant: str | None
    """Only this tenant's rows; None sees all, rows without a tenant too."""


EVERYTHING = Scope(None)


class CallFilter(Struct, frozen=True, kw_only=True):
    """Which requests; a field that is None does not filter, all others must hold."""

    from_unix_ns: int | None = None
    """First moment, inclusive."""
    to_unix_ns: int | None = None
    """Last moment, exclusive."""
    status: int | None = None
    outcome: str | None = None
    failed: bool | None = None
    tenant: str | None = None
    model: str | None = None
    """The requested or the served model."""
    target: str | None = None
    provider: str | None = None
    reason: str | None = None
    route: str | None = None
    key: str | None = None
    user: str | None = None
    feature: str | None = None
    environment: str | None = None
    team: str | None = None
    customer: str | None = None
    workload: str | None = None
    endpoint: str | None = None
    """The dialect of the request: `openai.chat` …"""
    operation: str | None = None
    called_model: str | None = None
    """A model that an attempt of the request asked a provider for."""
    called_target: str | None = None
    """A target that an attempt of the request was made at."""
    called_kind: str | None = None
    """A kind of attempt that the request had: `retry`, `repair` …"""
    min_cost_nano_usd: int | None = None
    """An unknown cost is not above any bound."""
    min_duration_ns: int | None = None
    trace_id: str | None = None
    error_text: str | None = None
    """Text within the error, upper and lower case alike; `%` and `_` mean themselves."""


class TraceFilter(Struct, frozen=True, kw_only=True):
    """Which traces: those with a call or an application span for which all of this holds."""

    from_unix_ns: int | None = None
    to_unix_ns: int | None = None
    tenant: str | None = None
    service: str | None = None
    """Service of an application span; `pointsman` for calls."""
    model: str | None = None
    failed: bool | None = None
    min_duration_ns: int | None = None


class Page(Struct, Generic[T], frozen=True):
    """Rows, newest first, and where to go on."""

    rows: tuple[T, ...]
    next_cursor: str | None = None
    """To be handed back for the next page; None at the end."""


class Figures(Struct, frozen=True, kw_only=True):
    """Sums over the requests of a time span."""

    requests: int = 0
    errors: int = 0
    fallbacks: int = 0
    """Requests for which a target other than the first was asked."""
    cost_nano_usd: int = 0
    """Of the requests whose cost is known."""
    unknown_costs: int = 0
    """Requests whose cost is not known and not in the sum."""
    input_tokens: int = 0
    output_tokens: int = 0
    p50_ns: int | None = None
    """Latency that half of the requests stayed under; may be an approximation of 1 %."""
    p95_ns: int | None = None
    p99_ns: int | None = None

    @property
    def fallback_ratio(self) -> float:
        """Return the share of requests that fell back, 0 without requests."""
        return self.fallbacks / self.requests if self.requests else 0.0


class Bucket(Struct, frozen=True, kw_only=True):
    """One step of a time axis."""

    start_unix_ns: int
    figures: Figures


class Series(Struct, frozen=True, kw_only=True):
    """How often one value (a reason, model, target) occurred, over the buckets."""

    name: str
    total: int
    counts: tuple[int, ...]
    """One for each bucket."""


class Overview(Struct, frozen=True, kw_only=True):
    """A time span in figures."""

    from_unix_ns: int
    bucket_ns: int
    totals: Figures
    buckets: tuple[Bucket, ...]
    """All of them, empty ones too."""
    reasons: tuple[Series, ...]
    """Most frequent first, as the two below."""
    models: tuple[Series, ...]
    targets: tuple[Series, ...]
