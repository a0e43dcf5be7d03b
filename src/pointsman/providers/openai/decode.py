"""The provider's words to ours: whole answers, their text, and errors in every form they take.

Reading is tolerant: a field of a surprising type is treated as absent and the answer passes on as
the bytes it is. What cannot be missing is the JSON object and its choices. What an error means is
asked of the classification given to the provider; nothing here reads a status or a code.
"""

from typing import TypeVar, get_args

import msgspec
from msgspec import Raw, Struct, structs

from pointsman.config.section import Secret
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import Classify, ErrorFacts
from pointsman.core.provider import Completion
from pointsman.cost.usage import from_openai_chat
from pointsman.wire.malformed import MALFORMED
from pointsman.wire.openai.chat import (
    AnswerMessage,
    ChatCompletion,
    decode_completion,
    decode_tool_call,
)
from pointsman.wire.openai.error import read_error

T = TypeVar("T", bound=Struct)

_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_NO_ERROR = (Raw(), Raw(b"null"))


class Judge(Struct, frozen=True):
    """Turns what a provider said into the error to raise."""

    provider_name: str
    """As configured; for the message."""
    vendor: str
    """The preset, whose words they are."""
    classify: Classify
    key: Secret | None = None
    """The credential, which must not come back in an error body that is passed on."""

    def error(
        self, status: int, body: bytes, *, retry_after_s: float | None = None
    ) -> UpstreamError:
        """Return the error for an error body, which may also have come under a success status.

        The message is made of codes only: a provider's sentence may quote the prompt.
        """
        said = read_error(body)
        failure = self.classify(
            ErrorFacts(
                provider_kind=self.vendor,
                status=status,
                code=said.code,
                type=said.type,
                message=said.message,
            )
        )
        word = said.code or said.type
        is_success = 200 <= status <= 299
        what = "an error inside a success answer" if is_success else str(status)
        return UpstreamError(
            f"{self.provider_name} answered {what}{f' ({word})' if word else ''}",
            failure,
            # A success status must not become the client's status of a failure.
            upstream_status=None if is_success else status,
            upstream_code=word,
            upstream_body=self._without_key(body),
            retry_after_s=retry_after_s,
        )

    def _without_key(self, body: bytes) -> bytes:
        key = self.key.reveal().encode() if self.key is not None else b""
        return body.replace(key, b"***") if key else body


def decode_answer(body: bytes, status: int, judge: Judge) -> Completion:
    """Read a whole answer that came with a success status.

    Raises:
        UpstreamError: It is an error body, not JSON, or has no choices.
    """
    try:
        answer = decode_completion(body)
    except MALFORMED:
        answer = decode_tolerantly(body, ChatCompletion) or ChatCompletion()
    if is_error(answer.error) or not answer.choices:
        raise judge.error(status, body)

    return Completion(
        body=body,
        response_id=answer.id,
        model=answer.model,
        finish_reasons=[choice.finish_reason for choice in answer.choices if choice.finish_reason],
        usage=from_openai_chat(answer.usage),
        output_characters=sum(
            count_characters(choice.message)
            for choice in answer.choices
            if choice.message is not None
        ),
    )


def is_error(error: Raw) -> bool:
    """Tell whether an `error` field is present and says something."""
    return error not in _NO_ERROR


def count_characters(message: AnswerMessage) -> int:
    """Return the code points of text, reasoning, refusal and tool arguments."""
    count = len(message.content) if message.content else 0
    reasoning = message.reasoning_content or message.reasoning
    if reasoning:
        count += len(reasoning)
    if message.refusal:
        count += len(message.refusal)
    if message.tool_calls:
        count += sum(_argument_characters(call) for call in message.tool_calls)
    return count


def _argument_characters(call: Raw) -> int:
    try:
        function = decode_tool_call(call).function
    except MALFORMED:
        return len(bytes(call))
    return len(function.arguments or "") if function is not None else 0


def decode_tolerantly(payload: bytes, shape: type[T]) -> T | None:
    """Decode a JSON object whose fields may have other types than documented.

    Some servers answer text in parts, ids as numbers or usage in an own form. Each field that does
    not fit is read one level deeper, and left at its default when that does not help.

    Returns:
        None when the payload is not a JSON object.
    """
    try:
        fields = _decode_fields(payload)
    except MALFORMED:
        return None
    return _fill(fields, shape)


def _fill(fields: dict[str, Raw], shape: type[T]) -> T:
    known: dict[str, object] = {}
    for field in structs.fields(shape):
        raw = fields.get(field.encode_name)
        if raw is None:
            continue
        try:
            known[field.name] = msgspec.json.decode(raw, type=field.type)
        except MALFORMED:
            value = _fill_inner(raw, field.type)
            if value is not None:
                known[field.name] = value
    return shape(**known)


def _fill_inner(raw: Raw, declared: object) -> object:
    """Read a struct, or a list of them, field by field; None when there is none inside."""
    inner = _struct_in(declared)
    if inner is None:
        return None
    try:
        if bytes(raw).startswith(b"["):
            items = msgspec.json.decode(raw, type=list[dict[str, Raw]])
            return [_fill(fields, inner) for fields in items]
        return _fill(_decode_fields(raw), inner)
    except MALFORMED:
        return None


def _struct_in(declared: object) -> type[Struct] | None:
    """Return the struct that a type such as `list[X] | None` is about."""
    if isinstance(declared, type) and issubclass(declared, Struct):
        return declared
    return next(filter(None, map(_struct_in, get_args(declared))), None)
