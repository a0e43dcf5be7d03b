"""Random data, many questions: the engine answers as plain Python does."""

import random

import pytest

from memory_store import MemoryStore
from pointsman.core.clock import ManualClock
from pointsman.core.records import Cost
from pointsman.core.usage import Usage
from pointsman.store.duckdb.store import DuckDbStore
from pointsman.store.protocol import RetentionPolicy
from pointsman.store.query import CallFilter, Scope, TraceFilter
from stored_records import at, batch_of, make_crash, make_failure, make_record, make_span, trace_id


def _random_record(rng, number):
    make = rng.choice([make_record, make_record, make_record, make_failure, make_crash])
    return make(
        number,
        started_unix_ns=at(number // 3),
        trace_id=trace_id(rng.randrange(60)),
        tenant=rng.choice(["acme", "globex", None]),
        reason=rng.choice(["rule_match", "load_balance"]),
        duration_ns=rng.choice([None, rng.randrange(10**10)]),
        usage=rng.choice([None, Usage(rng.randrange(100), rng.randrange(100))]),
        cost=rng.choice([None, Cost(total_nano_usd=rng.randrange(10**6))]),
    )


def _random_span(rng, number):
    # A span starts once: the same id has the same start.
    trace, position = rng.randrange(60), rng.randrange(5)
    return make_span(
        trace,
        position,
        status=rng.choice(["OK", "UNSET", "ERROR"]),
        tenant=rng.choice(["acme", "globex"]),
        name=f"step {number}",
        start_unix_ns=at(trace) + position * 5_000_000_000 + trace * 10 + position,
        end_unix_ns=at(100),
    )


async def _fill(store, seed):
    rng = random.Random(seed)
    for batch in range(5):
        records = [_random_record(rng, rng.randrange(150)) for _ in range(50)]
        await store.write_batch(batch_of(*records, batch_id=str(batch)))
        await store.write_spans([_random_span(rng, number) for number in range(40)])


async def _answers(store, scope):
    """Ask everything; pages are walked to their end."""
    answers = []
    for wanted in (CallFilter(), CallFilter(failed=True), CallFilter(min_cost_nano_usd=500_000)):
        answers += await _walk(store.requests, wanted, scope)
    for wanted in (TraceFilter(), TraceFilter(failed=True), TraceFilter(service="shop")):
        answers += await _walk(store.traces, wanted, scope)
    for trace in range(60):
        answers += await store.spans_of_trace(trace_id(trace), scope)
    answers += await store.since(20, scope, limit=500)
    answers.append(await store.distinct("tenant", scope))
    found = await store.overview(at(0), at(60), 7, scope)
    answers += [found.reasons, found.models, found.targets, found.totals.requests]
    answers += [bucket.figures.cost_nano_usd for bucket in found.buckets]
    answers.append((await store.stats()).rows["calls"])
    return answers


async def _walk(question, wanted, scope):
    rows, cursor = [], None
    for _ in range(100):
        page = await question(wanted, scope, cursor=cursor, limit=7)
        rows += page.rows
        cursor = page.next_cursor
        if cursor is None:
            break
    return rows


@pytest.mark.parametrize("seed", [1, 2])
async def test_duckdb_answers_as_plain_python_does(tmp_path, seed):
    """Before and after retention, for the operator and for a tenant."""
    engine, plain = await DuckDbStore.open(tmp_path, ManualClock()), MemoryStore()
    policy = RetentionPolicy(thin_after_s=20, thin_keep_ratio=0.5, drop_after_s=45)
    try:
        for store in (engine, plain):
            await _fill(store, seed)
        for scope in (Scope(None), Scope("acme")):
            assert await _answers(engine, scope) == await _answers(plain, scope)

        assert await engine.retention(policy, at(60)) == await plain.retention(policy, at(60))
        assert await _answers(engine, Scope(None)) == await _answers(plain, Scope(None))
    finally:
        await engine.close()
