"""Answers that should be JSON: parsed, compared with their schema, cut out of what is around them.

Judges whole answers and streams; changes whole answers only, and only where that was asked for.
What was captured of the answer is what the model wrote.
"""

from collections.abc import Sequence
from typing import Literal, cast

import msgspec

from pointsman.core.dialect import ChatDialect
from pointsman.core.errors import InvalidRequestError
from pointsman.core.structured_text import find_json
from pointsman.gateway.call import Call
from pointsman.gateway.tool_check import ToolChecker
from pointsman.resilience.attempts import Served
from pointsman.wire.malformed import MALFORMED

CLEAN = "clean"
_decode = msgspec.json.Decoder().decode


class StructuredAnswers:
    """Applies `structured_output` of one configuration version.

    Args:
        clean: `never`, `on_request` or `always`.
        header: By which a request asks for it, in lower case.
        checker: Keeps compiled schemas.
    """

    __slots__ = ("_checker", "_clean", "_header")

    def __init__(
        self,
        clean: Literal["never", "on_request", "always"],
        header: str,
        checker: ToolChecker,
    ) -> None:
        self._clean = clean
        self._header = header
        self._checker = checker

    def judge(self, call: Call, served: Served, body: bytes) -> bytes:
        """Note what the text of a whole answer is; return the body to send.

        Args:
            call: Asks for JSON.
            served: Who answered; its attempt gets the outcome.
            body: The answer, in the client's dialect.
        """
        dialect = cast("ChatDialect", call.dialect)
        text = dialect.answer_text(body)
        if not text:
            return body  # tool calls, or a refusal: nothing was to be JSON
        outcome = self._outcome(call, text)
        found = find_json(text) if outcome == "invalid" else None
        if found is not None:
            outcome = "framed"
            if self._is_to_be_cleaned(call):
                outcome = "cleaned"
                body = dialect.with_answer_text(body, found)
        served.attempt.json_answer = outcome
        return body

    def judge_stream(self, call: Call, served: Served, payloads: Sequence[bytes]) -> None:
        """Note what the text of a streamed answer is."""
        text = cast("ChatDialect", call.dialect).streamed_text(payloads)
        if text:
            outcome = self._outcome(call, text)
            is_framed = outcome == "invalid" and find_json(text) is not None
            served.attempt.json_answer = "framed" if is_framed else outcome

    def _outcome(self, call: Call, text: str) -> str:
        try:
            value = _decode(text)
        except (*MALFORMED, UnicodeEncodeError):
            return "invalid"
        return "schema_violation" if self._breaks_schema(call, value) else "valid"

    def _breaks_schema(self, call: Call, value: object) -> bool:
        if not call.facts.json_schema:
            return False
        try:
            output = cast("ChatDialect", call.dialect).decode(call.body).output
        except (InvalidRequestError, *MALFORMED):
            return False
        if output is None or output.schema is None:
            return False
        return self._checker.breaks(output.schema, value)

    def _is_to_be_cleaned(self, call: Call) -> bool:
        if self._clean == "on_request":
            return call.headers.get(self._header, "").strip().lower() == CLEAN
        return self._clean == "always"
