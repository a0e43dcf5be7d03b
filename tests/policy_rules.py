"""Rules of `policy` for tests: compiled from YAML over a manual clock, asked without a server."""

from collections.abc import Mapping

from pointsman.config.loader import load_text
from pointsman.core.clock import ManualClock
from pointsman.core.facts import Facts
from pointsman.core.identity import Principal
from pointsman.core.ledger import Ledger
from pointsman.core.records import SCHEMA, CallRecord, Reservation
from pointsman.core.usage import Usage
from pointsman.policy.admission import Admission, Admissions
from pointsman.policy.compile_rules import compile_rules
from pointsman.policy.counters import CounterStore
from pointsman.policy.ledger import MemoryLedger

HEAD = """
providers: {mock: {kind: mock, default: true}}
targets: {small: {provider: mock, model: gpt-4o-mini}, large: {provider: mock, model: gpt-4o}}
policy:
"""
NOBODY = Principal()


class Desk:
    """The rules of one worker, and what is asked of them."""

    def __init__(self, policy: str, clock: ManualClock | None = None, max_counters: int = 20_000):
        self.clock = clock or ManualClock()
        self.store = CounterStore(max_counters)
        self.ledger = MemoryLedger(self.clock)
        self.numbers = 0
        self.configure(policy)

    def configure(self, policy: str) -> None:
        """Put other rules in force, as a reload does: the counters stay."""
        indented = "".join(f"  {line}\n" for line in policy.strip().splitlines())
        loaded = load_text(HEAD + indented, file="pointsman.yaml", environment={})
        rules = compile_rules(loaded.config.policy, self.store, header_prefix="x-pointsman-")
        self.admissions = Admissions(rules, self.clock)

    def record(self, *, parent: str | None = None, **facts: object) -> CallRecord:
        """Return a request of now."""
        self.numbers += 1
        values: Mapping[str, object] = {"model": "auto", **facts}
        made = Facts(**values)
        return CallRecord(
            schema=SCHEMA,
            request_id=f"req_{self.numbers}",
            trace_id=f"{self.numbers:032x}",
            span_id="b" * 16,
            parent_span_id=parent,
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
        assert admission is not None, "no rule is configured"
        return admission

    async def hold(self, admission: Admission, amount: int | None) -> Reservation:
        """Reserve money for one attempt of an admitted request."""
        ledger: Ledger = self.ledger
        reservation, _ = await ledger.reserve(NOBODY, None, amount, admission)
        return reservation

    async def spend(self, amount: int, **facts: object) -> CallRecord:
        """Make one whole request that costs exactly its bound."""
        record = self.record(**facts)
        admission = await self.admit(record)
        reservation = await self.hold(admission, amount)
        await self.ledger.settle(reservation, amount)
        await admission.close()
        return record


def used(record: CallRecord, tokens: int) -> None:
    """Write what a call has used into its record."""
    record.usage = Usage(input_tokens=tokens, output_tokens=0)
