"""CPU of the control plane: what limits, budgets and holds cost one request.

    python bench/policy.py [rounds]

Prints the best and the median microseconds of CPU per request for: the hold alone (no rule), five
rules that all apply, the same with 10,000 owners, and 100 rules of which five apply. A request is
admitted, reserves, settles and is closed; its record is made before the clock starts. The goals are
10 µs without rules and 25 µs with five.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Mapping

import msgspec

from pointsman.config.policy import PolicyConfig
from pointsman.core.clock import SystemClock
from pointsman.core.facts import Facts
from pointsman.core.identity import Principal
from pointsman.core.records import SCHEMA, CallRecord
from pointsman.core.usage import Usage
from pointsman.policy.admission import Admissions
from pointsman.policy.compile_rules import compile_rules
from pointsman.policy.counters import CounterStore
from pointsman.policy.ledger import MemoryLedger

REQUESTS = 5000
"""Per round; with 10,000 owners two rounds see each once."""
FIVE: Mapping[str, object] = {
    "limits": {
        "key": {"requests_per_minute": 10**9, "tokens_per_minute": 10**12},
        "user": {"scope": "user", "match": {"tier": "free"}, "concurrent": 10**6},
    },
    "budgets": {
        "daily": {"scope": "key", "usd": 900_000_000},
        "monthly": {"scope": "tenant", "period": "month", "usd": 900_000_000},
    },
}
MANY: Mapping[str, object] = {
    "limits": {
        **{
            f"other-{number}": {"match": {"tenant": f"t{number}"}, "requests_per_minute": 9}
            for number in range(95)
        },
        **FIVE["limits"],  # type: ignore[dict-item] # a mapping, as written above
    },
    "budgets": FIVE["budgets"],
}


def records(owners: int) -> list[CallRecord]:
    """Return the requests of one round."""
    clock = SystemClock()
    made = []
    for number in range(REQUESTS):
        owner = number % owners
        facts = Facts(
            model="auto",
            key=f"k{owner}",
            tenant="acme",
            user=f"u{owner}",
            tier="free",
            estimated_input_tokens=100,
            max_output_tokens=500,
        )
        record = CallRecord(
            schema=SCHEMA,
            request_id=f"req_{number}",
            trace_id="a" * 32,
            span_id="b" * 16,
            started_unix_ns=clock.unix_ns(),
            facts=facts,
            tenant="acme",
            key=facts.key,
        )
        record.usage = Usage(input_tokens=100, output_tokens=50)
        made.append(record)
    return made


async def measure(policy: Mapping[str, object], owners: int, rounds: int) -> list[float]:
    """Return microseconds of CPU per request, one figure per round."""
    clock = SystemClock()
    store, ledger = CounterStore(100_000), MemoryLedger(clock)
    rules = compile_rules(
        msgspec.convert(policy, PolicyConfig), store, header_prefix="x-pointsman-"
    )
    admissions = Admissions(rules, clock)
    figures = []
    for _ in range(rounds):
        batch = records(owners)
        callers = [Principal(key_name=record.key) for record in batch]
        began = time.process_time_ns()
        for record, caller in zip(batch, callers, strict=True):
            admission = await admissions.admit(record)
            reservation, checks = await ledger.reserve(caller, "acme", 1_000_000, admission)
            record.limits.extend(checks)
            await ledger.settle(reservation, 100_000)
            if admission is not None:
                await admission.close()
        figures.append((time.process_time_ns() - began) / 1000 / REQUESTS)
    return figures


def main() -> None:
    """Measure and print every case."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    cases: list[tuple[str, Mapping[str, object], int]] = [
        ("no rule", {}, 1),
        ("five rules, 1 owner", FIVE, 1),
        ("five rules, 100 owners", FIVE, 100),
        ("five rules, 10,000 owners", FIVE, 10_000),
        ("100 rules, five apply", MANY, 1),
    ]
    for name, policy, owners in cases:
        figures = asyncio.run(measure(policy, owners, rounds))
        print(f"{name:28} best {min(figures):6.2f} µs  median {statistics.median(figures):6.2f} µs")


if __name__ == "__main__":
    main()
