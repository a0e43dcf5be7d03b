"""A supervisor over two roles that are moved by hand."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from fake_roles import FIRST, SECOND, FakeRole, FakeTerminal, Pauses, settle
from pointsman.core.clock import ManualClock
from pointsman.core.errors import ConfigError
from pointsman.supervisor.messages import Edition
from pointsman.supervisor.supervision import Supervisor, SupervisorSettings


@dataclass
class Family:
    """The supervisor, its roles and everything around it."""

    clock: ManualClock = field(default_factory=ManualClock)
    gateway: FakeRole = field(default_factory=FakeRole)
    collector: FakeRole = field(default_factory=FakeRole)
    terminal: FakeTerminal = field(default_factory=FakeTerminal)
    found: Edition | ConfigError = SECOND
    closed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pauses = Pauses(self.clock)
        self.supervisor = Supervisor(
            FIRST,
            self._load,
            self.terminal,
            self.clock,
            SupervisorSettings(grace_s=0.02, margin_s=0.02, fatal_codes=frozenset({2})),
            pause=self.pauses,
        )
        for name, role in (("gateway", self.gateway), ("collector", self.collector)):
            self.supervisor.add(name, role.spawn, lambda name=name: self.closed.append(name))
        self.running: asyncio.Task[int] | None = None

    def _load(self) -> Edition:
        if isinstance(self.found, ConfigError):
            raise self.found
        return self.found

    async def start(self) -> None:
        self.running = asyncio.ensure_future(self.supervisor.run())
        await settle()

    async def reload(self) -> None:
        self.supervisor.reload()
        await settle()

    async def wake(self) -> None:
        """End the pause before the next life."""
        self.pauses.end()
        await settle()

    async def end(self) -> int:
        assert self.running is not None
        if not self.running.done():
            self.supervisor.end()
        return await self.running

    def configs(self) -> list[str | None]:
        """The configuration that each role has in force."""
        return [self.gateway.life.config, self.collector.life.config]


@pytest.fixture
async def family() -> AsyncIterator[Family]:
    """Not started yet; ended after the test."""
    family = Family()
    yield family
    if family.running is not None:
        family.gateway.stops = family.collector.stops = True
        await family.end()
