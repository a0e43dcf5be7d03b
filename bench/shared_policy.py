"""What counting in Redis costs one request: time to wait, and CPU of the worker.

    python bench/shared_policy.py [rounds]

Starts a Redis of its own on a socket. Five rules apply to each request, as in `bench/policy.py`:
one round trip admits it, one holds money, and what it used is told without anybody waiting. Prints
the median time of one request by itself, and CPU and round trips per request with 32 at once.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from bench.policy import FIVE
from pointsman.config.policy import PolicyConfig
from pointsman.core.clock import SystemClock
from pointsman.core.facts import Facts
from pointsman.core.identity import Principal
from pointsman.core.records import SCHEMA, CallRecord
from pointsman.policy.compile_rules import compile_rules
from pointsman.policy.counting import Counting
from pointsman.policy.ledger import MemoryLedger
from pointsman.policy.loss import LossStats, OnLoss
from pointsman.policy.shared_admission import SharedAdmissions, SharedLedger
from pointsman.policy.shares import SharedCounterStore
from pointsman.shared.settings import SharedSettings
from pointsman.shared.store import SharedStore

REQUESTS = 2000
AT_ONCE = 32


class Worker:
    """Admits, holds, settles and closes requests by five rules counted in Redis."""

    def __init__(self, url: str) -> None:
        self.clock = SystemClock()
        self.store = SharedStore(SharedSettings(url=url), self.clock, "w")
        counters = SharedCounterStore(self.store.prefix, self.clock)
        counting = Counting(self.store, counters, self.clock)
        rules = compile_rules(msgspec.convert(FIVE, PolicyConfig), counters, header_prefix="x-")
        on_loss = OnLoss(clock=self.clock, stats=LossStats())
        self.admissions = SharedAdmissions(rules, self.clock, counting, on_loss)
        self.ledger = SharedLedger(MemoryLedger(self.clock))
        self.made = 0

    async def request(self) -> None:
        """Make one request."""
        self.made += 1
        facts = Facts(model="auto", key="k", tenant="t", user="u", tier="free")
        record = CallRecord(
            schema=SCHEMA,
            request_id=f"r{self.made}",
            trace_id="t",
            span_id="s",
            started_unix_ns=self.clock.unix_ns(),
            facts=facts,
        )
        admission = await self.admissions.admit(record)
        held, _ = await self.ledger.reserve(Principal(key_name="k"), "t", 1000, admission)
        await self.ledger.settle(held, 900)
        await admission.close()


async def measure(url: str, rounds: int) -> None:
    """Print the figures."""
    worker = Worker(url)
    worker.store.start()
    await worker.store.first_try()
    await worker.request()
    for _ in range(rounds):
        waits = []
        for _ in range(REQUESTS // 4):
            began = time.perf_counter()
            await worker.request()
            waits.append(time.perf_counter() - began)
        batches, began = worker.store.stats.batches, time.process_time()

        async def several() -> None:
            for _ in range(REQUESTS // AT_ONCE):
                await worker.request()

        await asyncio.gather(*(several() for _ in range(AT_ONCE)))
        cpu = (time.process_time() - began) / REQUESTS
        trips = (worker.store.stats.batches - batches) / REQUESTS
        alone = statistics.median(waits)
        print(
            f"alone {alone * 1e6:7.0f} µs   "
            f"32 at once: {cpu * 1e6:5.0f} µs of CPU, {trips:.2f} round trips each"
        )
    await worker.store.stop()


def main() -> None:
    """Measure against a server of our own."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s"
        command = ["redis-server", "--port", "0", "--unixsocket", str(path), "--save", ""]
        server = subprocess.Popen([*command, "--dir", folder], stdout=subprocess.DEVNULL)
        try:
            while not path.exists():
                time.sleep(0.05)
            asyncio.run(measure(f"unix://{path}", rounds))
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
