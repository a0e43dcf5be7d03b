"""CPU of the control plane: what limits, budgets and holds cost one request.

    python bench/policy.py [rounds]

Prints the best and the median microseconds of CPU per request for: the hold alone (no rule), five
rules that all apply, the same with 10,000 owners, 1 to 10,000 limits and budgets that are each
about another key (one of them applies), attributing with 1 to 10,000 tenants on a plan, and
authenticating against 1 to 10,000 keys of the file and of a snapshot. A request is admitted,
reserves, settles and is closed; its record is made before the clock starts. The goals are 10 µs
without rules and 25 µs with five, and no term that grows: the last column is the best time over
that of the smallest case of its kind.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Mapping
from hashlib import sha256

import msgspec

from pointsman.config.key import KeyConfig
from pointsman.config.policy import PlanConfig, PolicyConfig, TenantPolicyConfig
from pointsman.core.clock import SystemClock
from pointsman.core.facts import Facts
from pointsman.core.identity import Principal
from pointsman.core.records import SCHEMA, CallRecord
from pointsman.core.usage import Usage
from pointsman.policy.admission import Admissions
from pointsman.policy.attribution import AttributionSettings, Claims, attribute
from pointsman.policy.authenticate import Authenticator
from pointsman.policy.compile_rules import compile_rules
from pointsman.policy.counters import CounterStore
from pointsman.policy.ledger import MemoryLedger
from pointsman.policy.snapshot import KeyDirectory
from pointsman.policy.tenancy import Tenancy
from pointsman.state.snapshot import Snapshot, SnapshotKey

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
SIZES = (1, 100, 10_000)


def one_each(count: int) -> Mapping[str, object]:
    """Return a limit and a budget for each of `count` keys; requests are of the first key."""
    keys = [f"k{number}" for number in range(count)]
    return {
        "limits": {key: {"match": {"key": key}, "requests_per_minute": 10**9} for key in keys},
        "budgets": {key: {"match": {"key": key}, "usd": 900_000_000} for key in keys},
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


def authenticating(count: int, rounds: int, *, issued: bool) -> list[float]:
    """Return microseconds of CPU per authenticated request, one figure per round."""
    secrets = [f"pm_{number:043d}" for number in range(count)]
    digests = [sha256(secret.encode()).hexdigest() for secret in secrets]
    configured = (
        {} if issued else {f"k{at}": KeyConfig(sha256=one) for at, one in _numbered(digests)}
    )
    directory = KeyDirectory(SystemClock(), Authenticator(configured))
    if issued:
        keys = tuple(
            SnapshotKey(id=f"key_{at}", name=f"k{at}", sha256=one, models=(f"m{at}",))
            for at, one in _numbered(digests)
        )
        directory.replace(
            Snapshot(state_id="s", version=1, made_unix_ns=0, keys_required=True, keys=keys)
        )
    shown = [f"Bearer {secrets[number * 7919 % count]}" for number in range(REQUESTS)]
    figures = []
    for _ in range(rounds):
        began = time.process_time_ns()
        for each in shown:
            directory.authenticate(each)
        figures.append((time.process_time_ns() - began) / 1000 / REQUESTS)
    return figures


def terms(count: int, rounds: int) -> list[float]:
    """Return microseconds of CPU to attribute a request and find its tenant's terms."""
    own = TenantPolicyConfig(plan="free", daily_usd="5")
    policy = PolicyConfig(
        plans={"free": PlanConfig(aliases={"auto": "cheap"}, models=["auto"])},
        tenants={f"t{number}": own for number in range(count)},
    )
    tenancy = Tenancy(policy)
    settings = AttributionSettings(tenancy=tenancy)
    callers = [
        Principal(key_name="k", tenant=f"t{number * 7919 % count}") for number in range(REQUESTS)
    ]
    figures = []
    for _ in range(rounds):
        began = time.process_time_ns()
        for caller in callers:
            made = attribute(Claims(headers={}), caller, settings)
            tenancy.terms(made.tenant, made.plan)
        figures.append((time.process_time_ns() - began) / 1000 / REQUESTS)
    return figures


def _numbered(digests: list[str]) -> list[tuple[int, str]]:
    return list(enumerate(digests))


def main() -> None:
    """Measure and print every case."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    show("no rule", asyncio.run(measure({}, 1, rounds)))
    least = None
    for owners in SIZES:
        figures = asyncio.run(measure(FIVE, owners, rounds))
        least = show(f"five rules, {owners:,} owners", figures, least)
    least = None
    for count in SIZES:
        figures = asyncio.run(measure(one_each(count), 1, rounds))
        least = show(f"{2 * count:,} rules, two apply", figures, least)
    least = None
    for count in SIZES:
        least = show(f"attribute, {count:,} tenants on a plan", terms(count, rounds), least)
    for where, issued in (("file", False), ("snapshot", True)):
        least = None
        for count in SIZES:
            figures = authenticating(count, rounds, issued=issued)
            least = show(f"authenticate, {count:,} keys of the {where}", figures, least)


def show(name: str, figures: list[float], least: float | None = None) -> float:
    """Print one case; return the time that the next larger case is compared with."""
    best, median = min(figures), statistics.median(figures)
    ratio = "" if least is None else f"  x {best / least:.2f}"
    print(f"{name:42} best {best:6.2f} µs  median {median:6.2f} µs{ratio}")
    return best if least is None else least


if __name__ == "__main__":
    main()
