"""Any interleaving of reserve, settle, release, crash, loss and return: nothing open, exact sums.

Hypothesis draws what happens; the rules are the same for memory and Redis. A crash of a worker is
what its journal makes of it: calls that were under way are charged at what was held, and the next
process of the worker begins with the sum of its records.
"""

import asyncio
import itertools
from typing import Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pointsman.core.clock import ManualClock
from pointsman.core.errors import CallError
from pointsman.core.records import Reservation
from pointsman.policy.admission import Admission
from policy_workers import MemoryWorker, RedisWorker, Worker, until
from redis_server import RedisServer

CAP = 1000
POLICY = """
budgets: {daily: {scope: key, usd: '0.000001'}, all: {scope: gateway, usd: '1'}}
limits: {few: {concurrent: 4}, day: {scope: gateway, requests_per_day: 50, tokens_per_day: 90000}}
"""
WORKERS = 3
Happening = tuple[str, int, int]

happenings = st.lists(
    st.tuples(
        st.sampled_from(["begin", "begin", "settle", "settle", "release", "crash", "lose", "day"]),
        st.integers(0, WORKERS - 1),
        st.integers(0, 400),
    ),
    max_size=30,
)
few = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Call:
    """One call under way, with what its record would say."""

    def __init__(self, admission: Admission, held: Reservation, day: int) -> None:
        self.admission = admission
        self.held = held
        self.day = day


class World:
    """Some workers, their calls, and the records of all calls that are over."""

    def __init__(self, make) -> None:
        self.clock = ManualClock()
        self._make = make
        self.workers: list[Worker] = []
        self.calls: list[list[Call]] = []
        self.records: list[dict[int, int]] = []
        """Per worker: day -> cost of its records."""
        self.day = 0

    async def start(self, count: int) -> None:
        for number in range(count):
            self.workers.append(await self._make(number, self.clock))
            self.calls.append([])
            self.records.append({})

    async def begin(self, number: int, amount: int) -> None:
        worker = self.workers[number]
        try:
            admission = await worker.admit(key="k", estimated_input_tokens=10)
        except CallError:
            return
        try:
            held = await worker.hold(admission, amount)
        except CallError:
            await admission.close()
            return
        self.calls[number].append(Call(admission, held, self.day))

    async def end(self, number: int, actual: int | None) -> None:
        if not self.calls[number]:
            return
        call = self.calls[number].pop(0)
        cost = 0 if actual is None else min(actual, call.held.held_nano_usd)
        await self.workers[number].ledger.settle(call.held, cost)
        await call.admission.close()
        self._record(number, call.day, cost)

    def _record(self, number: int, day: int, cost: int) -> None:
        days = self.records[number]
        days[day] = days.get(day, 0) + cost

    async def crash(self, number: int) -> None:
        worker = self.workers[number]
        if not isinstance(worker, RedisWorker):
            return
        await worker.crash()
        for call in self.calls[number]:
            self._record(number, call.day, call.held.held_nano_usd)
        self.calls[number] = []
        again = await self._make(number, self.clock, self.records[number])
        self.workers[number] = again

    def spent(self, day: int) -> int:
        return sum(days.get(day, 0) for days in self.records)


def lines(worker: Worker, unix_ns: int):
    facts = worker.record(key="k").facts
    return worker.admissions._rules.budgets.lines(facts, unix_ns)


async def play(world: World, drawn: list[Happening], lose=None) -> None:
    for what, drawn_number, amount in drawn:
        number = drawn_number % len(world.workers)
        if what == "begin":
            await world.begin(number, amount)
        elif what in ("settle", "release"):
            await world.end(number, amount if what == "settle" else None)
        elif what == "crash":
            await world.crash(number)
        elif what == "lose" and lose is not None:
            await lose(amount % 2 == 0)
        elif what == "day":
            world.clock.advance_s(86_400)
            world.day += 1
    for number in range(len(world.workers)):
        while world.calls[number]:
            await world.end(number, 1)


@few
@given(drawn=happenings)
def test_memory_ends_with_nothing_open(drawn: list[Happening]) -> None:
    """Holds go back to none, nothing is negative, the counter is the sum of the records."""

    async def run() -> None:
        async def make(number, clock, past=None):
            return MemoryWorker(POLICY, clock)

        world = World(make)
        began_ns = world.clock.unix_ns()
        await world.start(1)
        await play(world, drawn)
        worker = world.workers[0]
        assert worker.memory.outstanding() == 0
        for day in range(world.day + 1):
            for line in lines(worker, began_ns + day * 86_400_000_000_000):
                assert (line.counter.spent, line.counter.held) == (world.spent(day), 0)
            assert world.spent(day) <= CAP

    asyncio.run(run())


_PREFIXES = itertools.count()


class SharedWorld(World):
    """Workers of one Redis, under a prefix of their own."""

    def __init__(self, server: RedisServer, budgets: Literal["closed", "local"]) -> None:
        super().__init__(self._make_one)
        self._server = server
        self._budgets = budgets
        self._prefix = f"p{next(_PREFIXES)}"
        self._began_ns = self.clock.unix_ns()

    async def _make_one(self, number, clock, past=None):
        worker = RedisWorker(
            f"w{number}",
            self._server,
            POLICY,
            clock,
            budgets=self._budgets,
            prefix=self._prefix,
        )
        for day, cost in (past or {}).items():
            for line in self._lines(worker, day):
                line.counter.restore(cost)
        return await worker.start()

    def _lines(self, worker: Worker, day: int):
        return lines(worker, self._began_ns + day * 86_400_000_000_000)

    async def lose(self, forgets: bool) -> None:
        """Cut every connection, as a server that ends does; perhaps it forgets everything."""
        if forgets:
            self.forget()
        stores = [worker.store for worker in self.workers]
        before = [store.stats.sessions for store in stores]
        self._server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        pairs = list(zip(stores, before, strict=True))
        await until(lambda: all(one.is_up and one.stats.sessions > was for one, was in pairs))

    def forget(self) -> None:
        for name in self._server.names(f"{self._prefix}:*"):
            self._server.command("DEL", name)

    async def end_all(self) -> None:
        for worker in self.workers:
            await worker.settled()
            assert worker.memory.outstanding() == 0

    def check_money(self, most: int) -> None:
        for day in range(self.day + 1):
            for line in self._lines(self.workers[0], day):
                found = self._server.figures(line.counter.share.name)
                assert found.get("s", 0) == self.spent(day), (day, found)
                _nothing_open(found)
            assert self.spent(day) <= most

    def check_tallies(self) -> None:
        for name in self._server.names(f"{self._prefix}:tally:*"):
            _nothing_open(self._server.figures(name))


def _nothing_open(found: dict[str, int]) -> None:
    assert all(value >= 0 for value in found.values()), found
    assert found.get("h", 0) == 0, found


@few
@given(drawn=happenings, budgets=st.sampled_from(["closed", "local"]))
def test_redis_ends_with_nothing_open(
    running_redis: RedisServer, drawn: list[Happening], budgets: Literal["closed", "local"]
) -> None:
    """The same for three workers that crash, lose Redis (with and without its data) and return."""

    async def run() -> None:
        world = SharedWorld(running_redis, budgets)
        await world.start(WORKERS)
        await play(world, drawn, world.lose)
        await world.end_all()
        world.check_money(CAP if budgets == "closed" else WORKERS * CAP)
        world.check_tallies()
        for worker in world.workers:
            await worker.stop()
        world.forget()

    asyncio.run(run())
