"""Roles without processes: what a supervisor sees of them, moved by hand."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

from pointsman.core.clock import ManualClock
from pointsman.supervisor.messages import (
    Begin,
    Commit,
    Edition,
    Link,
    Live,
    Order,
    Prepare,
    Prepared,
    Refused,
    Report,
    Started,
    Stop,
)

FIRST = Edition(version="a" * 16, text="first")
SECOND = Edition(version="b" * 16, text="second")


class FakeChild:
    """One life of a role that obeys, or not."""

    def __init__(self, role: "FakeRole", pid: int) -> None:
        self.pid = pid
        self.orders: list[Order] = []
        self.config: str | None = None
        self._role = role
        self._reports: asyncio.Queue[Report | None] = asyncio.Queue()
        self._code: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def has_ended(self) -> bool:
        return self._code.done()

    def send(self, order: Order) -> None:
        self.orders.append(order)
        if self.has_ended:
            return
        match order:
            case Begin(edition) if self._role.starts:
                self.config = self._role.starts_with or edition.version
                self.report(Started(self.config))
            case Begin() if self._role.fails_with is not None:
                self.end(self._role.fails_with)
            case Prepare(edition):
                self._prepare(edition)
            case Commit(version) if self._role.commits:
                self.config = version
                self.report(Live(version))
            case Stop() if self._role.stops:
                self.end(0)

    def _prepare(self, edition: Edition) -> None:
        if self._role.refuses is not None:
            self.report(Refused(edition.version, self._role.refuses))
        elif self._role.answers:
            self.report(Prepared(edition.version))

    def report(self, report: Report) -> None:
        self._reports.put_nowait(report)

    async def reports(self) -> AsyncIterator[Report]:
        while (report := await self._reports.get()) is not None:
            yield report

    async def wait(self) -> int:
        return await self._code

    def kill(self) -> None:
        self.end(-9)

    def end(self, code: int) -> None:
        if not self.has_ended:
            self._code.set_result(code)
            self._reports.put_nowait(None)


class FakeRole:
    """Spawns lives and decides how they behave."""

    def __init__(self) -> None:
        self.lives: list[FakeChild] = []
        self.starts = True
        self.starts_with: str | None = None
        self.fails_with: int | None = None
        self.refuses: str | None = None
        self.answers = True
        self.commits = True
        self.stops = True
        self.spawn_error: OSError | None = None

    @property
    def life(self) -> FakeChild:
        return self.lives[-1]

    async def spawn(self) -> FakeChild:
        if self.spawn_error is not None:
            raise self.spawn_error
        child = FakeChild(self, 1000 + len(self.lives))
        self.lives.append(child)
        return child


class Pauses:
    """Waits that end when told, and move the clock by as much."""

    def __init__(self, clock: ManualClock) -> None:
        self.asked: list[float] = []
        self._clock = clock
        self._over = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        self._over.clear()
        await self._over.wait()
        self._clock.advance_s(seconds)

    def end(self) -> None:
        self._over.set()


class FakeTerminal:
    """Remembers what was shown."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.links: list[Link] | None = None
        self.states: dict[str, str] = {}

    def say(self, text: str, *, is_problem: bool = False) -> None:
        self.said.append(text)

    def announce(self, links: Sequence[Link], states: Mapping[str, str]) -> None:
        self.links, self.states = list(links), dict(states)

    @property
    def text(self) -> str:
        return "\n".join(self.said)


async def settle() -> None:
    """Let everything that can go on go on."""
    for _ in range(30):
        await asyncio.sleep(0)
