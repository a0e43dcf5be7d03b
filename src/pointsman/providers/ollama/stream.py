"""Lines of a streamed answer to canonical events.

a line with `done`              the end of a complete stream
a line with `error`             the class of that error
the end without either          TRUNCATED
a line that is not JSON         PROTOCOL; one cut by the end counts as not sent
"""

from collections.abc import Callable

from pointsman.core.canonical.events import (
    Event,
    Finished,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from pointsman.core.failures import FailureClass
from pointsman.providers.judge import Judge
from pointsman.providers.ollama.decode import (
    call_part,
    created_unix_s,
    finish_reason,
    logprobs_of,
    read_chat,
    usage_of,
)
from pointsman.wire.ollama.received import ChatAnswer, Message

_FAILED = 500


class EventReader:
    """Reads the lines of one stream; see `answer_stream.PayloadReader`.

    Args:
        judge: Turns an error in the stream into the one to raise.
        status: The status under which the stream came.
        call_id: Of the request, from which ids are made: the server has none.
        unix_s: When it came, where it does not say when it was made.
        at_end: Gets the last line, for what the server says of its work.
    """

    __slots__ = (
        "_at_end",
        "_call_count",
        "_call_id",
        "_has_started",
        "_judge",
        "_status",
        "_unix_s",
        "has_token",
        "is_complete",
        "is_done",
    )

    def __init__(
        self,
        judge: Judge,
        status: int,
        *,
        call_id: str,
        unix_s: int,
        at_end: Callable[[ChatAnswer], None],
    ) -> None:
        self._judge = judge
        self._status = status
        self._call_id = call_id
        self._unix_s = unix_s
        self._at_end = at_end
        self._call_count = 0
        self._has_started = False
        self.is_done = False
        self.is_complete = False
        self.has_token = False

    def read(self, payloads: list[bytes], into: list[Event], *, is_last: bool) -> None:
        """Put the events into `into`; see `PayloadReader.read`."""
        for payload in payloads:
            line = read_chat(payload)
            if line is None and is_last:
                return
            if line is None:
                what = "a line of the stream is not a JSON object"
                raise self._judge.broken(FailureClass.PROTOCOL, what)
            if line.error:
                # What went wrong behind the head would have been its status.
                raise self._judge.error(_FAILED, payload)
            if line.message is None and not line.done:
                raise self._judge.error(self._status, payload)
            self._read_line(line, into)
            if self.is_done:
                return

    def _read_line(self, line: ChatAnswer, into: list[Event]) -> None:
        if not self._has_started:
            self._has_started = True
            created = created_unix_s(line, self._unix_s)
            into.append(Started(self._call_id, line.model or "", created))
        before = len(into)
        self._read_message(line.message or Message(), line, into)
        if len(into) > before:
            self.has_token = True
        if line.done:
            into.append(Finished(finish_reason(line.done_reason, has_calls=self._call_count > 0)))
            usage = usage_of(line)
            if usage is not None:
                into.append(UsageReported(usage))
            self._at_end(line)
            self.is_done = self.is_complete = True

    def _read_message(self, message: Message, line: ChatAnswer, into: list[Event]) -> None:
        if message.thinking:
            into.append(ReasoningDelta(message.thinking))
        if message.content:
            into.append(TextDelta(message.content, logprobs=logprobs_of(line)))
        for call in message.tool_calls or ():
            part = call_part(call, self._call_id, self._call_count)
            into.append(ToolCallStarted(part.id, part.name, self._call_count))
            into.append(ToolCallDelta(part.arguments, self._call_count))
            self._call_count += 1
