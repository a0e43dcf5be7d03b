"""What a reload replaced lives as long as the calls that it may still be answering."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from pointsman.app.provider_set import MARGIN_S, ProviderSet, longest_call_s
from pointsman.config.loader import load
from pointsman.config.root import LoadedConfig
from pointsman.core.clock import ManualClock
from pointsman.providers.kinds import KEYLESS_KINDS, KNOWN_KINDS

DEMO = "providers: {p: {kind: mock, default: true}}\n"
SLOW = """
providers: {local: {kind: ollama, default: true}}
targets:
  llama: {provider: local, model: llama3.1, num_ctx: 8192, tokens_per_second: 4}
"""


def loaded(text: str) -> LoadedConfig:
    return load(
        "pointsman.yaml",
        environment={},
        known_kinds=KNOWN_KINDS,
        keyless_kinds=KEYLESS_KINDS,
        text=text,
    )


class Timers:
    """The loop's timers, which are counted and not awaited."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.delays: list[float] = []
        loop = asyncio.get_running_loop()
        real = loop.call_later

        def call_later(delay: float, *rest) -> asyncio.TimerHandle:
            self.delays.append(delay)
            return real(3600, *rest)

        monkeypatch.setattr(loop, "call_later", call_later)


@pytest.fixture
async def timers(monkeypatch: pytest.MonkeyPatch) -> Timers:
    return Timers(monkeypatch)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def providers(clock: ManualClock) -> AsyncIterator[ProviderSet]:
    found = ProviderSet(clock, [])
    yield found
    await found.close()


def take(providers: ProviderSet, text: str) -> None:
    config = loaded(text)
    providers.adopt(config.config, providers.build(config))


@pytest.mark.parametrize(
    ("more", "seconds"),
    [
        ("", 300),
        ("targets: {a: {provider: p, model: m, timeout: {total: 20s}}}", 300),
        ("targets: {a: {provider: p, model: m, timeout: {total: 40m}}}", 2400),
        (
            "targets: {a: {provider: p, model: m}}\nroutes: {r: {targets: [a], timeout: 1h}}",
            3600,
        ),
        (
            "targets: {a: {provider: p, model: m, probe: {every: 1h, timeout: 15m}}}",
            900,
        ),
    ],
)
def test_the_longest_call_is_read_from_the_configuration(more: str, seconds: float):
    """Targets, routes and probes each have their limit; undeclared models the usual one."""
    assert longest_call_s(loaded(DEMO + more).config) == seconds


def test_a_slow_model_makes_calls_longer():
    """The rate of the hardware raises the limit: 8192 tokens at 4 a second, twice."""
    assert longest_call_s(loaded(SLOW).config) > 2 * 8192 / 4


async def test_a_replaced_provider_stays_until_its_longest_call_must_be_over(
    providers: ProviderSet, timers: Timers
):
    """The limit is that of the configuration under which its calls were made."""
    take(providers, SLOW)

    take(providers, DEMO)

    assert timers.delays == [longest_call_s(loaded(SLOW).config) + MARGIN_S]


async def test_a_kept_provider_has_calls_of_earlier_configurations(
    providers: ProviderSet, timers: Timers, clock: ManualClock
):
    """What a first reload shortened does not cut what began before it."""
    long = DEMO + "targets: {a: {provider: p, model: m, timeout: {total: 1h}}}"
    take(providers, long)
    take(providers, DEMO)
    clock.advance_s(600)

    take(providers, SLOW)

    assert timers.delays == [3600 + MARGIN_S - 600]


async def test_what_is_the_same_is_kept(providers: ProviderSet, timers: Timers):
    """Its connections stay warm and nothing is retired."""
    take(providers, DEMO)
    take(providers, DEMO + "targets: {a: {provider: p, model: m}}")

    assert timers.delays == []


async def test_closing_closes_what_still_ended_its_calls(monkeypatch: pytest.MonkeyPatch):
    """A stopped gateway leaves no connection behind."""
    found = ProviderSet(ManualClock(), [])
    take(found, DEMO)
    closed: list[str] = []
    config = loaded(DEMO)
    (old,) = found.build(config).values()

    async def close() -> None:
        closed.append("old")

    monkeypatch.setattr(old, "close", close)
    take(found, SLOW)
    await found.close()

    assert closed == ["old"]
