"""Keeps one role running: starts it, starts it again when it ends, ends it when told.

Knows how its role is, not what the others do: `supervision.py` joins them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol, TypeAlias

from pointsman.core.clock import Clock
from pointsman.supervisor.backoff import Backoff
from pointsman.supervisor.child import Child, Spawn
from pointsman.supervisor.messages import (
    Answer,
    Begin,
    Edition,
    Link,
    Order,
    Refused,
    Report,
    Started,
    Stop,
)

State: TypeAlias = Literal["starting", "up", "restarting", "down", "ended"]
Pause: TypeAlias = Callable[[float], Awaitable[None]]
DOWN_AFTER = 3
"""Ends in a row after which a role counts as down; it is started again all the same."""
RENEWED_AFTER_S = 1.0
"""A life that ended in order after less than this is no renewal but a fault that may repeat."""
ANSWER_S = 30.0
"""How long a role may think about a configuration."""


class Watcher(Protocol):
    """Who is told what becomes of a role."""

    @property
    def edition(self) -> Edition:
        """The configuration in force."""
        ...

    def changed(self, keeper: "RoleKeeper") -> None:
        """The role's state is another."""
        ...

    def ended(self, keeper: "RoleKeeper", code: int, pause_s: float) -> None:
        """The role ended by itself and is started again after `pause_s`."""
        ...

    def linked(self, link: Link) -> None:
        """The role has an address to show."""
        ...


class RoleKeeper:
    """The keeper of one role.

    Args:
        name: The role's name.
        spawn: Starts one life of it.
        watcher: Is told.
        clock: Tells how long a life lasted.
        pause: Waits the given seconds.
        backoff: How long to wait before the next life.
    """

    def __init__(
        self,
        name: str,
        spawn: Spawn,
        watcher: Watcher,
        clock: Clock,
        *,
        pause: Pause = asyncio.sleep,
        backoff: Backoff | None = None,
    ) -> None:
        self.name = name
        self.state: State = "starting"
        self.has_been_up = False
        self._spawn = spawn
        self._watcher = watcher
        self._clock = clock
        self._pause = pause
        self._backoff = backoff or Backoff()
        self._child: Child | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._is_outdated = False
        self._is_ending = False
        self._is_resting = False
        self._has_ended = asyncio.Event()
        self._work: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process of the present life; None between two lives."""
        return self._child.pid if self._child is not None else None

    def start(self) -> None:
        """Begin to keep the role running."""
        self._work = asyncio.get_running_loop().create_task(self._run())

    def send(self, order: Order) -> None:
        """Give an order to the present life; between two lives nobody hears it."""
        if self._child is not None:
            self._child.send(order)

    async def ask(self, order: Order, version: str) -> Answer:
        """Give an order about a configuration and return the answer.

        A role that ends, or does not answer in time, has refused.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answer = answer
        self.send(order)
        try:
            async with asyncio.timeout(ANSWER_S):
                return await answer
        except TimeoutError:
            return Refused(version, f"no answer within {ANSWER_S:g} s")
        finally:
            self._answer = None

    def renew(self) -> None:
        """End the present life and begin another at once: this one has a wrong configuration."""
        if self._child is not None:
            self._is_outdated = True
            self._child.kill()

    async def end(self, grace_s: float, margin_s: float) -> None:
        """End the role for good.

        Args:
            grace_s: What the role may give to requests under way.
            margin_s: What it may take beyond that, before it is killed.
        """
        self._is_ending = True
        self._wake()
        self.send(Stop(grace_s))
        try:
            async with asyncio.timeout(grace_s + margin_s):
                await self._has_ended.wait()
        except TimeoutError:
            self.kill()
            await self._has_ended.wait()

    def _wake(self) -> None:
        """Cut the wait between two lives short. A start under way is never cut: see `_live`."""
        if self._is_resting and self._work is not None:
            self._work.cancel()

    def kill(self) -> None:
        """End the present life as `kill -9` does."""
        if self._child is not None:
            self._child.kill()

    async def close(self) -> None:
        """Make sure that nothing of the role is left, whatever happened before."""
        self._is_ending = True
        self._wake()
        self.kill()
        if self._work is not None:
            await asyncio.wait([self._work])

    async def _run(self) -> None:
        try:
            while not self._is_ending:
                started_ns = self._clock.monotonic_ns()
                code = await self._live()
                if self._is_ending:
                    return
                lived_s = (self._clock.monotonic_ns() - started_ns) / 1e9
                await self._wait_after(code, lived_s)
        finally:
            self._ended()

    async def _live(self) -> int | None:
        """Run one life; return its exit code, None when it could not begin."""
        self._is_outdated = False
        try:
            child = await self._spawn()
        except OSError:
            return None
        self._child = child
        try:
            if self._is_ending:
                child.kill()
            child.send(Begin(self._watcher.edition))
            async for report in child.reports():
                self._hear(report)
            return await child.wait()
        finally:
            self._child = None
            self._give(None)

    async def _wait_after(self, code: int | None, lived_s: float) -> None:
        if self._is_outdated:
            self._be("starting")
            return
        if code == 0 and lived_s >= RENEWED_AFTER_S:
            # It was asked to end and did so in order: whoever waits on its socket waits for the
            # next life, so that begins at once.
            self._be("restarting")
            self._watcher.ended(self, code, 0.0)
            return
        pause_s = self._backoff.after(lived_s)
        self._be("down" if self._backoff.ends >= DOWN_AFTER else "restarting")
        self._watcher.ended(self, -1 if code is None else code, pause_s)
        self._is_resting = True
        try:
            await self._pause(pause_s)
        finally:
            self._is_resting = False

    def _hear(self, report: Report) -> None:
        match report:
            case Started(version):
                if version != self._watcher.edition.version:
                    self.renew()
                    return
                self.has_been_up = True
                self._be("up")
            case Link():
                self._watcher.linked(report)
            case _:
                self._give(report)

    def _give(self, answer: Answer | None) -> None:
        """Hand an answer to whoever asked; None when there will be none."""
        asked = self._answer
        if asked is None or asked.done():
            return
        asked.set_result(answer if answer is not None else Refused("", "it ended"))

    def _be(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self._watcher.changed(self)

    def _ended(self) -> None:
        self._has_ended.set()
        self._be("ended")
