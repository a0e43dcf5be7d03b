"""The price book of a collector, made from the configuration as its gateways make theirs."""

from collections.abc import Callable

from pointsman.config.provider import ProviderConfig
from pointsman.config.root import LoadedConfig
from pointsman.core.clock import Clock
from pointsman.core.records import Cost
from pointsman.cost.prices import PriceBook
from pointsman.providers.gemini.client import TELEMETRY_NAME as GEMINI_NAME
from pointsman.providers.kinds import GEMINI
from pointsman.providers.openai.presets import find_preset
from pointsman.store.recosts import PriceCall, StoredUsage


def price_book(loaded: LoadedConfig) -> PriceBook:
    """Return the prices of a configuration, by configured and by telemetry names."""
    names = {name: telemetry_name(each) for name, each in loaded.config.providers.items()}
    return PriceBook(loaded.config.prices, loaded.version, telemetry_names=names)


def telemetry_name(config: ProviderConfig) -> str:
    """Return the name that a provider has in telemetry and price data."""
    if config.kind == GEMINI:
        return GEMINI_NAME
    preset = find_preset(config.kind, config.base_url)
    return preset.telemetry_name if preset is not None else config.kind


def prices_of(
    loaded: Callable[[], LoadedConfig], clock: Clock
) -> Callable[[bool], tuple[str, PriceCall]]:
    """Return what makes the prices in force ready for one pricing of history.

    Args:
        loaded: Returns the configuration in force.
        clock: Says when now is, for prices of now.
    """

    def make(at_current_prices: bool) -> tuple[str, PriceCall]:
        book = price_book(loaded())
        now_unix_ns = clock.unix_ns() if at_current_prices else None

        def price(stored: StoredUsage) -> Cost:
            at = stored.started_unix_ns if now_unix_ns is None else now_unix_ns
            return book.cost_of(stored.provider, stored.model, stored.usage, at)

        return book.version, price

    return make
