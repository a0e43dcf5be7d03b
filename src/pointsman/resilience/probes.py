"""Active health: calls in the background that ask whether a target serves. Off unless configured.

Two kinds (MM-08): a short one, often, that asks for one word; and one of representative length, now
and then. Both go the whole way that a request goes and count as one: they take the breaker's trial
when it is half-open, they are recorded and priced. Never on the request path: a request neither
waits for a probe nor starts one.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import msgspec
from msgspec import Struct

from pointsman.config.resilience import ProbeConfig
from pointsman.core.abort import AbortSignal
from pointsman.core.deadline import Deadline
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.ids import IdSource, TraceContext
from pointsman.core.provider import Completion, Provider, ProviderRequest
from pointsman.core.records import SCHEMA, Attempt, CallFailure, CallRecord
from pointsman.core.target import Target
from pointsman.resilience.lease import Holders, Lease

OPERATION = "probe"
REASON = "health_probe"
TICK_S = 0.25
"""How often it is looked whether a probe is due."""
_MAX_TOKENS = 5
_QUESTION = "Answer with the single word ok."
_FILLER = "The train on track two waits for the signal. "
_logger = logging.getLogger("pointsman.resilience")
_encode = msgspec.json.Encoder().encode


class Question(NamedTuple):
    """What a probe asks."""

    characters: int
    """Length of the prompt before the question itself."""
    limit_s: float


class ProbePlan(Struct, frozen=True, kw_only=True):
    """What to probe and how to tell of it, under one configuration."""

    targets: Sequence[tuple[Target, ProbeConfig]]
    providers: Mapping[str, Provider]
    config_version: str
    journal_begin: Callable[[CallRecord, Attempt], None]
    charge: Callable[[CallRecord, Attempt, Completion], None]
    """Writes usage and cost of an answer into attempt and record."""
    report: Callable[[CallRecord], None]
    """Takes the finished record."""


class Prober:
    """Probes the targets of the plan in force until stopped.

    Args:
        holders: Breakers, health and places, as requests use them.
        ids: For the records.
        plan: Returns the plan in force; asked anew at every look, so that a reload counts.
    """

    def __init__(self, holders: Holders, ids: IdSource, plan: Callable[[], ProbePlan]) -> None:
        self._holders = holders
        self._ids = ids
        self._plan = plan
        self._due_ns: dict[tuple[str, str], int] = {}
        self._probing: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; the first probes are due one interval from now."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End what is under way and wait for it."""
        tasks = [*self._probing.values(), *([self._task] if self._task is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._task = None

    async def probe(self, plan: ProbePlan, target: Target, question: Question) -> None:
        """Make one call, unless the breaker or the target's room forbids it, and record it."""
        request_id = self._ids.request_id()
        if not await self._holders.slots.take(target, 0, AbortSignal()):
            return
        permit = self._holders.breakers.begin(target, request_id)
        if permit is None:
            self._holders.slots.give_back(target)
            return
        record = self._record(plan, request_id)
        started_ns = self._holders.clock.monotonic_ns()
        attempt = Attempt(
            target=target.name,
            provider=target.provider,
            model=target.model,
            kind=OPERATION,
            span_id=self._ids.span_id(),
            breaker_before=None if permit.before == "closed" else permit.before,
        )
        record.attempts.append(attempt)
        attempt.in_flight = self._holders.health.begin(target.provider, target.name)
        lease = Lease(
            self._holders, target, attempt, permit, request_id=request_id, started_ns=started_ns
        )
        plan.journal_begin(record, attempt)
        failure: FailureClass | None = FailureClass.CLIENT_LEFT
        try:
            completion = await self._call(plan, record, lease, question)
            plan.charge(record, attempt, completion)
            failure = None
            record.status, record.outcome = 200, "success"
            record.served_target, record.served_provider = target.name, target.provider
        except UpstreamError as error:
            failure = error.failure_class
            attempt.failure_class, attempt.error = failure.value, error.message[:500]
            record.status, record.outcome = 502, "failure"
            record.error = CallFailure(error.code, error.message[:500], failure.value)
        finally:
            await lease.end(failure, 0)
            record.duration_ns = attempt.end_ns
            record.outcome = record.outcome or "client_left"
            plan.report(record)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            plan = self._plan()
            now_ns = self._holders.clock.monotonic_ns()
            for target, config in plan.targets:
                self._look(plan, target, config, now_ns)

    def _look(self, plan: ProbePlan, target: Target, config: ProbeConfig, now_ns: int) -> None:
        kinds = [("short", config.every, 0)]
        if config.realistic_every is not None:
            kinds.append(("realistic", config.realistic_every, config.realistic_characters))
        for kind, every, characters in kinds:
            key = (target.name, kind)
            due_ns = self._due_ns.setdefault(key, now_ns + round(every * 1e9))
            if now_ns < due_ns or key in self._probing:
                continue
            self._due_ns[key] = now_ns + round(every * 1e9)
            probing = self.probe(plan, target, Question(characters, float(config.timeout)))
            task = asyncio.get_running_loop().create_task(probing)
            self._probing[key] = task
            task.add_done_callback(partial(self._done, key))

    def _done(self, key: tuple[str, str], task: asyncio.Task[None]) -> None:
        self._probing.pop(key, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _logger.error("a probe of %s failed in the gateway", key[0], exc_info=error)

    async def _call(
        self, plan: ProbePlan, record: CallRecord, lease: Lease, question: Question
    ) -> Completion:
        target, attempt, length = lease.target, lease.attempt, question.characters
        text = (_FILLER * (length // len(_FILLER) + 1))[:length] + _QUESTION
        body = {
            "model": target.model,
            "messages": [{"role": "user", "content": text}],
            "max_tokens": _MAX_TOKENS,
            "temperature": 0,
        }
        trace = TraceContext(record.trace_id, None)
        completion = await plan.providers[target.provider].complete(
            ProviderRequest(
                request_id=record.request_id,
                target=target,
                body=_encode(body),
                dialect=record.dialect,
                requested_model=target.model,
                stream=False,
                client_wants_usage=False,
                drop_keys=(),
                deadline=Deadline.after(self._holders.clock, question.limit_s),
                abort=AbortSignal(),
                traceparent=trace.traceparent(attempt.span_id),
                attempt=attempt,
            )
        )
        if not completion.finish_reasons or not completion.output_characters:
            raise UpstreamError("the answer holds no text or no end", FailureClass.PROTOCOL)
        return completion

    def _record(self, plan: ProbePlan, request_id: str) -> CallRecord:
        return CallRecord(
            schema=SCHEMA,
            request_id=request_id,
            trace_id=self._ids.trace_id(),
            span_id=self._ids.span_id(),
            started_unix_ns=self._holders.clock.unix_ns(),
            config_version=plan.config_version,
            operation=OPERATION,
            reason=REASON,
        )
