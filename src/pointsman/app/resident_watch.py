"""Asks the servers of own hardware now and then what they hold in memory, for those who look.

In the background, at a low rate, each answer bounded by its provider. Without such a provider
there is no task and no question. Shown by `/ready` and by the metrics; nothing decides by it.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping

from msgspec import Struct
from prometheus_client import CollectorRegistry

from pointsman.core.clock import Clock
from pointsman.core.model_memory import ModelMemory, Resident
from pointsman.gateway.gauges import ResidentGauges, ResidentRow

EVERY_S = 15.0
"""From the end of one look to the next."""
MAX_MODELS = 32
"""Shown of one server, the largest first: what it lists is its own word, so it is bounded."""
_NS_PER_MS = 1_000_000
_logger = logging.getLogger("pointsman")


class Look(Struct, frozen=True):
    """What a server said last."""

    at_ns: int
    models: tuple[Resident, ...] | None
    """None when it did not say."""


class ResidentWatch:
    """Looks at the memories of the configuration in force until stopped.

    Args:
        clock: For the age of what is shown.
        every_s: From the end of one look to the next.
    """

    def __init__(self, clock: Clock, every_s: float = EVERY_S) -> None:
        self._clock = clock
        self._every_s = every_s
        self._memories: Mapping[str, ModelMemory] = {}
        self._looks: dict[str, Look] = {}
        self._has_started = False
        self._task: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    def start(self, registry: CollectorRegistry) -> None:
        """Show the figures, and begin if there is a server to ask."""
        ResidentGauges(registry, self._rows)
        self._has_started = True
        self.follow(self._memories)

    def follow(self, memories: Mapping[str, ModelMemory]) -> None:
        """Look at these from now on, at once if they are others; forget those that are gone."""
        is_running = self._task is not None
        if self._has_started and memories and not (is_running and memories == self._memories):
            self._leave()
            self._task = asyncio.get_running_loop().create_task(self._run(memories))
        elif not memories:
            self._leave()
        self._looks = {
            name: look
            for name, look in self._looks.items()
            if self._memories.get(name) is memories.get(name)
        }
        self._memories = memories

    async def stop(self) -> None:
        """End what is under way and wait for it."""
        self._has_started = False
        self._leave()
        await asyncio.gather(*self._ending, return_exceptions=True)

    def state(self) -> dict[str, dict[str, dict[str, object]]]:
        """Return what `/ready` tells: per provider what it held at the last look, or nothing."""
        now_ns = self._clock.monotonic_ns()
        told = {name: _told(self._looks.get(name), now_ns) for name in self._memories}
        return {"residentModels": told} if told else {}

    def _leave(self) -> None:
        if self._task is not None:
            self._ending.add(self._task)
            self._task.add_done_callback(self._ending.discard)
            self._task.cancel()
            self._task = None

    async def _run(self, memories: Mapping[str, ModelMemory]) -> None:
        while True:
            # Side by side: one that does not answer keeps no other waiting.
            async with asyncio.TaskGroup() as group:
                for name, memory in memories.items():
                    group.create_task(self._look(name, memory))
            await asyncio.sleep(self._every_s)

    async def _look(self, name: str, memory: ModelMemory) -> None:
        try:
            found = await memory.resident_models()
        except Exception:  # a fault of ours must not end the watch of the others
            _logger.exception("provider %s could not be asked for its models in memory", name)
            found = None
        if self._memories.get(name) is not memory:
            return
        if found is not None:
            largest = sorted(found, key=lambda each: (-each.size_bytes, each.model))
            found = tuple(largest[:MAX_MODELS])
        self._looks[name] = Look(self._clock.monotonic_ns(), found)

    def _rows(self) -> Iterable[ResidentRow]:
        for name, look in self._looks.items():
            for each in look.models or ():
                yield ResidentRow(name, each.model, each.vram_bytes, each.context_tokens)


def _told(look: Look | None, now_ns: int) -> dict[str, object]:
    if look is None:
        return {"ageMs": None, "models": None}
    models = None if look.models is None else [_model(each) for each in look.models]
    return {"ageMs": (now_ns - look.at_ns) // _NS_PER_MS, "models": models}


def _model(resident: Resident) -> dict[str, object]:
    return {
        "model": resident.model,
        "contextTokens": resident.context_tokens,
        "sizeBytes": resident.size_bytes,
        "vramBytes": resident.vram_bytes,
        "expiresAt": resident.expires_at,
    }
