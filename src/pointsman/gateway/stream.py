"""Relaying a stream: write chunks as they come, tell the truth about how it ended.

The first chunks are already here (the loop over attempts waited for them). Once they are written
the answer is committed: a later failure becomes one error event inside the stream and no `[DONE]`.
Settling and recording happen in `finally`, also when the client has left.
"""

import logging
from collections.abc import Awaitable, Callable

from pointsman.core.clock import Clock
from pointsman.core.errors import GuardrailBlockedError, UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.frames import release_frames
from pointsman.core.provider import CompletionStream, StreamChunk
from pointsman.core.records import StreamTruth
from pointsman.core.usage import Usage
from pointsman.gateway.call import Call, Write
from pointsman.gateway.faults import Fault, fault_of, wire_error
from pointsman.gateway.guard_stream import StreamGuard
from pointsman.resilience.attempts import Served, describe_failure

_logger = logging.getLogger("pointsman.gateway")
_TERMINAL = {
    FailureClass.TRUNCATED: "cut",
    FailureClass.CONNECTION: "cut",
    FailureClass.TIMEOUT: "stalled",
    FailureClass.PROTOCOL: "malformed",
    FailureClass.CLIENT_LEFT: "client_left",
}


class StreamRelay:
    """Relays one stream to one client.

    Args:
        call: The request; its record is filled in place.
        served: The target that answers, with its first chunks.
        clock: For the commit point.
        kept_bytes: How much of the chunks to keep for `collected`; 0 keeps none.
        guard: Lets through what prompt rules have judged; None lets through everything.
        finish: Settles and records; called exactly once, with the fault if there was one.
    """

    def __init__(
        self,
        call: Call,
        served: Served,
        clock: Clock,
        *,
        kept_bytes: int,
        guard: StreamGuard | None = None,
        finish: Callable[["StreamRelay", Fault | None], Awaitable[None]],
    ) -> None:
        self._call = call
        self._clock = clock
        self._finish = finish
        self._guard = guard
        self._room_bytes = kept_bytes
        self._stream: CompletionStream | None = served.stream
        self._first = served.first_chunks
        self.served = served
        self.collected: list[bytes] = []
        """Payloads of the chunks, as far as there was room."""
        self.usage: Usage | None = None
        self.output_characters = 0
        self.failure: FailureClass | None = FailureClass.CLIENT_LEFT
        """How it ended; None is complete. Until it has ended, leaving is what would end it."""
        self.truth = StreamTruth()
        call.record.stream = self.truth

    @property
    def has_all(self) -> bool:
        """Whether the whole stream ended well and all of it was collected."""
        return self.truth.terminal == "done" and self._room_bytes > 0

    async def pump(self, write: Write) -> None:
        """Write the stream to the client until it ends, breaks or the client leaves."""
        fault: Fault | None = None
        try:
            await self._relay(write)
            self.failure = None
            self.truth.terminal = "done"
        except GuardrailBlockedError as error:
            self.failure = None  # its target did well
            self.truth.terminal = "blocked"
            fault = fault_of(error, self._call.record, self._call.abort.reason)
            await self._tell(write, fault)
        except UpstreamError as error:
            self.failure = error.failure_class
            self.truth.terminal = self._terminal(error.failure_class)
            describe_failure(self.served.attempt, error)
            fault = fault_of(error, self._call.record, self._call.abort.reason)
            await self._tell(write, fault)
            release_frames(error)
        except Exception as error:
            # A bug of ours; without this it would be told as a client that left.
            _logger.exception("the stream of request %s failed", self._call.record.request_id)
            self.failure = FailureClass.UNKNOWN
            self.truth.terminal = "failed"
            fault = fault_of(error, self._call.record, self._call.abort.reason)
            await self._tell(write, fault)
        finally:
            if not self.truth.terminal:
                self.truth.terminal = "client_left"
            if self._stream is not None:
                self._stream.close()
            if self._guard is not None:
                self._guard.note()
            await self._finish(self, fault)

    def _terminal(self, failure: FailureClass) -> str:
        if self._call.abort.reason == "shutdown":
            return "shutdown"
        return _TERMINAL.get(failure, "failed")

    async def _relay(self, write: Write) -> None:
        stream = self._stream
        chunks = self._first
        self._first = None
        guard = self._guard
        while chunks and stream is not None:
            data = self._frames(chunks if guard is None else guard.pass_on(chunks))
            if data:
                await self._write(write, data)
            if guard is not None:
                guard.stop_if_blocked()
            if self._call.abort.is_aborted:
                raise UpstreamError("the client left", FailureClass.CLIENT_LEFT)
            chunks = await stream.next_chunks()
        rest = b""
        if guard is not None:
            rest = self._frames(guard.rest())
            guard.stop_if_blocked()
        closing = rest + self._call.dialect.closing_frames
        if closing:
            await self._write(write, closing)

    async def _write(self, write: Write, data: bytes) -> None:
        truth = self.truth
        if truth.committed_ns is None:
            truth.committed_ns = self._clock.monotonic_ns() - self._call.started_ns
        truth.bytes += len(data)
        await write(data)

    async def _tell(self, write: Write, fault: Fault) -> None:
        """Send the one error event; a client that has left reads nothing."""
        if self.truth.terminal == "client_left" or self._call.abort.is_aborted:
            return
        call = self._call
        frame = call.dialect.error_frame(wire_error(fault, call.record.request_id))
        name = (b"event: ", frame.event.encode(), b"\n") if frame.event is not None else ()
        await self._write(write, b"".join((*name, b"data: ", frame.data, b"\n\n")))

    def _frames(self, chunks: list[StreamChunk]) -> bytes:
        """Count the chunks and return the bytes for those that the client is to see."""
        parts: list[bytes] = []
        for chunk in chunks:
            self._note(chunk)
            if not chunk.for_gateway_only:
                if chunk.event is not None:
                    parts += (b"event: ", chunk.event.encode(), b"\n")
                parts += (b"data: ", chunk.data, b"\n\n")
                self.truth.chunks += 1
        return b"".join(parts)

    def _note(self, chunk: StreamChunk) -> None:
        record = self._call.record
        self.output_characters += chunk.output_characters
        if chunk.usage is not None:
            self.usage = chunk.usage
        if chunk.finish_reason is not None:
            record.finish_reasons.append(chunk.finish_reason)
        if chunk.model is not None and record.served_model is None:
            record.served_model = chunk.model
        if self._room_bytes > 0 and chunk.data:
            self._room_bytes -= len(chunk.data)
            self.collected.append(chunk.data)
