"""What the routes about money take and answer."""

from typing import Literal

from msgspec import Struct

from pointsman.store.alerts import Alert
from pointsman.store.recosts import RecostReport, RecostRun


class AlertList(Struct, frozen=True, kw_only=True):
    """Alerts, the open ones first, then the one that was opened last."""

    alerts: list[Alert]
    open_count: int
    """How many of all alerts that the asker may see are open."""


class RecostRequest(Struct, frozen=True, kw_only=True):
    """An order to price a span of time once more."""

    from_unix_ns: int
    to_unix_ns: int
    at_current_prices: bool = False
    """Take the prices of now for every call, instead of those of when it was made."""
    dry_run: bool = False
    """Only report what would change."""


class RecostState(Struct, frozen=True, kw_only=True):
    """How far a pricing is."""

    number: int
    """Of the order, since the collector started; 0 when there was none."""
    state: Literal["none", "running", "finished", "failed"]
    done: int = 0
    total: int = 0
    report: RecostReport | None = None
    why: str = ""
    """It failed."""


class RecostRuns(Struct, frozen=True, kw_only=True):
    """Pricings that took effect, the newest first."""

    runs: list[RecostRun]


class UsageItem(Struct, frozen=True, kw_only=True):
    """What was used, and what it cost as far as that is known."""

    request_count: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    total_cost_usd: str
    """Exact, as text: `0.001234567`."""
    total_cost_nano_usd: int
    unknown_cost_requests: int
    """Requests that may have cost something which is not in the sum."""


class UsageDay(UsageItem, frozen=True, kw_only=True):
    """One day in UTC."""

    day: str


class UsageByDay(Struct, frozen=True, kw_only=True):
    """Days in their order; those without requests are left out."""

    tenant: str | None
    """Whose usage it is; null for a key that is bound to no tenant, which sees its own."""
    customer_id: str | None = None
    days: list[UsageDay]
    next_cursor: str | None = None
    """Hand it back as `cursor` for the days after; null at the end."""


class CustomerUsage(UsageItem, frozen=True, kw_only=True):
    """One customer."""

    customer_id: str | None
    """Null for requests that named no customer."""


class UsageByCustomer(Struct, frozen=True, kw_only=True):
    """Customers, the dearest first."""

    tenant: str | None
    items: list[CustomerUsage]
    is_cut: bool = False
    """Whether there are more customers than were asked for."""
