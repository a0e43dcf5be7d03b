"""Questions about money and their answers: what was spent, by whom, on what. No SQL, no engine.

Amounts are integer nano-USD and sums of them are exact. What is not known is counted, never taken
for 0: a call whose model has no price, and a call that failed before it reported what it used.
"""

from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from pointsman.store.errors import StoreQueryError

MAX_GROUPS = 3
"""Columns that one question may group by."""
MAX_ROWS = 1_000
DAY_NS = 86_400 * 1_000_000_000
NOBODY = "(none)"
"""In a filter: rows that have no value there."""

CostGroup: TypeAlias = Literal[
    "model", "provider", "target", "route", "endpoint", "operation", "tenant", "customer", "team",
    "user", "key", "feature", "environment", "workload", "kind", "day",
]  # fmt: skip
"""What costs may be asked by. `endpoint` is the dialect of the request, `kind` that of the attempt
(`first`, `retry`, `failover`, `repair` …), `day` is in UTC."""
COST_GROUPS: tuple[CostGroup, ...] = get_args(CostGroup)
GROUP_COLUMNS: dict[CostGroup, str] = {
    "model": "model",
    "provider": "provider",
    "target": "target",
    "route": "route",
    "endpoint": "dialect",
    "operation": "operation",
    "tenant": "tenant",
    "customer": "customer",
    "team": "team",
    "user": "user_name",
    "key": "key_name",
    "feature": "feature",
    "environment": "environment",
    "workload": "workload",
    "kind": "kind",
}
"""Name -> column; `day` is computed from the start of the request."""


class CostFilter(Struct, frozen=True, kw_only=True):
    """Which charges; a field that is None does not filter, all others must hold.

    `NOBODY` stands for rows without a value.
    """

    model: str | None = None
    provider: str | None = None
    target: str | None = None
    route: str | None = None
    endpoint: str | None = None
    operation: str | None = None
    tenant: str | None = None
    customer: str | None = None
    team: str | None = None
    user: str | None = None
    key: str | None = None
    feature: str | None = None
    environment: str | None = None
    workload: str | None = None
    kind: str | None = None
    own: bool | None = None
    """True: only calls that the gateway made for itself; False: only those of callers."""


class CostSums(Struct, frozen=True, kw_only=True):
    """Sums over charges. Tokens are those of the attempts that served, else were the last."""

    calls: int = 0
    """Requests. Each is counted once, where the attempt that served stands, else its last one."""
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    measured_calls: int = 0
    """Calls whose cost is known from the tokens that the provider counted."""
    measured_nano_usd: int = 0
    estimated_calls: int = 0
    """Calls whose tokens were estimated, or that were charged what was held for them."""
    estimated_nano_usd: int = 0
    unknown_price_calls: int = 0
    """Calls with tokens but without a price: not in any sum."""
    unreported_calls: int = 0
    """Calls that ended before a provider said what it used: not in any sum."""
    uncalled: int = 0
    """Requests for which nobody was called: they cost nothing."""
    extra_attempts: int = 0
    """Other attempts: retries, targets that were left, answers that had to be repaired."""
    extra_nano_usd: int = 0
    """Cost of those, as far as it is known; apart from the two sums above."""
    extra_unknown: int = 0
    """Of those attempts: their cost is not known."""

    @property
    def total_nano_usd(self) -> int:
        """Return everything that is known to have been spent."""
        return self.measured_nano_usd + self.estimated_nano_usd + self.extra_nano_usd

    @property
    def unknown_calls(self) -> int:
        """Return how many calls may have cost something that no sum holds."""
        return self.unknown_price_calls + self.unreported_calls


class CostRow(Struct, frozen=True, kw_only=True):
    """One group."""

    group: dict[str, str | None]
    """Name of the column -> value; None where requests said nothing."""
    own: bool = False
    """Whether these are calls that the gateway made for itself."""
    total_nano_usd: int
    """Everything that is known to have been spent."""
    sums: CostSums


class Costs(Struct, frozen=True, kw_only=True):
    """An answer: the dearest groups first, days in their order."""

    from_unix_ns: int
    to_unix_ns: int
    group_by: tuple[CostGroup, ...]
    rows: tuple[CostRow, ...]
    is_cut: bool = False
    """Whether there are more groups than were asked for; the totals hold them all."""
    total_nano_usd: int = 0
    totals: CostSums


def read_groups(text: str) -> tuple[CostGroup, ...]:
    """Return the columns that `model,feature` names.

    Raises:
        StoreQueryError: A name is not known or comes twice, or there are too many or none.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    groups = tuple(known for name in names for known in COST_GROUPS if known == name)
    if len(groups) != len(names) or len(set(names)) != len(names):
        raise StoreQueryError(
            f"costs cannot be grouped by {text[:60]!r}; there are: {', '.join(COST_GROUPS)}"
        )
    return check_groups(groups)


def check_groups(groups: tuple[CostGroup, ...]) -> tuple[CostGroup, ...]:
    """Return the columns to group by.

    Raises:
        StoreQueryError: One is not known, or there are too many or none.
    """
    if not 1 <= len(groups) <= MAX_GROUPS or any(each not in COST_GROUPS for each in groups):
        raise StoreQueryError(f"group costs by 1 to {MAX_GROUPS} of: {', '.join(COST_GROUPS)}")
    return groups


def check_span(from_unix_ns: int, to_unix_ns: int) -> None:
    """Refuse a span of time that holds nothing.

    Raises:
        StoreQueryError: Its end is not after its start.
    """
    if to_unix_ns <= from_unix_ns:
        raise StoreQueryError("the time span is empty: its end must be after its start")
