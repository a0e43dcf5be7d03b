"""The bundled price data, read once per model and compiled into integer rates.

Owns everything that is known about the library `genai-prices`: which of its providers is meant,
how its dates, hours and context tiers read. Its own `calc_price` takes 120 to 200 µs and its
look-up caches grow with every name ever asked for, so neither is used on behalf of requests.

Importing this module reads no price data; making a `Catalogue` does (0.1 to 0.3 s; 17 MiB, of which
the data is 3 and the library's own imports the rest).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

from pointsman.core.money import NANO_PER_USD
from pointsman.cost.rates import ContextBands, Period, PriceSchedule, Rates

if TYPE_CHECKING:
    from genai_prices.types import ConditionalPrice, ModelInfo, ModelPrice, Provider, TieredPrices

PRICE_PROVIDERS: dict[str, tuple[str, ...]] = {
    # OpenTelemetry's well-known values of gen_ai.provider.name:
    # https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/ (read 2026-11)
    "anthropic": ("anthropic",),
    "aws.bedrock": ("aws",),
    "azure.ai.inference": ("azure",),
    "azure.ai.openai": ("azure",),
    "cohere": ("cohere",),
    "deepseek": ("deepseek",),
    "gcp.gemini": ("google",),
    "gcp.gen_ai": ("google",),
    "gcp.vertex_ai": ("google",),
    "groq": ("groq",),
    "mistral_ai": ("mistral",),
    "moonshot_ai": ("moonshotai",),
    "openai": ("openai",),
    "perplexity": ("perplexity",),
    "x_ai": ("x-ai",),
    # Providers without a well-known value; ours is the price data's own.
    "arcee": ("arcee",),
    "avian": ("avian",),
    "baseten": ("baseten",),
    "cerebras": ("cerebras",),
    "cloudflare": ("cloudflare",),
    "databricks": ("databricks",),
    "fireworks": ("fireworks",),
    "minimax": ("minimax",),
    "novita": ("novita",),
    "openrouter": ("openrouter",),
    "ovhcloud": ("ovhcloud",),
    "together": ("together",),
    "voyageai": ("voyageai",),
    "zai": ("zai",),
    # A mock call is priced as the vendor of the named model would: records say `mock`.
    "mock": ("openai", "anthropic", "google"),
}
"""`telemetry_name` of a provider -> ids in the price data, tried in order."""

LONGEST_MODEL_NAME = 256
"""Longer names are unknown: each look-up runs the price data's patterns over the name."""

_PRICE_KEYS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "reasoning": "output_reasoning_mtok",
    "requests": "requests_kcount",
}
"""Field of `Rates` -> key of the price data. Source: genai-prices 0.2.3, prices/units.yml."""
_PER_KCOUNT = frozenset({"requests"})


class Catalogue:
    """The price data of the installed library."""

    __slots__ = ("_by_id", "_providers", "version")

    def __init__(self) -> None:
        import genai_prices
        from genai_prices.data import providers

        self._providers = providers
        self._by_id = {provider.id: provider for provider in providers}
        self.version = f"genai-prices {genai_prices.__version__}"

    def schedule_of(
        self, provider: str, model: str, *, any_provider: bool = False
    ) -> PriceSchedule | None:
        """Compile the prices of a model; None when they are not known.

        Args:
            provider: A `telemetry_name`.
            model: The name as the provider knows it, dated or not.
            any_provider: For a provider that is not in the table: take the price at the vendor
                whose naming the model follows.
        """
        if not model or len(model) > LONGEST_MODEL_NAME:
            return None

        for candidate in self._candidates(provider, model, any_provider=any_provider):
            found = candidate.find_model(model, all_providers=self._providers)
            schedule = _schedule(found, model, self.version) if found is not None else None
            if schedule is not None:
                return schedule
        return None

    def _candidates(self, provider: str, model: str, *, any_provider: bool) -> list[Provider]:
        ids = PRICE_PROVIDERS.get(provider)
        if ids is not None:
            return [self._by_id[id_] for id_ in ids if id_ in self._by_id]
        if not any_provider:
            return []
        lowered = model.lower()
        return [
            each
            for each in self._providers
            if each.model_match is not None and each.model_match.is_match(lowered)
        ]


def _schedule(found: ModelInfo, model: str, version: str) -> PriceSchedule | None:
    if isinstance(found.prices, list):
        # Later entries win; the first is the fallback when none is valid.
        periods = [_period(price) for price in reversed(found.prices)]
    else:
        periods = [Period(_bands(found.prices))]
    if not any(_has_rates(period.bands) for period in periods):
        # The data writes both "free" and "no longer listed" as an empty block. Only a name that
        # says `:free` is taken for free; anything else is unknown, because 0 would be a claim.
        if not model.lower().endswith(":free"):
            return None
        periods = [Period(ContextBands((Rates(input=0, output=0),)))]
    return PriceSchedule(tuple(periods), version, found.context_window)


def _has_rates(bands: ContextBands) -> bool:
    return any(rates != Rates() for rates in bands.rates)


def _period(price: ConditionalPrice) -> Period:
    from genai_prices.types import StartDateConstraint, TimeOfDateConstraint

    bands = _bands(price.prices)
    constraint = price.constraint
    if isinstance(constraint, StartDateConstraint):
        return Period(bands, from_unix_ns=_midnight_unix_ns(constraint.start_date))
    if isinstance(constraint, TimeOfDateConstraint):
        start_ns, end_ns = _of_day_ns(constraint.start_time), _of_day_ns(constraint.end_time)
        return Period(bands, day_start_ns=start_ns, day_end_ns=end_ns)
    return Period(bands)


def _bands(price: ModelPrice) -> ContextBands:
    found = {field: getattr(price, key, None) for field, key in _PRICE_KEYS.items()}
    starts = sorted({start for value in found.values() for start in _tier_starts(value)})
    # Band n holds for inputs above starts[n - 1]; the one below every threshold is the base.
    rates = [_rates_above(found, floor) for floor in (-1, *starts)]
    return ContextBands(tuple(rates), tuple(starts))


def _tier_starts(value: Decimal | TieredPrices | None) -> list[int]:
    if value is None or isinstance(value, Decimal):
        return []
    return [tier.start for tier in value.tiers]


def _rates_above(found: dict[str, Decimal | TieredPrices | None], floor: int) -> Rates:
    return Rates(**{field: _rate(field, value, floor) for field, value in found.items()})


def _rate(field: str, value: Decimal | TieredPrices | None, floor: int) -> int | None:
    if value is None:
        return None

    usd = value if isinstance(value, Decimal) else value.base
    if not isinstance(value, Decimal):
        for tier in value.tiers:
            if tier.start <= floor:
                usd = tier.price
    units_to_million = 1000 if field in _PER_KCOUNT else 1
    # Rounded up: a few prices are float artefacts with 17 decimals, finer than a nano-USD.
    nano_usd = usd * NANO_PER_USD * units_to_million
    return int(nano_usd.to_integral_value(rounding=ROUND_CEILING))


def _midnight_unix_ns(day: date) -> int:
    return int(datetime.combine(day, time(), tzinfo=UTC).timestamp()) * NANO_PER_USD


def _of_day_ns(of_day: time) -> int:
    """Return nanoseconds since midnight UTC; a time without a zone is UTC."""
    aware = of_day if of_day.tzinfo is not None else of_day.replace(tzinfo=UTC)
    utc = datetime.combine(date(2000, 1, 1), aware).astimezone(UTC)
    seconds = utc.hour * 3600 + utc.minute * 60 + utc.second
    return seconds * 1_000_000_000 + utc.microsecond * 1000
