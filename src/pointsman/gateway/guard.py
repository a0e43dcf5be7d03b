"""The two guards of a call: prompt rules before any provider is asked, and on what it answers.

    guard_input    after a request is read and admitted, before a target is chosen
    guard_output   on a whole answer, or chunk by chunk on a stream (gateway/guard_stream.py)

Finds the texts, asks the rules, and does what they say. Which rules there are, and what they look
for, is `policy/prompt`.
"""

import asyncio
from functools import partial

from pointsman.core.clock import Clock
from pointsman.core.errors import GuardrailBlockedError
from pointsman.core.provider import Completion
from pointsman.gateway.call import Call
from pointsman.gateway.guard_stream import StreamGuard
from pointsman.gateway.guard_texts import BodyTexts, TextPlace
from pointsman.policy.prompt.examination import Examination
from pointsman.policy.prompt.rule import ANSWER, PROMPT, PromptRules
from pointsman.policy.prompt.window import TextWindow
from pointsman.routing.complexity import complexity_of

OFF_LOOP_CHARACTERS = 32_768
"""Longer texts are read in another thread, between whose searches the event loop has its turns."""
PIECE_CHARACTERS = 65_536
"""Longer texts are read in pieces of so much."""
PIECE_HOLD_CHARACTERS = 4096
"""How much of a piece is read again with the next, so that nothing is cut in two."""
UNREADABLE = "the answer cannot be read, so the rules of this gateway let nothing of it through"
REFUSED_FINISH = "content_filter"


class Guard:
    """Holds calls against the prompt rules of one configuration version."""

    __slots__ = ("_clock", "_rules")

    def __init__(self, rules: PromptRules, clock: Clock) -> None:
        self._rules = rules
        self._clock = clock

    async def check_request(self, call: Call) -> None:
        """Redact the prompt, note a detour, or refuse.

        Raises:
            GuardrailBlockedError: A rule blocks the prompt.
            InvalidRequestError: The body holds what cannot be read.
        """
        if not self._rules.on_prompt:
            return
        began_ns = self._clock.monotonic_ns()
        call.facts.complexity = complexity_of(call.facts)  # else known from the plan on
        examination = Examination(self._rules.on_prompt, PROMPT, call.facts)
        try:
            if examination.reads_text:
                texts = BodyTexts.of_request(call.body)
                await _read(texts, examination)
                call.body = texts.body()
            _conclude(call, examination)
        finally:
            call.stage("policy_check", began_ns, self._clock.monotonic_ns())

    async def check_answer(self, call: Call, completion: Completion) -> None:
        """Redact a whole answer, or put a refusal in its place.

        Raises:
            GuardrailBlockedError: A rule blocks the answer and has no refusal to send.
        """
        if not self._rules.on_answer:
            return
        began_ns = self._clock.monotonic_ns()
        examination = Examination(self._rules.on_answer, ANSWER, call.facts)
        record = call.record
        try:
            texts = BodyTexts.of_answer(completion.body) if examination.reads_text else None
            if texts is None and examination.reads_text and examination.may_change:
                raise GuardrailBlockedError(UNREADABLE)
            if texts is not None and await _read(texts, examination):
                texts.without_logprobs()
                completion.body = texts.body()
            rule = examination.blocking()
            if rule is None:
                return
            refused = texts.refused(rule.refusal) if texts is not None and rule.refusal else None
            if refused is None:
                raise examination.error(rule)
            completion.body = refused
            completion.finish_reasons = record.finish_reasons = [REFUSED_FINISH]
        finally:
            record.policy += examination.outcomes
            call.stage("guard_output", began_ns, self._clock.monotonic_ns())

    def of_stream(self, call: Call) -> StreamGuard | None:
        """Return what guards the stream of this call; None when no rule reads its answer."""
        if not self._rules.on_answer:
            return None
        examination = Examination(self._rules.on_answer, ANSWER, call.facts)
        hold = self._rules.hold_back_characters
        return StreamGuard(call.record, examination, hold)


async def _read(texts: BodyTexts, examination: Examination) -> bool:
    """Read all texts and put redacted ones in their place; tell whether any was."""
    if texts.characters <= OFF_LOOP_CHARACTERS:
        return _read_now(texts, examination)
    return await asyncio.to_thread(_read_now, texts, examination)


def _read_now(texts: BodyTexts, examination: Examination) -> bool:
    has_changed = False
    for place in texts.places:
        is_long = len(place.text) > PIECE_CHARACTERS and not place.is_json
        text = _judged_long(place, examination) if is_long else _judged(place, examination)
        if text != place.text:
            place.put(text)
            has_changed = True
    return has_changed


def _judged(place: TextPlace, examination: Examination) -> str:
    scanned = examination.scan(place.text, place.role, is_json=place.is_json)
    if scanned.found:
        examination.note(scanned.found)
    return scanned.text


def _judged_long(place: TextPlace, examination: Examination) -> str:
    """Read a text in pieces, cut as a stream is: one search of megabytes would stop the loop."""
    window = TextWindow(partial(examination.scan, role=place.role), PIECE_HOLD_CHARACTERS)
    judged: list[str] = []
    for start in range(0, len(place.text), PIECE_CHARACTERS):
        judged.append(window.feed(place.text[start : start + PIECE_CHARACTERS]))
        examination.note(window.found)
    judged.append(window.flush())
    examination.note(window.found)
    return "".join(judged)


def _conclude(call: Call, examination: Examination) -> None:
    call.detour = examination.detour()
    call.record.policy += examination.outcomes
    rule = examination.blocking()
    if rule is not None:
        raise examination.error(rule)


def guard_for(rules: PromptRules | None, clock: Clock) -> Guard | None:
    """Return the guard of a configuration; None when it has no prompt rule, which costs nothing."""
    return None if rules is None else Guard(rules, clock)
