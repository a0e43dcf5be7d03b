"""The provider's words to ours: whole answers, their parts, and why they ended.

Reading is tolerant: parts of kinds that are not known are left out, fields of a surprising type
count as absent. What cannot be missing is a candidate, or the reason why there is none.
"""

import msgspec
from msgspec import Raw

from pointsman.core.canonical.answer import Answer, AnswerChoice, FinishReason
from pointsman.core.canonical.parts import ImagePart, Part, ReasoningPart, TextPart, ToolCallPart
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.cost.usage import from_gemini
from pointsman.providers.gemini.signatures import marked, marked_call
from pointsman.providers.judge import Judge
from pointsman.providers.tolerant import decode_tolerantly
from pointsman.wire.gemini.received import (
    LogprobsResult,
    ReceivedBlob,
    ReceivedCall,
    ReceivedCandidate,
    ReceivedPart,
    ReceivedResponse,
    TokenLogprob,
    decode_response,
)
from pointsman.wire.malformed import MALFORMED

_FILTERED = (
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "MODEL_ARMOR",
    "ESCALATION",
    "PUP_LIMITED_DISABLED",
)
FINISH_REASONS: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    **dict.fromkeys(_FILTERED, "content_filter"),
}
"""Source: google-genai 3.4.0, the vendor's SDK, `types.FinishReason` (read 2026-11)."""

BROKEN: dict[str, FailureClass] = {
    "MALFORMED_FUNCTION_CALL": FailureClass.PROTOCOL,
    "UNEXPECTED_TOOL_CALL": FailureClass.PROTOCOL,
    "MALFORMED_RESPONSE": FailureClass.PROTOCOL,
    "MISSING_THOUGHT_SIGNATURE": FailureClass.CALLER_FAULT,
}
"""Reasons by which there is no answer: what the model wrote was thrown away."""

_NO_ERROR = (Raw(), Raw(b"null"))
_URL_ALPHABET = str.maketrans("-_", "+/")
_encode = msgspec.json.Encoder().encode


def decode_answer(
    body: bytes,
    status: int,
    judge: Judge,
    *,
    unix_s: int,
    fallback_id: str,
    signs_apart: bool = False,
) -> Answer:
    """Decode a whole answer.

    Args:
        body: As it came, with a success status.
        status: That status.
        judge: Turns an error into the one to raise.
        unix_s: Now; the API does not say when an answer was made.
        fallback_id: Of the answer, where the API gives none.
        signs_apart: See `signatures.needs_signatures_apart`.

    Raises:
        UpstreamError: It is an error body or no answer, the prompt was blocked, or the model's
            call could not be read by its provider.
    """
    response = read_response(body)
    if response is None or is_error(response):
        raise judge.error(status, body)
    raise_if_blocked(response, judge)
    if not response.candidates:
        raise judge.broken(FailureClass.PROTOCOL, "an answer without candidates")
    answer_id = response.response_id or fallback_id
    return Answer(
        id=answer_id,
        model=response.model_version or "",
        created_unix_s=unix_s,
        choices=[
            _choice(candidate, answer_id, judge, signs_apart=signs_apart)
            for candidate in sorted(response.candidates, key=lambda each: each.index)
        ],
        usage=from_gemini(response.usage_metadata),
    )


def read_response(payload: bytes) -> ReceivedResponse | None:
    """Return an answer, or a piece of one, as far as it can be read; None is no JSON object."""
    try:
        return decode_response(payload)
    except MALFORMED:
        return decode_tolerantly(payload, ReceivedResponse)


def is_error(response: ReceivedResponse) -> bool:
    """Tell whether an error came in place of an answer."""
    return response.error not in _NO_ERROR


def raise_if_blocked(response: ReceivedResponse, judge: Judge) -> None:
    """Raise where the provider's filters refused the prompt.

    Raises:
        UpstreamError: `CONTENT_FILTERED`, with the vendor's reason.
    """
    feedback = response.prompt_feedback
    if feedback is None or feedback.block_reason is None or response.candidates:
        return
    message = f"{judge.provider_name} blocked the prompt ({feedback.block_reason})"
    error = {"message": message, "type": "invalid_request_error", "code": "content_filter"}
    raise UpstreamError(
        message,
        FailureClass.CONTENT_FILTERED,
        upstream_status=400,
        upstream_code=feedback.block_reason,
        upstream_body=_encode({"error": error}),
    )


def finish_reason(said: str, judge: Judge, *, has_calls: bool) -> FinishReason:
    """Return why a candidate ended; a reason that is not known yet is an ordinary end.

    Raises:
        UpstreamError: By this reason there is no answer.
    """
    failure = BROKEN.get(said)
    if failure is not None:
        raise UpstreamError(
            f"{judge.provider_name} answered without an answer ({said})",
            failure,
            upstream_code=said,
        )
    reason = FINISH_REASONS.get(said, "stop")
    return "tool_calls" if has_calls and reason == "stop" else reason


def parts_of(part: ReceivedPart, call_id: str, *, signs_apart: bool) -> list[Part]:
    """Return what one part says: mostly one thing, and the proof that comes with it.

    Args:
        part: As it came.
        call_id: For a call without an id of its own.
        signs_apart: The signature of a call is told before it, too.
    """
    call, signature = part.function_call, part.thought_signature
    if call is not None:
        called = _call(call, call_id, signature)
        if not signature or not signs_apart:
            return [called]
        return [ReasoningPart(signature=marked_call(signature)), called]
    found: list[Part] = []
    if part.text:
        found.append(ReasoningPart(part.text) if part.thought else TextPart(part.text))
    elif part.inline_data is not None and not part.thought:
        found.append(_image(part.inline_data))
    if signature:
        found.append(ReasoningPart(signature=marked(signature)))
    return found


def logprobs_of(result: LogprobsResult | None) -> Raw | None:
    """Return log probabilities in the shape of OpenAI's."""
    if result is None or not result.chosen_candidates:
        return None
    tops = [top.candidates or [] for top in result.top_candidates or ()]
    tops.extend([[]] * (len(result.chosen_candidates) - len(tops)))
    content = [
        {**_token(chosen), "top_logprobs": [_token(each) for each in top]}
        for chosen, top in zip(result.chosen_candidates, tops, strict=False)
    ]
    return Raw(_encode({"content": content, "refusal": None}))


def made_call_id(answer_id: str, choice: int, position: int) -> str:
    """Return an id for a call that came without: the same for the same answer, nowhere twice."""
    return f"call_{answer_id}_{choice}_{position}"


def _choice(
    candidate: ReceivedCandidate, answer_id: str, judge: Judge, *, signs_apart: bool
) -> AnswerChoice:
    received = candidate.content.parts if candidate.content is not None else None
    parts: list[Part] = []
    calls = 0
    for each in received or ():
        call_id = made_call_id(answer_id, candidate.index, calls)
        said = parts_of(each, call_id, signs_apart=signs_apart)
        calls += each.function_call is not None
        _extend(parts, said)
    reason: FinishReason | None = None
    if candidate.finish_reason:
        reason = finish_reason(candidate.finish_reason, judge, has_calls=calls > 0)
    return AnswerChoice(parts, reason, logprobs=logprobs_of(candidate.logprobs_result))


def _extend(parts: list[Part], said: list[Part]) -> None:
    """Add parts; text goes on where text came before, and thoughts where thoughts did."""
    for part in said:
        last = parts[-1] if parts else None
        if isinstance(part, TextPart) and isinstance(last, TextPart):
            last.text += part.text
        elif _goes_on(part, last) and isinstance(last, ReasoningPart):
            last.text += part.text if isinstance(part, ReasoningPart) else ""
        else:
            parts.append(part)


def _goes_on(part: Part, last: Part | None) -> bool:
    return (
        isinstance(part, ReasoningPart)
        and isinstance(last, ReasoningPart)
        and part.signature is None
        and last.signature is None
    )


def _call(call: ReceivedCall, call_id: str, signature: str | None) -> ToolCallPart:
    return ToolCallPart(call.id or call_id, call.name, _arguments(call.args), signature)


def _arguments(args: Raw) -> str:
    """Return arguments as text, without the white space that the API's own JSON has."""
    text = bytes(args).decode("utf-8", "replace")
    return "{}" if text in ("", "null") else msgspec.json.format(text, indent=-1)


def _image(blob: ReceivedBlob) -> ImagePart:
    data = (blob.data or "").translate(_URL_ALPHABET)
    return ImagePart(data=data, media_type=blob.mime_type or "image/png")


def _token(said: TokenLogprob) -> dict[str, object]:
    return {
        "token": said.token,
        "logprob": said.log_probability or 0.0,
        "bytes": list(said.token.encode("utf-8", "surrogatepass")),
    }
