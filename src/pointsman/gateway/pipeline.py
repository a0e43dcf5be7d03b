"""A request, from the client's bytes to the answer. READ FIRST.

The order of stages is the order of the lines in `Pipeline._answer`, and is written nowhere else:

    authenticate   key -> Principal
    read           body -> what is asked, facts, attribution
    admit          agent runs, rates, requests under way, quotas, budgets already spent
    guard_input    prompt rules: block, redact, flag, send elsewhere           (gateway/guard.py)
    plan           model name -> route -> candidates, each eligible or excluded with two values
    quota rule     a budget may move the choice, whose price it now knows      (gateway/quota.py)
    attempt *      reserve -> call -> classify -> fail over or stop        (resilience/attempts.py)
    tool calls     compared with what the request declared, repaired   (gateway/tool_calls.py)
    guard_output   the same rules on a whole answer, in `close`, or on the chunks of a stream
    close          usage -> cost -> settle; shape the answer; one record       (gateway/closing.py)

Failures are closed as successes are, with the same record. A stream is closed in the `finally` of
`gateway/stream.py`, also when the client has left.
"""

import logging
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from pointsman.core.abort import AbortSignal
from pointsman.core.clock import Clock
from pointsman.core.deadline import Deadline
from pointsman.core.dialect import Dialect
from pointsman.core.errors import (
    OverloadedError,
    PermissionDeniedError,
    PointsmanError,
    UpstreamError,
)
from pointsman.core.failures import FailureClass
from pointsman.core.frames import release_frames
from pointsman.core.ids import IdSource, TraceContext, parse_traceparent
from pointsman.core.records import SCHEMA, CallRecord
from pointsman.gateway.call import Call, Reply, StreamReply
from pointsman.gateway.closing import close_refused, close_stream, close_whole
from pointsman.gateway.faults import Fault, fault_of, wire_error
from pointsman.gateway.metrics import Metrics
from pointsman.gateway.quota import apply_quota_rule
from pointsman.gateway.runtime import Runtime
from pointsman.gateway.stream import StreamRelay
from pointsman.policy.attribution import Claims, apply, attribute
from pointsman.policy.limit_headers import merged
from pointsman.resilience.attempts import AttemptCall, Served, run_attempts
from pointsman.routing.outcome import served as note_served

_log = logging.getLogger("pointsman.gateway")
_encode = msgspec.json.Encoder().encode
_YES = frozenset({"true", "1", "yes"})
_JUDGED_BYTES = 262_144
"""How much of a stream is kept until its tool calls, or its JSON, have been looked at."""
_GATEWAY_KEYS = ("tenant_id",)
"""Top-level keys of the body that are meant for the gateway and are never forwarded."""


class Arrival(Struct):
    """What the server knows of a request once its body is complete."""

    request_id: str
    dialect: Dialect
    """What the client speaks, by the route it called."""
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes
    abort: AbortSignal
    received_ns: int
    """Monotonic time of the request's first byte."""


class Pipeline:
    """Answers calls in any dialect. Holds no state of a request; a `Runtime` comes with each."""

    def __init__(self, clock: Clock, ids: IdSource, metrics: Metrics) -> None:
        self._clock = clock
        self._ids = ids
        self._metrics = metrics

    async def answer(self, runtime: Runtime, arrival: Arrival) -> Reply | StreamReply:
        """Answer one call. Always returns a reply; errors are replies too."""
        call = self._begin(runtime, arrival)
        self._metrics.in_flight.inc()
        reply: Reply | StreamReply | None = None
        try:
            reply = await self._answer(runtime, call)
        except PointsmanError as error:
            reply = close_refused(runtime, call, error)
            release_frames(error)
        except BaseException as error:
            reply = close_refused(runtime, call, error)
            if not isinstance(error, Exception):
                raise  # cancelled at shutdown; the record was not lost with the task
            _log.exception("request %s failed in the gateway", call.record.request_id)
        finally:
            if not isinstance(reply, StreamReply):
                await self._leave(call)
        if call.admission is not None:
            reply.headers = merged(reply.headers, call.admission.headers)
        return reply

    def _enter(self, runtime: Runtime, call: Call) -> None:
        """Do nothing for a client that has left already, or while too much is under way."""
        if call.abort.is_aborted:  # its body may be cut, which is not its fault
            raise UpstreamError("the client left", FailureClass.CLIENT_LEFT)
        under_way = int(self._metrics.in_flight.value)
        if under_way > runtime.max_in_flight:
            raise OverloadedError(
                f"the gateway is full: {under_way - 1} requests under way of at most"
                f" {runtime.max_in_flight}"
            )

    async def _leave(self, call: Call) -> None:
        """Give back what the request held for as long as it was under way."""
        self._metrics.in_flight.dec()
        if call.admission is not None:
            await call.admission.close()

    async def _answer(self, runtime: Runtime, call: Call) -> Reply | StreamReply:
        """Run the stages, in their order."""
        self._enter(runtime, call)
        self._authenticate(runtime, call)
        self._read(runtime, call)
        call.admission = await runtime.admissions.admit(call.record)
        if runtime.guard is not None:
            await runtime.guard.check_request(call)
        self._plan(runtime, call)
        apply_quota_rule(runtime, call)
        served = await self._attempt(runtime, call)
        if call.facts.tool_count and served.completion is not None:
            served = await self._judge_tool_calls(runtime, call, served)
        if served.completion is not None:
            return await close_whole(runtime, call, served, served.completion)
        return StreamReply(call.record, self._relay(runtime, call, served).pump)

    async def preview(self, runtime: Runtime, arrival: Arrival) -> Reply:
        """Decide without calling anyone or counting anything; the reply holds the record."""
        call = self._begin(runtime, arrival)
        record = call.record
        try:
            self._authenticate(runtime, call)
            self._read(runtime, call)
            if not call.principal.allows("explain"):
                raise PermissionDeniedError("this key lacks the scope `explain`")
            if runtime.guard is not None:
                await runtime.guard.check_request(call)
            self._plan(runtime, call)
            record.outcome = "preview"
        except PointsmanError as error:
            fault = fault_of(error, record)
            runtime.recorder.refuse(record, fault)
            if not call.principal.allows("explain") or record.facts is None:
                told = call.dialect.encode_error(wire_error(fault, record.request_id))
                return Reply(fault.status, told, record, fault.headers)
            record.outcome = "refused"
        record.duration_ns = self._clock.monotonic_ns() - call.started_ns
        return Reply(200, _encode(record), record)

    def _begin(self, runtime: Runtime, arrival: Arrival) -> Call:
        headers = arrival.headers
        trace = parse_traceparent(headers.get("traceparent")) or TraceContext(
            self._ids.trace_id(), None
        )
        record = CallRecord(
            schema=SCHEMA,
            request_id=arrival.request_id,
            trace_id=trace.trace_id,
            span_id=self._ids.span_id(),
            parent_span_id=trace.parent_span_id,
            started_unix_ns=self._clock.unix_ns(),
            worker=runtime.worker,
            config_version=runtime.config_version,
            snapshot_age_ms=runtime.authenticator.age_ms,
            dialect=arrival.dialect.name,
            operation=arrival.dialect.operation,
        )
        return Call(
            record=record,
            dialect=arrival.dialect,
            trace=trace,
            headers=headers,
            body=arrival.body,
            abort=arrival.abort,
            started_ns=arrival.received_ns,
        )

    def _authenticate(self, runtime: Runtime, call: Call) -> None:
        headers = call.headers
        call.principal = runtime.authenticator.authenticate(
            headers.get("authorization"), headers.get("x-api-key")
        )
        explain = headers.get(f"x-{runtime.metadata_key}-explain")
        call.wants_record = explain in _YES and call.principal.allows("explain")

    def _read(self, runtime: Runtime, call: Call) -> None:
        """Read the body: what is asked, and on whose behalf."""
        began_ns = self._clock.monotonic_ns()
        asked = call.asked = call.dialect.read(call.body)
        facts = call.facts = asked.facts
        record = call.record
        record.requested_model = asked.model
        record.stream_requested = facts.stream
        names_tenant = asked.tenant_id is not None or b'"tenant_id"' in call.body
        call.drop_keys = _GATEWAY_KEYS if names_tenant else ()
        claims = Claims(
            headers=call.headers,
            user=asked.user,
            tenant_id=asked.tenant_id,
            metadata=asked.metadata,
        )
        apply(attribute(claims, call.principal, runtime.attribution), record, facts)
        record.facts = facts
        call.terms = runtime.tenancy.terms(record.tenant, record.plan)
        record.content = runtime.content.reference(record, asked, call.body)
        call.stage("policy_check", began_ns, self._clock.monotonic_ns())

    def _plan(self, runtime: Runtime, call: Call) -> None:
        began_ns = self._clock.monotonic_ns()
        override = call.headers.get(f"x-{runtime.metadata_key}-target")
        try:
            plan = runtime.planner.plan(
                call.record, call.principal, override, call.detour, call.terms
            )
        finally:
            call.stage("route_request", began_ns, self._clock.monotonic_ns())
        call.targets = plan.targets
        call.retry_first = plan.retry_first
        limit_s = plan.timeout_s
        if limit_s is None:
            limit_s = max((target.timeouts.total_s for target in plan.targets), default=0.0)
        call.deadline = Deadline.after(self._clock, limit_s)

    async def _judge_tool_calls(self, runtime: Runtime, call: Call, served: Served) -> Served:
        async def ask_again(body: bytes, before: Served) -> Served:
            others = [target for target in call.targets if target is not before.target]
            call.targets = [before.target, *others]
            return await self._attempt(runtime, call, repair=body)

        return await runtime.tool_calls.judge(call, served, ask_again)

    async def _attempt(
        self, runtime: Runtime, call: Call, *, repair: bytes | None = None
    ) -> Served:
        """Run the loop; `repair` is a body that asks for a better answer to the same request."""
        asked = call.asked
        served = await run_attempts(
            AttemptCall(
                record=call.record,
                started_ns=call.started_ns,
                principal=call.principal,
                admission=call.admission,
                targets=call.targets,
                body=call.body if repair is None else repair,
                first_kind="first" if repair is None else "repair",
                requested_model=asked.model,
                stream=call.facts.stream,
                client_wants_usage=asked.wants_usage,
                drop_keys=call.drop_keys,
                trace=call.trace,
                deadline=call.deadline,
                abort=call.abort,
                retry_first=call.retry_first,
                idempotency_key=call.headers.get("idempotency-key"),
                passed_headers=_passed_headers(call) if call.dialect.passed_headers else {},
            ),
            runtime.attempts,
        )
        record = call.record
        record.status = 200
        record.served_target = served.target.name
        record.served_provider = served.target.provider
        record.mock = served.target.provider in runtime.mock_providers
        note_served(record, len(record.attempts) - 1)
        return served

    def _relay(self, runtime: Runtime, call: Call, served: Served) -> StreamRelay:
        async def finish(relay: StreamRelay, fault: Fault | None) -> None:
            try:
                await close_stream(runtime, call, relay, fault)
            finally:
                await self._leave(call)

        kept_bytes = 0 if runtime.content.capture == "none" else runtime.content.max_bytes
        if call.facts.tool_count or call.asked.wants_json:
            kept_bytes = max(kept_bytes, _JUDGED_BYTES)
        guard = None if runtime.guard is None else runtime.guard.of_stream(call)
        return StreamRelay(
            call, served, self._clock, kept_bytes=kept_bytes, guard=guard, finish=finish
        )


def _passed_headers(call: Call) -> dict[str, str]:
    headers = call.headers
    return {name: headers[name] for name in call.dialect.passed_headers if name in headers}
