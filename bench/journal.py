"""CPU of the journal per request: one begin and one end, encoding and writing included.

.venv/bin/python bench/journal.py [requests] [per tick]
"""

import sys
import tempfile
import time
from pathlib import Path

from msgspec.json import encode

from pointsman.core.clock import ManualClock, SystemClock
from pointsman.core.facts import Facts
from pointsman.core.ids import IdSource
from pointsman.core.records import (
    SCHEMA,
    Attempt,
    CallRecord,
    Candidate,
    Cost,
    CostLine,
    Evaluated,
    LimitCheck,
    Reservation,
    Rule,
    RuleEvaluation,
    Stage,
    TargetState,
)
from pointsman.core.usage import Usage
from pointsman.journal.entries import ENTRY_SCHEMA, Begin
from pointsman.journal.reader import JournalReader
from pointsman.journal.recovery import recover
from pointsman.journal.segments import JournalSettings
from pointsman.journal.writer import JournalWriter


def typical_record(ids: IdSource, started_unix_ns: int) -> CallRecord:
    """Return a record as a plain chat completion over three targets leaves one."""
    cost = Cost(
        total_nano_usd=21_000,
        lines=[
            CostLine("input_tokens", 20, 150_000_000, 3_000),
            CostLine("output_tokens", 30, 600_000_000, 18_000),
        ],
        price_version="genai-prices 0.2.3",
    )
    usage = Usage(input_tokens=20, output_tokens=30)
    rule = Rule("routes.auto.rules[0]", "pointsman.yaml", 21)
    state = TargetState(health="ok", in_flight=3, latency_ms=412.5, error_ratio=0.01)
    return CallRecord(
        schema=SCHEMA,
        request_id=ids.request_id(),
        trace_id=ids.trace_id(),
        span_id=ids.span_id(),
        started_unix_ns=started_unix_ns,
        duration_ns=853_000_000,
        worker="0",
        config_version="0123456789abcdef",
        tenant="acme-enterprise",
        key="ci",
        requested_model="auto",
        served_model="gpt-4o-mini-2024-07-18",
        served_target="small",
        served_provider="openai",
        status=200,
        finish_reasons=["stop"],
        outcome="success",
        route="auto",
        reason="short_prompt_default",
        requested_vs_served="rule",
        rule=rule,
        rules_evaluated=[RuleEvaluation(rule, True, Evaluated(True, "characters", "<=", 1000, 80))],
        facts=Facts(model="auto", characters=80, estimated_input_tokens=20, message_count=2),
        candidates=[
            Candidate(target, provider, model, state=state, cost_nano_usd=21_000)
            for target, provider, model in (
                ("small", "openai", "gpt-4o-mini"),
                ("sonnet", "anthropic", "claude-sonnet-4-6"),
                ("llama", "local", "llama3.1"),
            )
        ],
        stages=[Stage(name, 1_000, 12_000) for name in ("policy_check", "route_request")],
        attempts=[
            Attempt(
                "small",
                "openai",
                "gpt-4o-mini",
                span_id=ids.span_id(),
                endpoint="https://api.openai.com/v1/chat/completions",
                start_ns=120_000,
                connect_ns=0,
                reused_connection=True,
                first_byte_ns=840_000_000,
                end_ns=852_000_000,
                status=200,
                usage=usage,
                cost=cost,
                parameters_changed=["model: auto -> gpt-4o-mini"],
                reservation=Reservation("r1", 400_000, 21_000),
            )
        ],
        limits=[LimitCheck("key:ci", "spend_nano_usd_day", 1_000_000, 400_000, 1_021_000)],
        usage=usage,
        cost=cost,
    )


def typical_begin(record: CallRecord) -> Begin:
    """Return the begin that belongs to a record."""
    return Begin(
        schema=ENTRY_SCHEMA,
        request_id=record.request_id,
        trace_id=record.trace_id,
        span_id=record.span_id,
        attempt=0,
        target="small",
        provider="openai",
        model="gpt-4o-mini",
        started_unix_ns=record.started_unix_ns,
        tenant=record.tenant,
        key=record.key,
        config_version=record.config_version,
        requested_model=record.requested_model,
        reservation_id="r1",
        reservation_nano_usd=400_000,
    )


def main() -> None:
    """Write, find, list and recover; print microseconds of CPU per request."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    per_tick = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    ids, clock = IdSource(SystemClock()), ManualClock()
    records = [typical_record(ids, clock.unix_ns()) for _ in range(1_000)]
    begins = [typical_begin(record) for record in records]
    print(f"record {len(encode(records[0]))} bytes, begin {len(encode(begins[0]))} bytes")
    with tempfile.TemporaryDirectory() as folder:
        ticks: list = []
        writer = JournalWriter(Path(folder, "journal", "0"), JournalSettings(), clock, ticks.append)
        for size in (1, per_tick):
            started = time.process_time_ns()
            for index in range(count):
                writer.begin(begins[index % 1_000])
                writer.end(records[index % 1_000])
                if index % size == size - 1:
                    while ticks:
                        ticks.pop()()
            writer.flush()
            spent = (time.process_time_ns() - started) / count / 1_000
            print(f"{size:3d} requests per tick: {spent:.2f} us CPU per request")
        print(f"bare encoding of the record: {encoding_us(records):.2f} us")
        writer.close()
        report_reading(Path(folder, "journal"), records, clock, writer.stats.bytes)


def encoding_us(records: list[CallRecord]) -> float:
    """Return the microseconds that msgspec alone needs for one record."""
    started = time.process_time_ns()
    for record in records:
        encode(record)
    return (time.process_time_ns() - started) / len(records) / 1_000


def report_reading(folder: Path, records: list[CallRecord], clock, size: int) -> None:
    """Time what reads the journal."""
    reader = JournalReader(folder)
    for name, work in (
        ("newest(20)", lambda: reader.newest(20)),
        ("find(an id that is not there)", lambda: reader.find("req_" + "f" * 32)),
        ("find(a trace id)", lambda: reader.find("trc_" + records[0].trace_id)),
        ("recover", lambda: recover(folder, clock)),
        ("recover again", lambda: recover(folder, clock)),
    ):
        started = time.perf_counter_ns()
        work()
        spent = (time.perf_counter_ns() - started) / 1e6
        print(f"{name}: {spent:.1f} ms over {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
