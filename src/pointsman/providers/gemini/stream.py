"""Payloads of a stream, turned into events; and whether it is complete.

    the end of the body after every reason     complete
    the end of the body without one            TRUNCATED
    a payload that is not JSON                 PROTOCOL
    an `error` object                          the class of that error
    a blocked prompt                           CONTENT_FILTERED

The API has no mark for the end: reasons and usage are said when the body ends, so that what comes
behind a reason (more usage, another candidate) counts. Knows payloads, not bytes or time: those are
`answer_stream`'s.
"""

from msgspec import Struct

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
from pointsman.core.canonical.parts import ImagePart, Part, ReasoningPart, TextPart, ToolCallPart
from pointsman.core.failures import FailureClass
from pointsman.cost.usage import from_gemini
from pointsman.providers.gemini.decode import (
    finish_reason,
    is_error,
    logprobs_of,
    made_call_id,
    parts_of,
    raise_if_blocked,
    read_response,
)
from pointsman.providers.judge import Judge
from pointsman.wire.gemini.received import ReceivedCandidate, ReceivedResponse, UsageMetadata

_NO_PICTURES = "answer.images: dropped from the stream"


class _Candidate(Struct):
    """What has been seen of one candidate."""

    calls: int = 0
    reason: str | None = None


class EventReader:
    """Reads a stream into canonical events; see `answer_stream.PayloadReader`.

    Args:
        judge: Turns an error into the one to raise.
        status: The status under which the stream came.
        unix_s: Now; the API does not say when an answer was made.
        fallback_id: Of the answer, where the API gives none.
        changed: Gets what of the answer cannot be told: the attempt's `parameters_changed`.
        signs_apart: See `signatures.needs_signatures_apart`.
    """

    __slots__ = (
        "_candidates",
        "_changed",
        "_fallback_id",
        "_id",
        "_judge",
        "_signs_apart",
        "_status",
        "_unix_s",
        "_usage",
        "has_token",
        "is_done",
    )

    def __init__(
        self,
        judge: Judge,
        status: int,
        *,
        unix_s: int,
        fallback_id: str,
        changed: list[str],
        signs_apart: bool = False,
    ) -> None:
        self._judge = judge
        self._status = status
        self._unix_s = unix_s
        self._fallback_id = fallback_id
        self._changed = changed
        self._signs_apart = signs_apart
        self._id: str | None = None
        """Of the answer; None until it has begun."""
        self._candidates: dict[int, _Candidate] = {}
        self._usage: UsageMetadata | None = None
        self.is_done = False
        self.has_token = False

    @property
    def is_complete(self) -> bool:
        """Whether a whole answer has come."""
        seen = self._candidates.values()
        return bool(seen) and all(candidate.reason is not None for candidate in seen)

    def read(self, payloads: list[bytes], into: list[Event], *, is_last: bool) -> None:
        """Put the events into `into`; see `PayloadReader.read`."""
        for payload in payloads:
            response = read_response(payload)
            if response is not None:
                self._take(response, payload, into)
            elif payload.strip() and not is_last:
                raise self._judge.broken(
                    FailureClass.PROTOCOL, "an event of the stream is not a JSON object"
                )
        if is_last and self.is_complete:
            self._end(into)

    def _take(self, response: ReceivedResponse, payload: bytes, into: list[Event]) -> None:
        if is_error(response):
            raise self._judge.error(self._status, payload)
        raise_if_blocked(response, self._judge)
        if response.usage_metadata is not None:
            self._usage = response.usage_metadata
        for candidate in response.candidates or ():
            if self._id is None:
                self._id = response.response_id or self._fallback_id
                into.append(Started(self._id, response.model_version or "", self._unix_s))
            self._candidate(candidate, self._id, into)

    def _candidate(self, candidate: ReceivedCandidate, answer_id: str, into: list[Event]) -> None:
        index = candidate.index
        seen = self._candidates.setdefault(index, _Candidate())
        said: list[Event] = []
        for part in (candidate.content.parts if candidate.content else None) or ():
            call_id = made_call_id(answer_id, index, seen.calls)
            for piece in parts_of(part, call_id, signs_apart=self._signs_apart):
                if isinstance(piece, ImagePart):
                    self._note_picture()
                said.extend(_events(piece, index, seen))
        self.has_token = self.has_token or bool(said)
        logprobs = logprobs_of(candidate.logprobs_result)
        if logprobs is not None:
            last = said[-1] if said else None
            if isinstance(last, TextDelta):
                last.logprobs = logprobs
            else:
                said.append(TextDelta("", index, logprobs))
        into.extend(said)
        if candidate.finish_reason:
            seen.reason = candidate.finish_reason
            # By some reasons there is no answer: that is raised as soon as it is known.
            finish_reason(seen.reason, self._judge, has_calls=seen.calls > 0)

    def _note_picture(self) -> None:
        """Tell that a picture was left out: events have none."""
        if _NO_PICTURES not in self._changed:
            self._changed.append(_NO_PICTURES)

    def _end(self, into: list[Event]) -> None:
        usage = from_gemini(self._usage)
        if usage is not None:
            into.append(UsageReported(usage))
        for index, seen in self._candidates.items():
            reason = finish_reason(seen.reason or "", self._judge, has_calls=seen.calls > 0)
            into.append(Finished(reason, index))


def _events(part: Part, index: int, seen: _Candidate) -> list[Event]:
    match part:
        case TextPart():
            return [TextDelta(part.text, index)]
        case ReasoningPart():
            return [ReasoningDelta(part.text, part.signature, choice=index)]
        case ToolCallPart():
            position = seen.calls
            seen.calls += 1
            return [
                ToolCallStarted(part.id, part.name, position, index, part.signature),
                ToolCallDelta(part.arguments, position, index),
            ]
        case _:
            return []
