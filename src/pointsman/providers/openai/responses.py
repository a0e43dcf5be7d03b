"""The Responses API passed through: whole answers and event streams, and the truth of their end.

    response.completed, response.incomplete     the end of a complete stream
    response.failed, error                      the class of that error
    the end without any of these                TRUNCATED, `[DONE]` or not

Events are handed on as the bytes they came in, under their names. Knows payloads, not bytes or
time: those are `answer_stream`'s.
"""

import msgspec
from msgspec import Raw

from pointsman.core.failures import FailureClass
from pointsman.core.provider import Completion, StreamChunk
from pointsman.cost.usage import from_openai_responses
from pointsman.providers.judge import Judge
from pointsman.providers.openai.decode import is_error
from pointsman.providers.tolerant import decode_tolerantly
from pointsman.wire.malformed import MALFORMED
from pointsman.wire.openai.responses_received import (
    OutputItem,
    ReceivedResponse,
    ResponseEvent,
    decode_event,
    decode_response,
)
from pointsman.wire.sse import event_name

_DONE = b"[DONE]"
_ENDS = frozenset({"response.completed", "response.incomplete"})
_CONTENT = frozenset(
    {
        "response.output_text.delta",
        "response.refusal.delta",
        "response.reasoning_text.delta",
        "response.reasoning_summary_text.delta",
        "response.function_call_arguments.delta",
        "response.custom_tool_call_input.delta",
    }
)
_encode = msgspec.json.Encoder().encode


def decode_whole_response(body: bytes, status: int, judge: Judge) -> Completion:
    """Read a whole answer that came with a success status.

    Raises:
        UpstreamError: It is an error body, not JSON, or a response that failed.
    """
    try:
        response = decode_response(body)
    except MALFORMED:
        response = decode_tolerantly(body, ReceivedResponse) or ReceivedResponse()
    if is_error(response.error) or response.status is None or response.output is None:
        raise judge.error(status, body)
    return Completion(
        body=body,
        response_id=response.id,
        model=response.model,
        finish_reasons=[_finish_reason(response)],
        usage=from_openai_responses(response.usage),
        output_characters=sum(map(_characters, response.output)),
    )


def events_of_response(answer: Completion) -> list[StreamChunk]:
    """Return the events for a whole answer to a request that asked for a stream."""
    response = Raw(answer.body)
    return [
        StreamChunk(
            _encode({"type": name, "sequence_number": number, "response": response}), event=name
        )
        if name != "response.completed"
        else StreamChunk(
            _encode({"type": name, "sequence_number": number, "response": response}),
            answer.output_characters,
            answer.finish_reasons[0],
            answer.usage,
            False,
            answer.model,
            answer.response_id,
            name,
        )
        for number, name in enumerate(("response.created", "response.completed"))
    ]


class ResponseReader:
    """Reads the payloads of one stream; see `answer_stream.PayloadReader`.

    Args:
        judge: Turns an error in the stream into the one to raise.
        status: The status under which the stream came.
    """

    __slots__ = ("_judge", "_status", "has_token", "is_complete", "is_done")

    def __init__(self, judge: Judge, status: int) -> None:
        self._judge = judge
        self._status = status
        self.is_done = False
        self.is_complete = False
        """The event that ends a response has come."""
        self.has_token = False

    def read(self, payloads: list[bytes], into: list[StreamChunk], *, is_last: bool) -> None:
        """Put the events into `into`; see `PayloadReader.read`."""
        for payload in payloads:
            if payload == _DONE:
                # Some servers close with the marker of the other API.
                self.is_done = True
                return
            if not payload.strip():
                continue
            chunk = self._read(payload.replace(b"\n", b" "), is_last=is_last)
            if chunk is not None:
                into.append(chunk)
            if self.is_done:
                return

    def _read(self, payload: bytes, *, is_last: bool) -> StreamChunk | None:
        try:
            event = decode_event(payload)
        except MALFORMED:
            tolerant = decode_tolerantly(payload, ResponseEvent)
            if tolerant is None and is_last:
                return None
            if tolerant is None:
                raise self._judge.broken(
                    FailureClass.PROTOCOL, "an event of the stream is not a JSON object"
                ) from None
            event = tolerant
        if event.type in _CONTENT:
            self.has_token = True
            return StreamChunk(payload, len(event.delta or ""), event=event_name(event.type))
        if event.type in ("error", "response.failed", ""):
            raise self._error(event, payload)
        if event.type in _ENDS:
            self.is_complete = self.is_done = True
            return _ending(event, payload)
        response = event.response
        if response is None:
            return StreamChunk(payload, event=event_name(event.type))
        return StreamChunk(
            payload, model=response.model, response_id=response.id, event=event_name(event.type)
        )

    def _error(self, event: ResponseEvent, payload: bytes) -> Exception:
        if event.response is not None and is_error(event.response.error):
            payload = _encode({"error": event.response.error})
        return self._judge.error(self._status, payload)


def _ending(event: ResponseEvent, payload: bytes) -> StreamChunk:
    response = event.response or ReceivedResponse()
    return StreamChunk(
        payload,
        0,
        _finish_reason(response),
        from_openai_responses(response.usage),
        False,
        response.model,
        response.id,
        event.type,
    )


def _finish_reason(response: ReceivedResponse) -> str:
    details = response.incomplete_details
    return (details.reason if details is not None else None) or response.status or "completed"


def _characters(item: OutputItem) -> int:
    texts = [*(item.content or ()), *(item.summary or ())]
    count = sum(len(text.text or text.refusal or "") for text in texts)
    return count + len(item.arguments or "") + len(item.input or "")
