"""A collector prices as its gateways do."""

import contextlib

import pytest

from configuration_text import MOCK, loaded
from pointsman.app.price_book import price_book, prices_of, telemetry_name
from pointsman.config.provider import ProviderConfig
from pointsman.config.section import Secret
from pointsman.core.clock import ManualClock
from pointsman.core.errors import ConfigError
from pointsman.core.usage import Usage
from pointsman.providers.registry import KNOWN_KINDS, build
from pointsman.resilience.classify import classify
from pointsman.store.recosts import StoredUsage

DAY_NS = 86_400 * 1_000_000_000


@pytest.mark.parametrize("kind", sorted(KNOWN_KINDS))
def test_every_provider_has_the_name_that_a_gateway_gives_it(kind):
    """Prices are looked for by that name."""
    config = ProviderConfig(
        kind=kind, base_url="https://api.example.com/v1", api_key=Secret("k" * 20, "K")
    )
    with contextlib.suppress(ConfigError):
        provider = build("p", config, ManualClock(), classify)

        assert telemetry_name(config) == provider.telemetry_name


def test_prices_are_those_of_the_day_of_the_call_or_of_now():
    """As the order says."""
    dated = "{input_usd_per_mtok: 9, output_usd_per_mtok: 9, valid_from: 2026-06-01, earlier: "
    dated += "[{input_usd_per_mtok: 1, output_usd_per_mtok: 1}]}"
    config = loaded(f"{MOCK}\nprices: {{models: {{m: {dated}}}}}\n")
    clock = ManualClock(unix_ns=21_000 * DAY_NS)  # in 2027
    used = StoredUsage("mock", "m", 20_000 * DAY_NS, Usage(1_000, 0), None)  # in 2024

    version, then = prices_of(lambda: config, clock)(False)
    _, now = prices_of(lambda: config, clock)(True)

    assert then(used).total_nano_usd == 1_000_000
    assert now(used).total_nano_usd == 9_000_000
    assert version == price_book(config).version
