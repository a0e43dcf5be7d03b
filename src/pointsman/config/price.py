"""`prices`: rates that replace or add to the bundled price data."""

from typing import TypeAlias

from msgspec import field

from pointsman.config.section import Section

Rate: TypeAlias = str | int | float
"""US dollars, exact when written as text."""


class RatesConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rates of one model, in US dollars per million tokens, written as text or numbers."""

    input_usd_per_mtok: Rate
    """A million input tokens that come from no cache."""
    output_usd_per_mtok: Rate
    """A million output tokens."""
    cache_read_usd_per_mtok: Rate | None = None
    """A million input tokens read from the provider's cache; without it, as other input."""
    cache_write_usd_per_mtok: Rate | None = None
    """A million input tokens written to the provider's cache; without it, as other input."""
    cache_write_1h_usd_per_mtok: Rate | None = None
    """A million input tokens written to the provider's cache for an hour; without it, as other
    writes to the cache."""
    reasoning_usd_per_mtok: Rate | None = None
    """A million output tokens spent on reasoning; without it, as other output."""
    request_usd_per_kcount: Rate | None = None
    """A thousand requests, on top of their tokens."""
    valid_from: str | None = None
    """First day of these rates, in UTC, as in `2026-11-01`; absent means that they always hold.
    Before it `earlier` counts, and without that the bundled data."""


class PriceConfig(RatesConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rates of one model, in US dollars per million tokens, written as text or numbers."""

    earlier: list[RatesConfig] = field(default_factory=list)
    """Rates that held before `valid_from`, each with its own."""


class PricesConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rates that replace or add to the bundled price data."""

    models: dict[str, PriceConfig] = field(default_factory=dict)
    """`provider/model` or a model name -> rates."""
