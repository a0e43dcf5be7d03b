"""Agent runs: which run a request belongs to, and how many it has made.

A run is named by the caller: header, metadata, or the trace it sends. A request that names none is
refused, let pass, or taken for a run by its form: an agent sends a conversation that grows with
every step, so requests of one key, user and system prompt whose conversation grows are one run, and
a conversation no longer than the first one begins another. That guess takes two agents at work on
one key at once for one; only names are sure.
"""

from pointsman.core.errors import CallError
from pointsman.core.facts import Facts
from pointsman.core.records import CallRecord, LimitCheck
from pointsman.policy.counters import CounterStore
from pointsman.policy.gates import Matches
from pointsman.policy.refusals import iteration_refusal, missing_run_refusal

RULE = "policy.agent_runs"
KIND = "agent_iterations"


class Run:
    """One run: how many requests it has made, and when the last one came."""

    __slots__ = ("at_ns", "calls", "messages", "run_id")

    def __init__(self) -> None:
        self.run_id = ""
        self.calls = 0
        self.at_ns = 0
        self.messages = 0
        """Of a guessed run: messages of its first request."""

    @property
    def is_held(self) -> bool:
        """Whether a call under way will come back to it: never."""
        return False

    def take(self, monotonic_ns: int) -> None:
        """Count a request."""
        self.calls += 1
        self.at_ns = monotonic_ns


class RunLook:
    """The run of one request."""

    __slots__ = ("_monotonic_ns", "check", "is_guess", "run")

    def __init__(self, run: Run, limit: int, monotonic_ns: int, *, is_guess: bool) -> None:
        self.run = run
        self.is_guess = is_guess
        """Whether the request named no run and was taken for one by its form."""
        self._monotonic_ns = monotonic_ns
        refused = run.calls >= limit
        self.check = LimitCheck(
            scope=f"run:{run.run_id}",
            kind=KIND,
            before=run.calls,
            reserved=0 if refused else 1,
            after=run.calls if refused else run.calls + 1,
            limit=limit,
            rule=RULE,
            refused=refused,
        )

    def take(self) -> None:
        """Count the request."""
        self.run.take(self._monotonic_ns)


class AgentRuns:
    """Counts the requests of runs.

    Args:
        store: Where the counters are; they outlive a reload.
        max_iterations: Requests of one run.
        matches: Which requests are looked at; None is all.
        without_id: `guess`, `refuse` or `ignore`.
        idle_ns: Silence that ends a guessed run.
        forget_ns: Silence that ends a named run.
        header_prefix: `x-pointsman-`, for the message.
    """

    __slots__ = (
        "_forget_ns",
        "_header_prefix",
        "_idle_ns",
        "_matches",
        "_max_iterations",
        "_store",
        "_without_id",
    )

    def __init__(
        self,
        store: CounterStore,
        *,
        max_iterations: int,
        matches: Matches | None,
        without_id: str,
        idle_ns: int,
        forget_ns: int,
        header_prefix: str,
    ) -> None:
        self._store = store
        self._max_iterations = max_iterations
        self._matches = matches
        self._without_id = without_id
        self._idle_ns = idle_ns
        self._forget_ns = forget_ns
        self._header_prefix = header_prefix

    def look(self, record: CallRecord, monotonic_ns: int) -> RunLook | None:
        """Find the run of a request and write its id into the record.

        Returns:
            None when the request belongs to no run, or no run is asked of it.

        Raises:
            InvalidRequestError: It names no run where it must.
        """
        facts = record.facts
        if facts is None or (self._matches is not None and not self._matches(facts)):
            return None
        named = run = self._named(record, facts, monotonic_ns)
        if run is None:
            run = self._unnamed(record, facts, monotonic_ns)
        if run is None:
            return None
        record.run_id = facts.run_id = run.run_id
        return RunLook(run, self._max_iterations, monotonic_ns, is_guess=named is None)

    def window_ns(self, *, is_guess: bool) -> int:
        """Return the silence that ends a run."""
        return self._idle_ns if is_guess else self._forget_ns

    def refusal(self, look: RunLook) -> CallError:
        """Return the error for a run that has made all its requests."""
        return iteration_refusal(look.check, look.run.run_id, self._forget_ns / 1e9)

    def add_past(self, facts: Facts, iteration: int, age_ns: int, monotonic_ns: int) -> None:
        """Take in a request of an earlier process: the run had made at least `iteration`."""
        if facts.run_id is None or age_ns > self._forget_ns:
            return
        run = self._store.get(_key(facts, facts.run_id), Run, Run)
        run.run_id = facts.run_id
        run.calls = max(run.calls, iteration)
        run.at_ns = max(run.at_ns, monotonic_ns - age_ns)

    def _named(self, record: CallRecord, facts: Facts, monotonic_ns: int) -> Run | None:
        run_id = record.run_id
        if run_id is None and record.parent_span_id is not None:
            run_id = f"run_{record.trace_id}"  # the caller's own trace, as `runId` is written
        if run_id is None:
            return None
        run = self._store.get(_key(facts, run_id), Run, Run)
        if monotonic_ns - run.at_ns > self._forget_ns:
            run.calls = 0
        run.run_id = run_id
        return run

    def _unnamed(self, record: CallRecord, facts: Facts, monotonic_ns: int) -> Run | None:
        if self._without_id == "refuse":
            raise missing_run_refusal(self._header_prefix)
        if self._without_id == "ignore":
            return None
        messages = facts.message_count
        prompt = record.content.system_hash if record.content is not None else None
        key = (RULE, facts.tenant, facts.key, facts.user, facts.conversation_id, prompt)
        run = self._store.get(key, Run, Run)
        is_over = monotonic_ns - run.at_ns > self._idle_ns
        if run.calls == 0 or is_over or messages <= run.messages:
            run.calls = 0
            run.messages = messages
            run.run_id = f"run_{record.trace_id}"
        return run


def _key(facts: Facts, run_id: str) -> tuple[str | None, ...]:
    # A run belongs to its tenant, so that a second key of the tenant is no way around the cap.
    return (RULE, facts.tenant, facts.key if facts.tenant is None else None, run_id)
