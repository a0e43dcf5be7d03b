"""Pricing what was stored once more: what is asked, what came of it. No arithmetic."""

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from pointsman.core.records import Cost
from pointsman.core.usage import Usage


class StoredUsage(Struct, frozen=True):
    """What one attempt used, and what it counts as costing now."""

    provider: str
    model: str
    started_unix_ns: int
    usage: Usage
    cost_nano_usd: int | None


PriceCall: TypeAlias = Callable[[StoredUsage], Cost]
"""Prices one attempt. Called on a thread of the store, one call at a time."""


class RecostOrder(Struct, frozen=True, kw_only=True):
    """Which charges are to be priced anew, and who wants it."""

    from_unix_ns: int
    to_unix_ns: int
    at_current_prices: bool = False
    dry_run: bool = False
    actor: str = "cli"
    price_book: str = ""
    """The version of the price book that will be used."""


class RecostReport(Struct, frozen=True, kw_only=True):
    """What a pricing changed, or would change."""

    revision: int = 0
    """Number of the pricing; 0 when nothing was written."""
    dry_run: bool = False
    at_current_prices: bool = False
    price_book: str = ""
    from_unix_ns: int = 0
    to_unix_ns: int = 0
    attempts: int = 0
    """Attempts that were priced."""
    without_usage: int = 0
    """Attempts left as they are, because nobody counted what they used."""
    changed: int = 0
    became_known: int = 0
    """Of the changed: had no known cost before."""
    became_unknown: int = 0
    """Of the changed: have no known cost any more."""
    before_nano_usd: int = 0
    """Known costs of the priced attempts before."""
    after_nano_usd: int = 0

    @property
    def difference_nano_usd(self) -> int:
        """Return by how much the known costs grow."""
        return self.after_nano_usd - self.before_nano_usd


class RecostRun(Struct, frozen=True, kw_only=True):
    """One pricing that was written: who, when, and what it changed."""

    revision: int
    made_unix_ns: int
    actor: str
    report: RecostReport


class Progress(Struct):
    """How far a pricing is; read from another thread."""

    done: int = 0
    total: int = 0
    is_wanted: bool = True
    """Set to False to have it end early, with nothing written."""
