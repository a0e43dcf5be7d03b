"""How a request ends: settle, keep content, complete the record, store it. Once, on every path.

Three endings: a whole answer, a stream (however it ended), a refusal.
"""

import msgspec

from pointsman.core.provider import Completion
from pointsman.gateway.call import Call, Reply
from pointsman.gateway.content import assemble
from pointsman.gateway.faults import Fault, fault_of
from pointsman.gateway.runtime import Runtime
from pointsman.gateway.shaping import metadata_of, splice
from pointsman.gateway.stream import StreamRelay
from pointsman.resilience.attempts import Served, end_attempt

_encode = msgspec.json.Encoder().encode


async def close_whole(
    runtime: Runtime, call: Call, served: Served, completion: Completion
) -> Reply:
    """Settle a whole answer, add the `pointsman` object, record."""
    record = call.record
    record.served_model = completion.model
    record.finish_reasons = completion.finish_reasons
    spent = runtime.accountant.charge(
        record, served.attempt, completion.usage, completion.output_characters
    )
    await end_attempt(runtime.attempts, served.attempt, None, spent, call.started_ns)
    captured = runtime.content.keep(record, call.body, completion.body)
    began_ns = runtime.clock.monotonic_ns()
    runtime.recorder.complete(record, call.started_ns)
    metadata = metadata_of(record, with_record=call.wants_record)
    body = splice(completion.body, runtime.metadata_key, metadata)
    call.stage("response_shaping", began_ns, runtime.clock.monotonic_ns())
    runtime.recorder.store(record, captured)
    return Reply(200, body, record)


async def close_stream(
    runtime: Runtime, call: Call, relay: StreamRelay, fault: Fault | None
) -> None:
    """Settle and record a stream. Status 200 was sent before anything could go wrong."""
    record = call.record
    failure = relay.failure
    if fault is not None:
        runtime.recorder.refuse(record, fault)
        record.status = 200
    spent = runtime.accountant.charge(
        record, relay.served.attempt, relay.usage, relay.output_characters
    )
    estimated = relay.usage is None or relay.usage.estimated
    relay.truth.usage_source = "estimated" if estimated else "measured"
    await end_attempt(runtime.attempts, relay.served.attempt, failure, spent, call.started_ns)
    answer = assemble(relay.collected) if relay.collected else b""
    captured = runtime.content.keep(record, call.body, answer)
    runtime.recorder.complete(record, call.started_ns)
    runtime.recorder.store(record, captured)


def close_refused(runtime: Runtime, call: Call, error: BaseException) -> Reply:
    """Record a request that got an error instead of an answer."""
    record = call.record
    fault = fault_of(error, record, call.abort.reason)
    runtime.recorder.refuse(record, fault)
    captured = runtime.content.keep(record, call.body, b"")
    runtime.recorder.complete(record, call.started_ns)
    runtime.recorder.store(record, captured)
    return Reply(fault.status, _encode(fault.body), record, fault.headers)
