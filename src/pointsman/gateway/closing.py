"""How a request ends: settle, keep content, complete the record, store it. Once, on every path.

Three endings: a whole answer, a stream (however it ended), a refusal.
"""

import logging
from collections.abc import Callable

from pointsman.core.failures import FailureClass
from pointsman.core.provider import Completion
from pointsman.core.usage import Usage
from pointsman.gateway.call import Call, Reply
from pointsman.gateway.content import Captured
from pointsman.gateway.faults import Fault, fault_of, wire_error
from pointsman.gateway.runtime import Runtime
from pointsman.gateway.shaping import metadata_of, splice
from pointsman.gateway.stream import StreamRelay
from pointsman.resilience.attempts import Served

_logger = logging.getLogger("pointsman.gateway")


async def close_whole(
    runtime: Runtime, call: Call, served: Served, completion: Completion
) -> Reply:
    """Settle a whole answer, add the `pointsman` object, record."""
    record = call.record
    record.served_model = completion.model
    record.finish_reasons = completion.finish_reasons
    characters = completion.output_characters
    await _settle(runtime, call, served, completion.usage, characters, failure=None)
    if runtime.guard is not None:
        await runtime.guard.check_answer(call, completion)
    captured = _captured(runtime, call, lambda: completion.body)
    if call.asked.wants_json:
        completion.body = runtime.structured.judge(call, served, completion.body)
    began_ns = runtime.clock.monotonic_ns()
    runtime.recorder.complete(record, call.started_ns)
    metadata = metadata_of(record, with_record=call.wants_record)
    body = splice(completion.body, runtime.metadata_key, metadata)
    call.stage("response_shaping", began_ns, runtime.clock.monotonic_ns())
    runtime.recorder.store(record, captured)
    headers = {f"x-{runtime.metadata_key}-tool-calls": call.flag} if call.flag else None
    return Reply(200, body, record, headers)


async def close_stream(
    runtime: Runtime, call: Call, relay: StreamRelay, fault: Fault | None
) -> None:
    """Settle and record a stream. Status 200 was sent before anything could go wrong."""
    record = call.record
    if fault is not None:
        runtime.recorder.refuse(record, fault)
        record.status = 200
    usage = relay.usage
    estimated = usage is None or usage.estimated or usage.output_tokens is None
    relay.truth.usage_source = "estimated" if estimated else "measured"
    served, failure = relay.served, relay.failure
    await _settle(runtime, call, served, relay.usage, relay.output_characters, failure=failure)
    if call.facts.tool_count and relay.has_all:
        runtime.tool_calls.judge_stream(call, served, relay.collected)
    if call.asked.wants_json and relay.has_all:
        runtime.structured.judge_stream(call, served, relay.collected)
    captured = _captured(runtime, call, lambda: call.dialect.assemble(relay.collected))
    runtime.recorder.complete(record, call.started_ns)
    runtime.recorder.store(record, captured)


def close_refused(runtime: Runtime, call: Call, error: BaseException) -> Reply:
    """Record a request that got an error instead of an answer."""
    record = call.record
    fault = fault_of(error, record, call.abort.reason)
    runtime.recorder.refuse(record, fault)
    captured = _captured(runtime, call, bytes)
    runtime.recorder.complete(record, call.started_ns)
    runtime.recorder.store(record, captured)
    body = call.dialect.encode_error(wire_error(fault, record.request_id))
    return Reply(fault.status, body, record, fault.headers)


async def _settle(
    runtime: Runtime,
    call: Call,
    served: Served,
    usage: Usage | None,
    output_characters: int,
    *,
    failure: FailureClass | None,
) -> None:
    """Charge the attempt and end it; a fault in charging must not leave its hold for ever."""
    spent = 0
    try:
        spent = runtime.accountant.charge(call.record, served.attempt, usage, output_characters)
    finally:
        await served.lease.end(failure, spent)


def _captured(runtime: Runtime, call: Call, response: Callable[[], bytes]) -> Captured | None:
    """Return what to keep of the texts; a fault in that costs them, never the record."""
    try:
        return runtime.content.keep(call.record, call.body, response())
    except Exception:
        _logger.exception("the content of request %s is lost", call.record.request_id)
        return None
