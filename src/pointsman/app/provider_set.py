"""The providers of a gateway worker, over its reloads."""

import asyncio
from collections.abc import Iterable, Mapping

from pointsman.app.resident_watch import ResidentWatch
from pointsman.config.provider import ProviderConfig
from pointsman.config.root import LoadedConfig
from pointsman.core.clock import Clock
from pointsman.core.dialect import Dialect
from pointsman.core.model_memory import ModelMemory
from pointsman.core.provider import Provider
from pointsman.gateway.translation import TranslatingProvider
from pointsman.providers.registry import build as build_provider
from pointsman.resilience.classify import classify

RETIRED_PROVIDER_S = 330.0
"""How long calls of a provider that a reload replaced may go on; longer than any call may take."""


class ProviderSet:
    """The providers in force, and those that still end their calls.

    Args:
        clock: For deadlines.
        dialects: What clients speak, for providers that speak another.
    """

    def __init__(self, clock: Clock, dialects: Iterable[Dialect]) -> None:
        self._clock = clock
        self._dialects = {dialect.name: dialect for dialect in dialects}
        self._providers: dict[str, Provider] = {}
        self._configs: dict[str, ProviderConfig] = {}
        self.residents = ResidentWatch(clock)
        """Looks at what those in force hold in memory, where their servers tell."""
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
            )
            for name, config in loaded.config.providers.items()
        }

    def adopt(self, configs: Mapping[str, ProviderConfig], providers: dict[str, Provider]) -> None:
        """Take over new providers; retire the replaced ones once their calls must be over."""
        kept = set(map(id, providers.values()))
        retired = [each for each in self._providers.values() if id(each) not in kept]
        self._providers = providers
        self._configs = dict(configs)
        self.residents.follow(_memories(providers))
        if retired:
            asyncio.get_running_loop().call_later(RETIRED_PROVIDER_S, self._close, retired)

    async def close(self) -> None:
        """Close the providers in force."""
        await self.residents.stop()
        for provider in self._providers.values():
            await provider.close()

    def _close(self, retired: list[Provider]) -> None:
        for provider in retired:
            task = asyncio.get_running_loop().create_task(provider.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


def _memories(providers: Mapping[str, Provider]) -> dict[str, ModelMemory]:
    """Return those whose server tells which models it holds, by name."""
    found = (
        (name, each.memory)
        for name, each in providers.items()
        if isinstance(each, TranslatingProvider)
    )
    return {name: memory for name, memory in found if memory is not None}
