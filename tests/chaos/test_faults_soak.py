"""Random faults for a while: every call has its attempt, nothing that was taken stays taken.

`POINTSMAN_SOAK_S` sets how long, in seconds (30 by default; 600 before a release).
"""

import asyncio
import gc
import os
import random
import statistics
from collections import Counter
from pathlib import Path

import psutil
import pytest

from pointsman.core.records import CallRecord
from pointsman.core.target import Target
from watched_gateway import (
    client_of,
    plain,
    streamed,
    until,
    upstreams,
    watched_gateway,
)

SOAK_S = float(os.environ.get("POINTSMAN_SOAK_S", "30"))
CLIENTS = 8
PAUSE_S = 0.02
"""Between two requests of a client, on average: a soak is long, not fast."""
MAX_GROWTH_MIB = 6.0
"""From a third of the time to its end. Two thirds of ten minutes see some 50,000 requests: a leak
of 200 bytes for each would exceed it."""
CONFIG = """
providers:
  pa: {{kind: openai, base_url: "http://127.0.0.1:{a}/v1", api_key: key-of-a}}
  pb: {{kind: openai, base_url: "http://127.0.0.1:{b}/v1", api_key: key-of-b}}
targets:
  a: {{provider: pa, model: m-a, max_concurrent: 6, max_wait: 50ms, timeout: {limits}}}
  b: {{provider: pb, model: m-b, timeout: {limits}}}
routes: {{chat: {{targets: [a, b], timeout: 2s}}}}
resilience:
  retry: {{max_retries: 2, base_delay: 10ms, max_delay: 50ms}}
  min_attempt: 100ms
  breaker: {{failures: 5, open_for: 300ms, ramp: 300ms}}
journal: {{segment_bytes: 1048576, max_bytes: 8388608}}
content: {{capture: none}}
"""
LIMITS = "{connect: 300ms, first_token: 200ms, idle: 200ms, total: 1s}"
FAULTS = [
    *[{}] * 24,
    {"status": 429, "headers": {"retry-after": "0.02"}},
    {"status": 429},
    {"status": 500},
    {"status": 503},
    {"status": 400},
    {"status": 401},
    {"connection": "reset"},
    {"head_delay": "5s"},
    {"first_chunk_delay": "5s"},
    {"cut_after_chunks": 3},
    {"cut_after_chunks": 3, "cut": "reset"},
    {"stall_after_chunks": 2},
    {"malformed_after_chunks": 2},
    {"error_after_chunks": 0},
    {"error_after_chunks": 2},
    {"done": "none"},
    {"finish_reason": None, "done": "none"},
    {"body": {"error": {"message": "no", "code": "server_error"}}},
    {"body": "<html>"},
]


class Tally:
    """What was recorded, in numbers: keeping the records themselves would not be flat."""

    def __init__(self) -> None:
        self.records = self.attempts = self.arrived = self.sends = 0
        self.outcomes: Counter = Counter()

    def add(self, record: CallRecord) -> None:
        self.records += 1
        self.outcomes[record.outcome] += 1
        for attempt in record.attempts:
            self.attempts += 1
            self.sends += attempt.sends
            self.arrived += attempt.failure_class != "client_left"


async def one_client(gateway, seed: int, until_s: float, seen: Counter) -> None:
    """Ask until the time is over; now and then leave in the middle."""
    rng = random.Random(seed)
    loop = asyncio.get_running_loop()
    async with client_of(gateway, max_retries=0) as client:
        while loop.time() < until_s:
            ask = rng.choice([plain, streamed])
            if rng.random() < 0.1:
                task = asyncio.ensure_future(ask(client, "chat"))
                await asyncio.sleep(rng.random() * 0.05)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                seen["left"] += 1
            else:
                seen[(await ask(client, "chat")).split(" ")[0]] += 1
            await asyncio.sleep(PAUSE_S * 2 * rng.random())


async def memory_over_time(own: psutil.Process, measured: list[float]) -> None:
    """Measure the resident memory of this process, in MiB, a hundred times over the soak."""
    while True:
        await asyncio.sleep(SOAK_S / 100)
        gc.collect()
        measured.append(own.memory_info().rss / 2**20)


@pytest.mark.timeout(SOAK_S + 60)
async def test_random_faults_leave_nothing_behind(tmp_path: Path):
    """Invariants 7 and 8: calls upstream are attempts recorded; no task, socket, hold or byte."""
    own = psutil.Process()
    seen: Counter = Counter()
    memory: list[float] = []
    async with upstreams("a", "b") as providers:
        a, b = providers["a"], providers["b"]
        rng = random.Random(11)
        for upstream in (a, b):
            upstream.play(*rng.choices(FAULTS, k=400), repeat=True)
        ports = {name: each.server.port for name, each in providers.items()}
        config = CONFIG.format(limits=LIMITS, **ports)
        async with watched_gateway(tmp_path, config) as gateway:
            tally = Tally()
            gateway.watch = tally.add
            ends_s = asyncio.get_running_loop().time() + SOAK_S
            watching = asyncio.ensure_future(memory_over_time(own, memory))
            await asyncio.gather(
                *(one_client(gateway, seed, ends_s, seen) for seed in range(CLIENTS))
            )
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            asked = sum(seen.values())
            await until(lambda: gateway.metrics.in_flight.value == 0)
            in_flight = [
                gateway.health.target_state(target).in_flight
                for target in (
                    Target(name="a", provider="pa", model="m-a"),
                    Target(name="b", provider="pb", model="m-b"),
                )
            ]
            taken = gateway.protection.holders.slots.taken("a")
            held = gateway.ledger.outstanding()
        calls = a.calls + b.calls
    gc.collect()
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    connected = [each for each in own.net_connections(kind="tcp") if each.status == "ESTABLISHED"]
    warm = statistics.median(memory[len(memory) // 3 : len(memory) // 3 + 15])
    end = statistics.median(memory[-15:])

    print(f"{asked} requests, {calls} calls upstream, {tally.attempts} attempts recorded")
    print(f"{dict(seen)}, {dict(tally.outcomes)}")
    print(f"memory: {warm:.1f} MiB after a third, {end:.1f} at the end, {max(memory):.1f} at most")
    # Bytes on a connection that was dead already, or whose client left, may not have arrived.
    assert tally.arrived <= calls <= tally.sends
    assert tally.attempts - tally.arrived <= seen["left"]
    assert tally.records <= asked, "a request was recorded twice"
    assert tally.records >= asked - seen["left"], "a record was lost"
    assert (held, taken, sum(in_flight)) == (0, 0, 0)
    assert tasks == []
    assert connected == []
    assert end - warm < MAX_GROWTH_MIB, "the memory grows"
