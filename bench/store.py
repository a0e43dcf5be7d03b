"""The embedded trace store: rows kept per second of one core, questions at a million calls, memory.

    .venv/bin/python -m bench.store [--calls 1000000] [--keep FOLDER]

Writing runs pinned to one core with one engine thread, so a rate is per core; a batch holds 500
records or spans and is a durable transaction. Questions run with the default settings. The calls
of the large store are typical records, multiplied by SQL; each is asked for as the console does.
"""

import argparse
import asyncio
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

import duckdb
import msgspec

from bench.journal import typical_record
from pointsman.collector.alert_rules import windows_at
from pointsman.config.alerts import AlertsConfig
from pointsman.core.clock import ManualClock, SystemClock
from pointsman.core.ids import IdSource
from pointsman.core.records import SCHEMA, Cost
from pointsman.store import genai
from pointsman.store.costs import CostFilter, CostGroup
from pointsman.store.duckdb.file import FILE_NAME, DuckDbSettings
from pointsman.store.duckdb.store import DuckDbStore
from pointsman.store.protocol import RecordBatch
from pointsman.store.query import EVERYTHING, CallFilter, Scope, TraceFilter
from pointsman.store.recosts import Progress, RecostOrder
from pointsman.store.rows import SpanRow

BATCH = 500
BATCHES = 40
SEEDS = 2_000
"""Real records that the large store is multiplied from."""
STEP_MS = 86
"""Between two calls of the large store: a million of them are a day."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="make or use the large store in this folder")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        writing = asyncio.run(write(Path(name) / "small"))
        large = args.keep or Path(name) / "large"
        if not (large / FILE_NAME).exists():
            asyncio.run(seed(large))
            multiply(large, args.calls)
        asking = asyncio.run(ask(large))
    for title, figures in (("writing, one core", writing), ("questions", asking)):
        print(f"\n{title}")
        for what, figure in figures.items():
            print(f"  {what:<44}{figure}")


def make_records(count: int) -> list[bytes]:
    clock = ManualClock()
    rng = random.Random(7)
    ids = IdSource(clock, rng)
    lines = []
    for number in range(count):
        clock.advance_s(STEP_MS / 1_000)
        record = typical_record(ids, clock.unix_ns())
        record.tenant = f"tenant-{rng.randrange(7)}"
        record.duration_ns = round(rng.lognormvariate(20.5, 0.8))
        record.reason = rng.choice(["short_prompt_default", "long_prompt_upgrade", "load_balance"])
        record.served_target = rng.choice(["small", "large", "sonnet", "llama"])
        record.outcome = "failure" if number % 50 == 0 else "success"
        lines.append(msgspec.json.encode(record))
    return lines


def make_spans(count: int) -> list[SpanRow]:
    clock = ManualClock()
    ids = IdSource(clock, random.Random(7))
    spans = []
    for number in range(count):
        clock.advance_s(0.01)
        trace_id = ids.trace_id() if number % 8 == 0 else spans[-1].trace_id
        attributes = {
            genai.OPERATION: "chat",
            genai.PROVIDER: "openai",
            genai.REQUEST_MODEL: "gpt-4o-mini",
            genai.INPUT_TOKENS: 412,
            genai.OUTPUT_TOKENS: 96,
            "app.user_id": f"user-{number % 100}",
            "app.feature": "search",
            "http.request.method": "POST",
            "thread.id": 7,
            "code.function.name": "answer",
        }
        spans.append(
            SpanRow(
                trace_id=trace_id,
                span_id=ids.span_id(),
                parent_span_id=spans[-1].span_id if number % 8 else None,
                name="chat gpt-4o-mini",
                start_unix_ns=clock.unix_ns(),
                end_unix_ns=clock.unix_ns() + 250_000_000,
                tenant="acme",
                service="shop",
                scope_name="opentelemetry.instrumentation.openai_v2",
                attributes=attributes,
                resource={"service.name": "shop", "telemetry.sdk.language": "python"},
            )
        )
    return spans


async def write(folder: Path) -> dict[str, str]:
    records, spans = make_records(BATCH * BATCHES), make_spans(BATCH * BATCHES)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    store = await DuckDbStore.open(folder, SystemClock(), DuckDbSettings(threads=1))

    async def keep_records(start: int) -> None:
        calls = records[start : start + BATCH]
        await store.write_batch(RecordBatch(batch_id=str(start), schema=SCHEMA, calls=calls))

    async def keep_spans(start: int) -> None:
        await store.write_spans(spans[start : start + BATCH])

    figures = {
        "record, bytes of JSON": f"{statistics.mean(map(len, records)):,.0f}",
        "records stored": await _rate(keep_records),
        "spans stored": await _rate(keep_spans),
        "event loop, longest stall while storing": await _stall(store, records),
    }
    await store.close()
    os.sched_setaffinity(0, cores)
    return figures


async def _rate(keep) -> str:
    await keep(0)
    wall, cpu = time.perf_counter(), time.process_time()
    for batch in range(1, BATCHES):
        await keep(batch * BATCH)
    rows = BATCH * (BATCHES - 1)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return f"{rows / wall:,.0f}/s   ({cpu / rows * 1e6:.0f} µs of CPU each)"


async def _stall(store: DuckDbStore, records: list[bytes]) -> str:
    longest = 0.0
    ticking = True

    async def tick() -> None:
        nonlocal longest
        while ticking:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - before - 0.001)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(tick())
        for number in range(20):
            calls = records[number * BATCH : (number + 1) * BATCH]
            await store.write_batch(
                RecordBatch(batch_id=f"again {number}", schema=SCHEMA, calls=calls)
            )
        ticking = False
    return f"{longest * 1e3:.1f} ms"


async def seed(folder: Path) -> None:
    store = await DuckDbStore.open(folder, SystemClock())
    for start in range(0, SEEDS, BATCH):
        calls = make_records(SEEDS)[start : start + BATCH]
        await store.write_batch(RecordBatch(batch_id=str(start), schema=SCHEMA, calls=calls))
    await store.close()


def multiply(folder: Path, calls: int) -> None:
    """Fill the tables to `calls` rows, each with an id and a time of its own."""
    started = time.perf_counter()
    connection = duckdb.connect(str(folder / FILE_NAME), config={"memory_limit": "2GB"})
    move = f"{SEEDS * STEP_MS}::BIGINT * turn"
    new_id = f"printf('req_%012x%s', request_ms + {move}, right(md5(request_id || turn), 20))"
    turns = f"range(1, {max(2, calls // SEEDS)}) AS turns(turn)"
    connection.execute(f"""INSERT INTO calls SELECT calls.* REPLACE (
        position + turn * {SEEDS} AS position, request_ms + {move} AS request_ms,
        {new_id} AS request_id, md5(trace_id || turn) AS trace_id,
        ('0x' || right(md5(trace_id || turn), 15))::BIGINT AS trace_key,
        started_unix_ns + {move} * 1000000 AS started_unix_ns,
        replace(record, request_id, {new_id}) AS record)
        FROM calls, {turns} ORDER BY turn, position""")
    connection.execute(f"""INSERT INTO attempts SELECT attempts.* REPLACE (
        request_ms + {move} AS request_ms, {new_id} AS request_id,
        md5(trace_id || turn) AS trace_id, start_unix_ns + {move} * 1000000 AS start_unix_ns)
        FROM attempts, {turns} ORDER BY turn, request_ms""")
    connection.execute(f"""INSERT INTO charges SELECT charges.* REPLACE (
        request_ms + {move} AS request_ms, {new_id} AS request_id,
        started_unix_ns + {move} * 1000000 AS started_unix_ns)
        FROM charges, {turns} ORDER BY turn, request_ms""")
    connection.execute("CHECKPOINT")
    connection.close()
    print(f"large store made in {time.perf_counter() - started:.0f} s")


async def ask(folder: Path) -> dict[str, str]:
    store = await DuckDbStore.open(folder, SystemClock())
    figures = {"resident memory after opening": _resident()}
    stats = await store.stats()
    figures["calls, bytes on disk"] = f"{stats.rows['calls']:,}, {stats.bytes_on_disk:,}"
    newest = (await store.requests(CallFilter(), EVERYTHING, limit=1)).rows[0]
    page = await store.requests(CallFilter(to_unix_ns=newest.started_unix_ns // 2 * 2), EVERYTHING)
    middle = newest.started_unix_ns - stats.rows["calls"] * STEP_MS * 500_000
    oldest = newest.started_unix_ns - stats.rows["calls"] * STEP_MS * 1_000_000
    some = (await store.requests(CallFilter(to_unix_ns=middle), EVERYTHING, limit=1)).rows[0]
    failures = CallFilter(failed=True)
    span = (oldest, newest.started_unix_ns + 1)

    async def costs(*groups: CostGroup) -> None:
        await store.costs(groups, *span, CostFilter(), EVERYTHING, limit=100)

    questions = {
        "list, first page": lambda: store.requests(CallFilter(), EVERYTHING),
        "list, next page": lambda: store.requests(
            CallFilter(), EVERYTHING, cursor=page.next_cursor
        ),
        "list, one tenant": lambda: store.requests(CallFilter(), Scope("tenant-3")),
        "list, failures": lambda: store.requests(failures, EVERYTHING),
        "list, text that occurs nowhere": lambda: store.requests(
            CallFilter(error_text="nowhere"), EVERYTHING
        ),
        "list, from the middle": lambda: store.requests(CallFilter(to_unix_ns=middle), EVERYTHING),
        "detail by request id": lambda: store.request(some.request_id, EVERYTHING),
        "trace: its calls": lambda: store.requests_of_trace(some.trace_id, EVERYTHING),
        "trace: its spans": lambda: store.spans_of_trace(some.trace_id, EVERYTHING),
        "traces, first page": lambda: store.traces(TraceFilter(), EVERYTHING),
        "traces, failures": lambda: store.traces(TraceFilter(failed=True), EVERYTHING),
        "overview, everything, 60 buckets": lambda: store.overview(
            oldest, newest.started_unix_ns + 1, 60, EVERYTHING
        ),
        "overview, last hour": lambda: store.overview(
            newest.started_unix_ns - 3_600 * 10**9, newest.started_unix_ns + 1, 60, EVERYTHING
        ),
        "costs by model": lambda: costs("model"),
        "costs by tenant, user and feature": lambda: costs("tenant", "user", "feature"),
        "costs by day": lambda: costs("day"),
        "list, requests behind a model's costs": lambda: store.requests(
            CallFilter(called_model="gpt-4o-mini"), EVERYTHING
        ),
        "figures of all alerts": lambda: store.alert_figures(
            windows_at(newest.started_unix_ns, AlertsConfig())
        ),
        "menu of targets": lambda: store.distinct("target", EVERYTHING),
        "followers, nothing to tell": lambda: store.since(stats.last_position, EVERYTHING),
    }
    for what, question in questions.items():
        figures[what] = await _timed(question)
    await asyncio.sleep(1)
    figures["pricing everything anew"] = await _recost(store, span)
    figures["resident memory after the questions"] = _resident()
    await store.close()
    return figures


async def _recost(store: DuckDbStore, span: tuple[int, int]) -> str:
    started, used = time.perf_counter(), time.process_time()
    order = RecostOrder(from_unix_ns=span[0], to_unix_ns=span[1], dry_run=True)
    report = await store.recost(order, lambda stored: Cost(stored.usage.input_tokens), Progress())
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    return f"{report.attempts:,} in {wall:.1f} s, {cpu:.1f} s of CPU (dry run)"


async def _timed(question) -> str:
    times, cpu = [], []
    for _ in range(15):
        started, used = time.perf_counter(), time.process_time()
        await question()
        times.append((time.perf_counter() - started) * 1e3)
        cpu.append((time.process_time() - used) * 1e3)
    return (
        f"median {statistics.median(times):6.1f} ms   best {min(times):6.1f}   "
        f"max {max(times):6.1f}   CPU {statistics.median(cpu):6.1f}"
    )


def _resident() -> str:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return f"{pages * os.sysconf('SC_PAGE_SIZE') / 1e6:,.0f} MB"


if __name__ == "__main__":
    main()
