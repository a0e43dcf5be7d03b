"""What a bug of ours in mid-stream looks like: told, recorded, settled."""

from collections.abc import Awaitable, Callable

from held_attempts import lease_of
from pointsman.core.abort import AbortSignal
from pointsman.core.clock import ManualClock
from pointsman.core.failures import FailureClass
from pointsman.core.ids import TraceContext
from pointsman.core.provider import StreamChunk
from pointsman.core.records import SCHEMA, Attempt, CallRecord
from pointsman.core.target import Target
from pointsman.dialects.openai_chat.dialect import OpenAiChat
from pointsman.gateway.call import Call
from pointsman.gateway.faults import Fault
from pointsman.gateway.stream import StreamRelay
from pointsman.resilience.attempts import Served


class BrokenStream:
    """Gives one chunk, then fails as only a bug can."""

    is_closed = False

    async def next_chunks(self) -> list[StreamChunk]:
        raise KeyError("a bug")

    def close(self) -> None:
        self.is_closed = True


def relay_of(
    stream: BrokenStream, finish: Callable[[StreamRelay, Fault | None], Awaitable[None]]
) -> StreamRelay:
    record = CallRecord(
        schema=SCHEMA, request_id="req_1", trace_id="a" * 32, span_id="b" * 16, started_unix_ns=1
    )
    call = Call(
        record=record,
        dialect=OpenAiChat(),
        trace=TraceContext("a" * 32, None),
        headers={},
        body=b"{}",
        abort=AbortSignal(),
        started_ns=0,
    )
    served = Served(
        lease_of(Target(name="t", provider="p", model="m"), Attempt("t", "p", "m")),
        stream=stream,
        first_chunks=[StreamChunk(b"{}", output_characters=2)],
    )
    return StreamRelay(call, served, ManualClock(), kept_bytes=0, finish=finish)


async def test_a_bug_in_mid_stream_is_not_told_as_a_client_that_left():
    """AP-05: the client gets the error event and no end marker, the record a failure."""
    written: list[bytes] = []
    ended: list[tuple[FailureClass | None, str, Fault | None]] = []

    async def write(data: bytes) -> None:
        written.append(data)

    async def finish(relay: StreamRelay, fault: Fault | None) -> None:
        ended.append((relay.failure, relay.truth.terminal, fault))

    stream = BrokenStream()
    await relay_of(stream, finish).pump(write)

    assert b'"internal_error"' in written[-1]
    assert b"[DONE]" not in b"".join(written)
    assert stream.is_closed
    [(failure, terminal, fault)] = ended
    assert failure is FailureClass.UNKNOWN
    assert terminal == "failed"
    assert fault is not None
