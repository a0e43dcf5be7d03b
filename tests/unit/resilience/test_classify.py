"""What a provider's error means: a table of what vendors really send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.failures import ErrorFacts, FailureClass
from pointsman.resilience import signs
from pointsman.resilience.classify import classify

F = FailureClass

TABLE = [
    # provider, status, code, type, message, class
    ("openai", 429, "insufficient_quota", "insufficient_quota", "", F.QUOTA_EXHAUSTED),
    ("openai", 429, None, None, "You exceeded your current quota, please check", F.QUOTA_EXHAUSTED),
    ("openai", 429, "rate_limit_exceeded", "requests", "Rate limit reached", F.RATE_LIMITED),
    ("openai", 429, "billing_hard_limit_reached", None, "", F.QUOTA_EXHAUSTED),
    ("openai", 400, "context_length_exceeded", "invalid_request_error", "", F.CONTEXT_TOO_LONG),
    ("openai", 400, None, "invalid_request_error", "Unknown parameter: 'x'", F.CALLER_FAULT),
    ("openai", 401, "invalid_api_key", "invalid_request_error", "Incorrect", F.BAD_CREDENTIAL),
    (
        "openai",
        403,
        "unsupported_country_region_territory",
        "request_forbidden",
        "",
        F.REGION_BLOCKED,
    ),
    ("openai", 404, "model_not_found", "invalid_request_error", "", F.MODEL_UNAVAILABLE),
    (
        "openai",
        404,
        "model_not_found",
        "invalid_request_error",
        "The model `gpt-4-32k` has been deprecated, learn more here:",
        F.MODEL_RETIRED,
    ),
    ("openai", 500, None, "server_error", "The server had an error", F.SERVER_ERROR),
    ("openai", 503, None, None, "The engine is currently overloaded", F.OVERLOADED),
    ("openai", 503, None, None, "upstream connect error", F.SERVER_ERROR),
    ("openai", 408, None, None, "", F.TIMEOUT),
    ("openai", 409, None, None, "", F.SERVER_ERROR),
    ("openai", 413, None, None, "", F.CALLER_FAULT),
    ("azure", 400, "content_filter", None, "The response was filtered", F.CONTENT_FILTERED),
    ("azure", 404, "DeploymentNotFound", None, "", F.MODEL_UNAVAILABLE),
    (
        "anthropic",
        400,
        None,
        "invalid_request_error",
        "Your credit balance is too low to access the API",
        F.QUOTA_EXHAUSTED,
    ),
    ("anthropic", 400, None, "invalid_request_error", "prompt is too long: 2", F.CONTEXT_TOO_LONG),
    ("anthropic", 529, None, "overloaded_error", "Overloaded", F.OVERLOADED),
    ("anthropic", 200, None, "overloaded_error", "Overloaded", F.OVERLOADED),
    ("gemini", 429, "429", "RESOURCE_EXHAUSTED", "Resource exhausted", F.RATE_LIMITED),
    (
        "gemini",
        429,
        "429",
        "RESOURCE_EXHAUSTED",
        "You exceeded your current quota ... Please retry in 12.5s.",
        F.RATE_LIMITED,
    ),
    (
        "gemini",
        429,
        "429",
        "RESOURCE_EXHAUSTED",
        "You exceeded your current quota ... GenerateRequestsPerDayPerProject. Please retry in 5s.",
        F.QUOTA_EXHAUSTED,
    ),
    ("gemini", 400, "400", "INVALID_ARGUMENT", "API key not valid.", F.BAD_CREDENTIAL),
    (
        "gemini",
        400,
        "400",
        "FAILED_PRECONDITION",
        "User location is not supported",
        F.REGION_BLOCKED,
    ),
    ("gemini", 503, "503", "UNAVAILABLE", "The model is overloaded.", F.OVERLOADED),
    ("gemini", 200, "503", "UNAVAILABLE", "The model is overloaded.", F.OVERLOADED),
    ("gemini", 403, "403", "PERMISSION_DENIED", "unregistered callers", F.BAD_CREDENTIAL),
    ("gemini", 404, "404", "NOT_FOUND", "models/x is not found", F.MODEL_UNAVAILABLE),
    (
        "gemini",
        404,
        "404",
        "NOT_FOUND",
        "This model models/x is no longer available to new users.",
        F.MODEL_RETIRED,
    ),
    (
        "gemini",
        400,
        "400",
        "FAILED_PRECONDITION",
        "Gemini API free tier is not available in your country.",
        F.REGION_BLOCKED,
    ),
    (
        "gemini",
        400,
        "400",
        "INVALID_ARGUMENT",
        "The input token count (9) exceeds the maximum number of tokens allowed (8).",
        F.CONTEXT_TOO_LONG,
    ),
    ("groq", 498, "capacity_exceeded", None, "", F.OVERLOADED),
    ("groq", 400, "model_decommissioned", "invalid_request_error", "", F.MODEL_RETIRED),
    ("groq", 413, "rate_limit_exceeded", "tokens", "Request too large", F.RATE_LIMITED),
    ("mistral", 400, "1500", "invalid_model", "Invalid model: x", F.MODEL_UNAVAILABLE),
    ("mistral", 422, None, "invalid_request_error", "Extra inputs", F.CALLER_FAULT),
    ("deepseek", 402, None, None, "Insufficient Balance", F.QUOTA_EXHAUSTED),
    ("deepseek", 503, None, None, "", F.OVERLOADED),
    ("deepseek", 400, None, "invalid_request_error", "Content Exists Risk", F.CONTENT_FILTERED),
    ("openrouter", 402, "402", None, "Insufficient credits", F.QUOTA_EXHAUSTED),
    ("openrouter", 403, "403", None, "Your input was flagged", F.CONTENT_FILTERED),
    ("openrouter", 200, "429", None, "Rate limited upstream", F.RATE_LIMITED),
    ("openrouter", 200, "502", None, "Provider disconnected", F.SERVER_ERROR),
    ("openrouter", 400, "400", None, "foo/bar is not a valid model ID", F.MODEL_UNAVAILABLE),
    ("nvidia", 402, None, None, "Cloud credits expired", F.QUOTA_EXHAUSTED),
    ("nvidia", 410, None, None, "Gone", F.MODEL_RETIRED),
    ("nvidia", 404, None, None, "Not found for account", F.MODEL_UNAVAILABLE),
    ("xai", 403, None, None, "Your team has used all available credits", F.QUOTA_EXHAUSTED),
    (
        "ollama",
        404,
        None,
        "api_error",
        'model "x" not found, try pulling it first',
        F.MODEL_UNAVAILABLE,
    ),
    ("llamacpp", 400, "400", "exceed_context_size_error", "", F.CONTEXT_TOO_LONG),
    ("vllm", 400, "400", "BadRequestError", "maximum context length is 8", F.CONTEXT_TOO_LONG),
    ("openai", 403, None, None, "", F.BAD_CREDENTIAL),
    ("openai", 504, None, None, "", F.SERVER_ERROR),
    # An error under a success status.
    ("openai", 200, None, "server_error", "boom", F.SERVER_ERROR),
    ("openai", 200, None, "invalid_request_error", "bad", F.CALLER_FAULT),
    ("openai", 200, None, None, "something exploded", F.PROTOCOL),
    ("openai", 200, None, None, "", F.PROTOCOL),
    ("openai", 301, None, None, "", F.PROTOCOL),
    # Unknown stays unknown.
    ("openai", 418, None, None, "", F.UNKNOWN),
    ("openai", 405, None, None, "", F.UNKNOWN),
    ("openai", None, None, None, "", F.UNKNOWN),
]


@pytest.mark.parametrize(("provider", "status", "code", "type_", "message", "expected"), TABLE)
def test_an_error_has_the_class_that_its_vendor_means(
    provider, status, code, type_, message, expected
):
    """The order is: quota, context, filter, retired, region, credential, model, load, status."""
    facts = ErrorFacts(
        provider_kind=provider, status=status, code=code, type=type_, message=message
    )

    assert classify(facts) is expected


def test_every_listed_word_is_in_lower_case_and_in_one_list_only():
    """A word in two lists would make the order of the lists decide silently."""
    lists = [
        signs.QUOTA,
        signs.CONTEXT,
        signs.CONTENT_FILTER,
        signs.RETIRED,
        signs.REGION,
        signs.CREDENTIAL,
        signs.MODEL,
        signs.OVERLOADED,
        signs.RATE_LIMIT,
        signs.SERVER,
        signs.REQUEST,
    ]
    words = [word for marks in lists for word in (*marks.codes, *marks.phrases)]

    assert words == [word.lower() for word in words]
    assert len(words) == len(set(words))


def test_a_failing_server_that_quotes_the_prompt_is_not_believed():
    """Only codes count under 5xx: the message may hold anything."""
    facts = ErrorFacts(
        provider_kind="openai", status=500, message="crash on 'you exceeded your current quota'"
    )

    assert classify(facts) is F.SERVER_ERROR


word = st.none() | st.text(max_size=20) | st.sampled_from(["insufficient_quota", "429", "٤٢٩"])


@given(st.none() | st.integers(-1, 1000), word, word, st.text(max_size=50))
def test_any_error_has_a_class(status, code, type_, message):
    """No answer of a provider can make the classification fail."""
    facts = ErrorFacts(provider_kind="x", status=status, code=code, type=type_, message=message)

    assert isinstance(classify(facts), FailureClass)


def test_the_finer_word_beside_the_type_counts():
    """Google says `INVALID_ARGUMENT` of an expired key; the reason is in the details."""
    facts = ErrorFacts(
        provider_kind="gemini",
        status=400,
        code="400",
        type="INVALID_ARGUMENT",
        reason="API_KEY_INVALID",
        message="API key expired. Please renew the API key.",
    )

    assert classify(facts) is F.BAD_CREDENTIAL
