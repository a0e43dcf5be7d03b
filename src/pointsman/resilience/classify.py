"""What an error of a provider means: the only reader of vendor status codes and messages.

One pure function over what the provider said. The order is the point: an empty balance comes under
429 from OpenAI and Gemini, and a retired model or a content filter under 400, 403 and 404, so exact
words outrank the status. What nobody knows stays unknown and is neither retried nor hidden.
"""

from pointsman.core.failures import ErrorFacts, FailureClass
from pointsman.resilience import signs
from pointsman.resilience.signs import Signs

_BY_WORDS: tuple[tuple[FailureClass, Signs], ...] = (
    (FailureClass.QUOTA_EXHAUSTED, signs.QUOTA),
    (FailureClass.CONTEXT_TOO_LONG, signs.CONTEXT),
    (FailureClass.CONTENT_FILTERED, signs.CONTENT_FILTER),
    (FailureClass.MODEL_RETIRED, signs.RETIRED),
    (FailureClass.REGION_BLOCKED, signs.REGION),
    (FailureClass.BAD_CREDENTIAL, signs.CREDENTIAL),
    (FailureClass.MODEL_UNAVAILABLE, signs.MODEL),
    (FailureClass.OVERLOADED, signs.OVERLOADED),
    (FailureClass.RATE_LIMITED, signs.RATE_LIMIT),
)

_INSIDE_SUCCESS: tuple[tuple[FailureClass, Signs], ...] = (
    (FailureClass.SERVER_ERROR, signs.SERVER),
    (FailureClass.CALLER_FAULT, signs.REQUEST),
)

_BY_STATUS: dict[int, FailureClass] = {
    400: FailureClass.CALLER_FAULT,
    401: FailureClass.BAD_CREDENTIAL,
    # Only ever about money: https://openrouter.ai/docs/api-reference/errors, DeepSeek, Anthropic.
    402: FailureClass.QUOTA_EXHAUSTED,
    403: FailureClass.BAD_CREDENTIAL,
    # The path is ours and fixed, so what was not found is the model or the deployment.
    404: FailureClass.MODEL_UNAVAILABLE,
    # The provider's own time ran out: https://openrouter.ai/docs/api-reference/errors
    408: FailureClass.TIMEOUT,
    # Two statuses that pass by themselves; OpenAI's own clients retry 409.
    409: FailureClass.SERVER_ERROR,
    425: FailureClass.SERVER_ERROR,
    410: FailureClass.MODEL_RETIRED,
    413: FailureClass.CALLER_FAULT,
    415: FailureClass.CALLER_FAULT,
    422: FailureClass.CALLER_FAULT,
    429: FailureClass.RATE_LIMITED,
    # Groq, flex tier without capacity: https://console.groq.com/docs/flex-processing
    498: FailureClass.OVERLOADED,
    # Anthropic: https://docs.anthropic.com/en/api/errors
    529: FailureClass.OVERLOADED,
}

_BY_VENDOR_STATUS: dict[tuple[str, int], FailureClass] = {
    # "503 - Server Overloaded": https://api-docs.deepseek.com/quick_start/error_codes (2026-11)
    ("deepseek", 503): FailureClass.OVERLOADED,
}


def classify(facts: ErrorFacts) -> FailureClass:
    """Return the class of a provider's error.

    Args:
        facts: What the provider said. A success status means that the error was in the body of an
            answer or inside a stream; a numeric `code` then counts as the status (OpenRouter).

    Returns:
        `PROTOCOL` for an error under a success status, or a redirect, that nothing explains: such
        an answer is none, and another target may have one. `UNKNOWN` for any other status that is
        in no list.
    """
    status = _effective_status(facts)
    named = _by_words(facts, status)
    if named is not None:
        return named
    known = _BY_VENDOR_STATUS.get((facts.provider_kind, status)) or _BY_STATUS.get(status)
    if known is not None:
        return known
    if 500 <= status <= 599:
        return FailureClass.SERVER_ERROR
    return FailureClass.PROTOCOL if 200 <= status <= 399 else FailureClass.UNKNOWN


def _effective_status(facts: ErrorFacts) -> int:
    status = facts.status or 0
    code = facts.code or ""
    if status < 400 and len(code) == 3 and code.isascii() and code.isdigit() and code >= "400":
        return int(code)
    return status


def _by_words(facts: ErrorFacts, status: int) -> FailureClass | None:
    said = (facts.code, facts.type, facts.reason)
    words = {word.lower() for word in said if word is not None}
    # Servers that fail quote anything; what a 5xx says in words is not evidence about the request.
    message = facts.message.lower() if status < 500 else ""
    for failure, marks in _BY_WORDS:
        if _matches(marks, words, message):
            return _passing(failure, words, message)
    if status >= 400:
        return _overloaded_by_message(facts.message.lower(), status)
    for failure, marks in _INSIDE_SUCCESS:
        if not marks.codes.isdisjoint(words):
            return failure
    return None


def _matches(marks: Signs, words: set[str], message: str) -> bool:
    if not marks.codes.isdisjoint(words):
        return True
    return bool(message) and any(phrase in message for phrase in marks.phrases)


def _passing(failure: FailureClass, words: set[str], message: str) -> FailureClass:
    """Tell a limit per minute from a spent quota where a vendor words both alike."""
    if failure is not FailureClass.QUOTA_EXHAUSTED or "insufficient_quota" in words:
        return failure
    is_passing = any(phrase in message for phrase in signs.PASSING_QUOTA)
    is_lasting = any(phrase in message for phrase in signs.LASTING_QUOTA)
    return FailureClass.RATE_LIMITED if is_passing and not is_lasting else failure


def _overloaded_by_message(message: str, status: int) -> FailureClass | None:
    """OpenAI and DeepSeek say `overloaded` in the sentence of a 503 only."""
    if status == 503 and any(phrase in message for phrase in signs.OVERLOADED.phrases):
        return FailureClass.OVERLOADED
    return None
