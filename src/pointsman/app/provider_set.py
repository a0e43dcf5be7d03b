"""The providers of a gateway worker, over its reloads."""

import asyncio
from collections.abc import Iterable, Mapping

from pointsman.app.resident_watch import ResidentWatch
from pointsman.config.provider import ProviderConfig
from pointsman.config.root import Config, LoadedConfig
from pointsman.core.clock import Clock
from pointsman.core.dialect import Dialect
from pointsman.core.model_memory import ModelMemory
from pointsman.core.provider import Provider
from pointsman.core.target import Timeouts
from pointsman.cost.token_estimator import TokenEstimator
from pointsman.gateway.translation import TranslatingProvider
from pointsman.providers.registry import build as build_provider
from pointsman.resilience.classify import classify
from pointsman.routing.local_run import local_run, raised

MARGIN_S = 30.0
"""For what a call does before its limit of time begins: it is received, admitted and judged."""
_NS_PER_S = 1_000_000_000


class ProviderSet:
    """The providers in force, and those that still end their calls.

    Args:
        clock: For deadlines.
        dialects: What clients speak, for providers that speak another.
        estimator: Tells tokens where a provider cannot count.
    """

    def __init__(
        self,
        clock: Clock,
        dialects: Iterable[Dialect],
        estimator: TokenEstimator | None = None,
    ) -> None:
        self._clock = clock
        self._dialects = {dialect.name: dialect for dialect in dialects}
        self._estimate = (estimator or TokenEstimator()).input_tokens
        self._providers: dict[str, Provider] = {}
        self._configs: dict[str, ProviderConfig] = {}
        self.residents = ResidentWatch(clock)
        """Looks at what those in force hold in memory, where their servers tell."""
        self._longest_call_s = 0.0
        self._last_end_ns = 0
        self._retiring: dict[asyncio.TimerHandle, list[Provider]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """The providers in force."""
        return tuple(self._providers)

    def build(self, loaded: LoadedConfig) -> dict[str, Provider]:
        """Build what is new or changed, keep what is the same: its connections stay warm."""
        return {
            name: self._providers[name]
            if self._configs.get(name) == config
            else TranslatingProvider(
                build_provider(name, config, self._clock, classify, proxy=loaded.proxy),
                self._dialects,
                self._estimate,
            )
            for name, config in loaded.config.providers.items()
        }

    def adopt(self, config: Config, providers: dict[str, Provider]) -> None:
        """Take over new providers; retire the replaced ones once their calls must be over."""
        now_ns = self._clock.monotonic_ns()
        # A provider that was kept over several reloads may have calls of any of them.
        lasts_s = self._longest_call_s + MARGIN_S
        self._last_end_ns = max(self._last_end_ns, now_ns + round(lasts_s * _NS_PER_S))
        self._longest_call_s = longest_call_s(config)
        kept = set(map(id, providers.values()))
        retired = [each for each in self._providers.values() if id(each) not in kept]
        self._providers = providers
        self._configs = dict(config.providers)
        self.residents.follow(_memories(providers))
        if retired:
            self._retire(retired, (self._last_end_ns - now_ns) / _NS_PER_S)

    async def close(self) -> None:
        """Close the providers in force, and the replaced ones with what is left of their calls."""
        await self.residents.stop()
        for handle, retired in [*self._retiring.items()]:
            handle.cancel()
            self._close(handle, retired)
        for provider in self._providers.values():
            await provider.close()
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _retire(self, retired: list[Provider], after_s: float) -> None:
        handle: asyncio.TimerHandle = asyncio.get_running_loop().call_later(
            after_s, lambda: self._close(handle, retired)
        )
        self._retiring[handle] = retired

    def _close(self, handle: asyncio.TimerHandle, retired: list[Provider]) -> None:
        del self._retiring[handle]
        for provider in retired:
            task = asyncio.get_running_loop().create_task(provider.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


def longest_call_s(config: Config) -> float:
    """Return the longest that a call may take under a configuration, in seconds.

    A route's own limit counts, else that of its slowest target (see `gateway.pipeline`); a model
    that nobody declared has its provider's; a probe has its own.
    """
    providers = config.providers.values()
    limits = [raised(Timeouts(), local_run(provider)).total_s for provider in providers]
    for target in config.targets.values():
        own = Timeouts(total_s=float(target.timeout.total))
        local = local_run(config.providers[target.provider], target)
        limits.append(raised(own, local).total_s)
        if target.probe is not None:
            limits.append(float(target.probe.timeout))
    limits += [float(each.timeout) for each in config.routes.values() if each.timeout is not None]
    return max(limits, default=0.0)


def _memories(providers: Mapping[str, Provider]) -> dict[str, ModelMemory]:
    """Return those whose server tells which models it holds, by name."""
    found = (
        (name, each.memory)
        for name, each in providers.items()
        if isinstance(each, TranslatingProvider)
    )
    return {name: memory for name, memory in found if memory is not None}
