"""Workers that apply the same rules: one by memory, or several by a real Redis."""

import asyncio
from collections.abc import Callable, Mapping

from pointsman.config.loader import load_text
from pointsman.core.clock import Clock, ManualClock
from pointsman.core.facts import Facts
from pointsman.core.identity import Principal
from pointsman.core.ledger import Ledger
from pointsman.core.records import SCHEMA, CallRecord, Reservation
from pointsman.policy.admission import Admission, Admissions
from pointsman.policy.compile_rules import compile_rules
from pointsman.policy.counters import CounterStore
from pointsman.policy.counting import Counting
from pointsman.policy.ledger import MemoryLedger
from pointsman.policy.loss import Choice, LossStats, OnLoss
from pointsman.policy.shared_admission import SharedAdmissions, SharedLedger
from pointsman.policy.shares import SharedCounterStore
from pointsman.shared.settings import SharedSettings
from pointsman.shared.store import SharedStore
from redis_server import RedisServer

HEAD = """
providers: {mock: {kind: mock, default: true}}
targets: {small: {provider: mock, model: gpt-4o-mini}, large: {provider: mock, model: gpt-4o}}
policy:
"""
NOBODY = Principal()


class Worker:
    """What every worker can be asked, however it counts."""

    clock: Clock
    admissions: Admissions
    ledger: Ledger
    memory: MemoryLedger
    counters: CounterStore
    numbers = 0

    def record(self, **facts: object) -> CallRecord:
        """Return a request of now."""
        self.numbers += 1
        values: Mapping[str, object] = {"model": "auto", **facts}
        made = Facts(**values)
        return CallRecord(
            schema=SCHEMA,
            request_id=f"req_{id(self)}_{self.numbers}",
            trace_id=f"{self.numbers:032x}",
            span_id="b" * 16,
            started_unix_ns=self.clock.unix_ns(),
            facts=made,
            tenant=made.tenant,
            key=made.key,
            user=made.user,
            run_id=made.run_id,
        )

    async def admit(self, record: CallRecord | None = None, **facts: object) -> Admission:
        """Admit a request; raises what refuses it."""
        admission = await self.admissions.admit(record or self.record(**facts))
        assert admission is not None
        return admission

    async def hold(self, admission: Admission, amount: int | None) -> Reservation:
        """Reserve money for one attempt."""
        reservation, _ = await self.ledger.reserve(NOBODY, None, amount, admission)
        return reservation

    async def spend(self, bound: int, actual: int, **facts: object) -> CallRecord:
        """Make one whole request."""
        record = self.record(**facts)
        admission = await self.admit(record)
        try:
            reservation = await self.hold(admission, bound)
            await self.ledger.settle(reservation, actual)
        finally:
            await admission.close()
        return record

    async def settled(self) -> None:
        """Wait until everybody knows what this worker has counted."""

    async def stop(self) -> None:
        """End in order."""


class MemoryWorker(Worker):
    """The one worker of an instance without Redis."""

    def __init__(self, policy: str, clock: Clock) -> None:
        self.clock = clock
        self.counters = CounterStore()
        self.memory = MemoryLedger(clock)
        self.ledger = self.memory
        self.admissions = Admissions(_rules(policy, self.counters), clock)


class RedisWorker(Worker):
    """One of several workers.

    Args:
        name: Its name in Redis.
        server: The server.
        policy: The rules.
        clock: Its clock.
        limits: `shared.on_loss.limits`.
        budgets: `shared.on_loss.budgets`.
        settings: Of the connection, beside the usual.
    """

    def __init__(
        self,
        name: str,
        server: RedisServer,
        policy: str,
        clock: Clock,
        *,
        limits: Choice = "local",
        budgets: Choice = "closed",
        **settings: object,
    ) -> None:
        given: dict[str, object] = {"url": server.url, "beat_s": 0.05, "first_pause_s": 0.01}
        self.clock = clock
        self.store = SharedStore(SharedSettings(**{**given, **settings}), clock, name)
        self.counters = SharedCounterStore(self.store.prefix, clock)
        self.counting = Counting(self.store, self.counters, clock)
        self.stats = LossStats()
        self.memory = MemoryLedger(clock)
        self.ledger = SharedLedger(self.memory)
        self.on_loss = OnLoss(clock=clock, stats=self.stats, limits=limits, budgets=budgets)
        rules = _rules(policy, self.counters)
        self.admissions = SharedAdmissions(rules, clock, self.counting, self.on_loss)

    async def start(self) -> "RedisWorker":
        """Connect."""
        self.store.start()
        await self.store.first_try()
        return self

    async def settled(self) -> None:
        """Wait until Redis knows all."""
        statements = self.store.stats.batches
        await until(
            lambda: (
                self.store.is_up
                and not self.counters.untold()
                and self.store.stats.batches > statements
            )
        )

    async def stop(self) -> None:
        """End in order."""
        await self.store.stop()

    async def crash(self) -> None:
        """End as a killed process does: nothing is told to anybody."""
        for task in self.store._tasks:
            task.cancel()
        await asyncio.gather(*self.store._tasks, return_exceptions=True)
        self.store.is_up = False


async def until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until something real has happened."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)


def _rules(policy: str, counters: CounterStore):
    indented = "".join(f"  {line}\n" for line in policy.strip().splitlines())
    loaded = load_text(HEAD + indented, file="pointsman.yaml", environment={})
    return compile_rules(loaded.config.policy, counters, header_prefix="x-pointsman-")


__all__ = ["ManualClock", "MemoryWorker", "RedisWorker", "Worker", "until"]
