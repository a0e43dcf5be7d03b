"""`Supervisor`: the parent of one instance's roles, from the first start to the last end.

Joins the keepers of the roles: tells the gateway how the collector is, gives all of them one
configuration, ends them in order. Opens nothing itself; sockets, locks and the commands that start
roles are handed in.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from pointsman.core.clock import Clock
from pointsman.core.errors import ConfigError
from pointsman.supervisor.child import Spawn
from pointsman.supervisor.keeper import Pause, RoleKeeper
from pointsman.supervisor.messages import Edition, Link, News
from pointsman.supervisor.reload import commit_all, prepare_all

SETTLE_S = 10.0
"""How long the first announcement waits for every role to be up."""


class SupervisorSettings(Struct, frozen=True, kw_only=True):
    """How an instance ends, and what ends it."""

    grace_s: float = 20.0
    """What requests under way may take at the end."""
    margin_s: float = 8.0
    """What a role may take beyond that for its last records, before it is killed."""
    fatal_codes: frozenset[int] = frozenset()
    """Exit codes with which a role says that another start would fail alike."""
    cut_code: int = 130
    """What `run` returns when a second signal did not let requests finish."""


class Terminal(Protocol):
    """Where the person who started it looks."""

    def say(self, text: str, *, is_problem: bool = False) -> None:
        """Show something of the supervisor's."""
        ...

    def announce(self, links: Sequence[Link], states: Mapping[str, str]) -> None:
        """Show that the instance serves, where, and how its roles are. Called once."""
        ...


class Supervisor:
    """Supervises roles; the first is the one without which nothing serves.

    Args:
        edition: The checked configuration to start with.
        reload: Loads and checks the configuration anew. Raises `ConfigError`.
        terminal: Is told.
        clock: For the pace of restarts.
        settings: How it ends.
        pause: Waits the given seconds.
    """

    def __init__(
        self,
        edition: Edition,
        reload: Callable[[], Edition],
        terminal: Terminal,
        clock: Clock,
        settings: SupervisorSettings | None = None,
        *,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self.edition = edition
        self._reload = reload
        self._terminal = terminal
        self._clock = clock
        self._settings = settings or SupervisorSettings()
        self._pause = pause
        self._keepers: list[RoleKeeper] = []
        self._stages: list[tuple[Callable[[], None], list[RoleKeeper]]] = []
        self._links: list[Link] = []
        self._is_announced = False
        self._has_settled = asyncio.Event()
        self._wants_reload = asyncio.Event()
        self._wants_end = asyncio.Event()
        self._is_cut = False
        self._code = 0

    def add(
        self,
        name: str,
        spawn: Spawn,
        stop_listening: Callable[[], None],
        *,
        with_last: bool = False,
    ) -> None:
        """Add a role; before `run`. Roles end in the order in which they were added.

        Args:
            name: The role's name.
            spawn: Starts one life of it.
            stop_listening: Closes the supervisor's own copy of the role's socket: while it is open,
                connections wait instead of being refused.
            with_last: It serves the same socket as the role added before, and ends with it.
        """
        keeper = RoleKeeper(name, spawn, self, self._clock, pause=self._pause)
        self._keepers.append(keeper)
        if with_last:
            self._stages[-1][1].append(keeper)
        else:
            self._stages.append((stop_listening, [keeper]))

    def reload(self) -> None:
        """Load the configuration anew, as SIGHUP asks; one reload at a time."""
        self._wants_reload.set()

    def end(self) -> None:
        """End in order; the second call does not wait for requests under way."""
        if not self._wants_end.is_set():
            self._wants_end.set()
            return
        self._is_cut = True
        for keeper in self._keepers:
            keeper.kill()

    async def run(self) -> int:
        """Run until told to end, and return the exit code. No role is left behind."""
        loop = asyncio.get_running_loop()
        for keeper in self._keepers:
            keeper.start()
        others = [loop.create_task(self._reload_on_demand()), loop.create_task(self._settle())]
        try:
            await self._wants_end.wait()
            others[0].cancel()
            await self._end_in_order()
        finally:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            for keeper in self._keepers:
                await keeper.close()
        return self._settings.cut_code if self._is_cut else self._code

    def changed(self, keeper: RoleKeeper) -> None:
        """Tell the roles how one of them is."""
        for other in self._keepers:
            if other is keeper and keeper.state == "up":
                self._brief(keeper)
            elif other is not keeper:
                other.send(News(keeper.name, keeper.state))
        if all(each.state != "starting" for each in self._keepers):
            self._has_settled.set()
        if self._is_announced and keeper.state == "up":
            self._terminal.say(f"the {keeper.name} is up again (process {keeper.pid})")

    def ended(self, keeper: RoleKeeper, code: int, pause_s: float) -> None:
        """Say that a role has ended; give up when the first one cannot start at all."""
        is_first = keeper is self._keepers[0]
        if is_first and not keeper.has_been_up and code in self._settings.fatal_codes:
            self._code = code
            self._wants_end.set()
            return
        when = f"in {pause_s:g} s" if pause_s else "at once"
        text = f"the {keeper.name} ended ({_how(code)}); it is started again {when}"
        if keeper.state == "down":
            text += "; it keeps ending and counts as down"
            text += "" if is_first else f", the {self._keepers[0].name} goes on without it"
        self._terminal.say(text, is_problem=True)

    def linked(self, link: Link) -> None:
        """Keep a link for the announcement, or show it now."""
        if self._is_announced:
            self._terminal.say(f"{link.label}: {link.url}")
        else:
            self._links.append(link)

    def _brief(self, keeper: RoleKeeper) -> None:
        """Tell a role that is up how the others are."""
        for other in self._keepers:
            if other is not keeper:
                keeper.send(News(other.name, other.state))

    async def _settle(self) -> None:
        """Announce the instance once every role is up, or has shown that it takes longer."""
        try:
            async with asyncio.timeout(SETTLE_S):
                await self._has_settled.wait()
        except TimeoutError:
            pass
        if self._wants_end.is_set():
            return
        states = {keeper.name: keeper.state for keeper in self._keepers}
        self._terminal.announce(self._links, states)
        self._is_announced = True

    async def _reload_on_demand(self) -> None:
        while True:
            await self._wants_reload.wait()
            self._wants_reload.clear()
            await self._reload_once()

    async def _reload_once(self) -> None:
        try:
            edition = self._reload()
        except ConfigError as error:
            self._refuse(f"\n{error.message}")
            return
        # A role that is starting, or is down, is not asked: it begins with what is in force.
        members = [keeper for keeper in self._keepers if keeper.state == "up"]
        objections = await prepare_all(members, edition)
        if objections:
            self._refuse("".join(f"\nthe {one.role}: {one.why}" for one in objections))
            return
        self.edition = edition
        for name in await commit_all(members, edition.version):
            self._terminal.say(f"the {name} is started again with the new configuration")
        self._terminal.say(f"configuration {edition.version} is live")

    def _refuse(self, why: str) -> None:
        self._terminal.say(
            f"the configuration was not loaded; the old one stays ({self.edition.version}):{why}",
            is_problem=True,
        )

    async def _end_in_order(self) -> None:
        """End one role after the other: who takes records outlives who sends them."""
        settings = self._settings
        for stop_listening, keepers in self._stages:
            stop_listening()
            if self._is_cut:
                for keeper in keepers:
                    keeper.kill()
            await asyncio.gather(
                *(keeper.end(settings.grace_s, settings.margin_s) for keeper in keepers)
            )


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
