"""`prices`: rates that replace or add to the bundled price data."""

from msgspec import field

from pointsman.config.section import Section


class PriceConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rates of one model, in US dollars per million tokens, written as text or numbers."""

    input_usd_per_mtok: str | float | int
    output_usd_per_mtok: str | float | int
    cache_read_usd_per_mtok: str | float | int | None = None
    cache_write_usd_per_mtok: str | float | int | None = None
    reasoning_usd_per_mtok: str | float | int | None = None
    request_usd_per_kcount: str | float | int | None = None


class PricesConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All price overrides."""

    models: dict[str, PriceConfig] = field(default_factory=dict)
    """`provider/model` or a model name -> rates."""
