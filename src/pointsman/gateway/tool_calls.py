"""What becomes of tool calls that break what the request declared: recorded, flagged, repaired.

A repair asks the model once more, with its own answer and what was wrong with it. It is an attempt
of its own, with its own hold, price and place in the record; when it fails, the first answer stands
and is flagged.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, cast

from pointsman.core.canonical.conversation import Conversation
from pointsman.core.canonical.parts import ToolCallPart
from pointsman.core.dialect import ChatDialect
from pointsman.core.errors import InvalidRequestError, PointsmanError
from pointsman.core.provider import Completion
from pointsman.core.records import ToolCallCheck
from pointsman.gateway.accounting import Accountant
from pointsman.gateway.call import Call
from pointsman.gateway.tool_check import OK, ToolChecker
from pointsman.resilience.attempts import Served
from pointsman.wire.malformed import MALFORMED

_logger = logging.getLogger("pointsman.gateway")
_WAITS = "Not executed, because another call of the same answer was invalid. Call it again."


class ToolCallRules:
    """Applies `tool_calls` of one configuration version.

    Args:
        on_invalid: `pass`, `flag` or `repair`.
        checker: Shared by all versions; keeps compiled schemas.
        accountant: Charges an answer that is asked for again.
    """

    __slots__ = ("_accountant", "_checker", "_on_invalid")

    def __init__(
        self,
        on_invalid: Literal["pass", "flag", "repair"],
        checker: ToolChecker,
        accountant: Accountant,
    ) -> None:
        self._on_invalid = on_invalid
        self._checker = checker
        self._accountant = accountant

    async def judge(
        self,
        call: Call,
        served: Served,
        ask_again: Callable[[bytes, Served], Awaitable[Served]],
    ) -> Served:
        """Check a whole answer; return it, or the one that repairs it.

        Args:
            call: Declares tools.
            served: The answer.
            ask_again: Makes an attempt with another body, at the same target first.
        """
        completion = served.completion
        conversation = _conversation(call)
        if completion is None or conversation is None:
            return served
        calls = _dialect(call).answered_calls(completion.body)
        checks = self._note(call, served, conversation, calls)
        if not self._is_to_be_repaired(call, calls, checks):
            return served
        again = await self._repaired(call, served, completion, calls, ask_again)
        if again is None or again.completion is None:
            return served
        calls = _dialect(call).answered_calls(again.completion.body)
        self._note(call, again, conversation, calls)
        return again

    def judge_stream(self, call: Call, served: Served, payloads: Sequence[bytes]) -> None:
        """Check a streamed answer that has come to its end."""
        conversation = _conversation(call)
        if conversation is not None:
            calls = _dialect(call).streamed_calls(payloads)
            served.attempt.tool_calls = self._checker.check(conversation, calls)

    def _note(
        self, call: Call, served: Served, conversation: Conversation, calls: list[ToolCallPart]
    ) -> list[ToolCallCheck]:
        checks = served.attempt.tool_calls = self._checker.check(conversation, calls)
        bad = [check for check in checks if check.outcome != OK]
        call.flag = bad[0].outcome if bad and self._on_invalid != "pass" else None
        return checks

    def _is_to_be_repaired(
        self, call: Call, calls: list[ToolCallPart], checks: list[ToolCallCheck]
    ) -> bool:
        facts = call.facts
        return (
            self._on_invalid == "repair"
            and bool(calls)
            and any(check.outcome != OK for check in checks)
            and facts.choice_count == 1
            and facts.provider_tool_count == 0
        )

    async def _repaired(
        self,
        call: Call,
        served: Served,
        completion: Completion,
        calls: list[ToolCallPart],
        ask_again: Callable[[bytes, Served], Awaitable[Served]],
    ) -> Served | None:
        """Settle the first answer, ask again; None when that fails."""
        feedback = {
            each.id: _feedback(check)
            for each, check in zip(calls, served.attempt.tool_calls, strict=True)
        }
        try:
            body = _dialect(call).with_feedback(call.body, completion.body, feedback)
        except MALFORMED:
            return None  # an answer of which a part cannot be written again
        spent = self._accountant.charge(
            call.record, served.attempt, completion.usage, completion.output_characters
        )
        await served.lease.end(None, spent)
        try:
            return await ask_again(body, served)
        except PointsmanError as error:
            _logger.info("request %s: no repair: %s", call.record.request_id, error.message)
            return None


def _dialect(call: Call) -> ChatDialect:
    return cast("ChatDialect", call.dialect)


def _conversation(call: Call) -> Conversation | None:
    """Return what was asked; None of a request that only its own provider understands."""
    if call.dialect.operation != "chat":
        return None
    try:
        return _dialect(call).decode(call.body)
    except (InvalidRequestError, *MALFORMED):
        return None


def _feedback(check: ToolCallCheck) -> str:
    if check.outcome == OK:
        return _WAITS
    found = "; ".join(check.violations)
    what = check.outcome.replace("_", " ")
    return f"Invalid call: {what}{f' ({found})' if found else ''}. Correct it and call again."
