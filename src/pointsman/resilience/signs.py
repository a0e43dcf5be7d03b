"""Words by which vendors name a failure: one list per class, each entry with where it comes from.

Data only, in lower case, read by `classify`. All documents were read in 2026-11. Codes are matched
whole against the error's `code` and `type`; phrases anywhere in its message, so they are kept long
enough not to occur in a prompt that a message quotes.
"""

from msgspec import Struct


class Signs(Struct, frozen=True, kw_only=True):
    """What marks one class of failure."""

    codes: frozenset[str] = frozenset()
    phrases: tuple[str, ...] = ()


QUOTA = Signs(
    codes=frozenset(
        {
            # OpenAI, under 429: https://platform.openai.com/docs/guides/error-codes
            "insufficient_quota",
            "billing_hard_limit_reached",
            "billing_not_active",
            # Anthropic, 402: https://docs.anthropic.com/en/api/errors
            "billing_error",
            # DeepSeek, 402: https://api-docs.deepseek.com/quick_start/error_codes
            "insufficient_balance",
            # Moonshot, 429: https://platform.moonshot.ai/docs/api/chat
            "exceeded_current_quota_error",
            # Groq, when a spend limit is met: https://console.groq.com/docs/spend-limits
            "blocked_api_access",
            # Perplexity and others that speak for their billing system
            "insufficient_credits",
        }
    ),
    phrases=(
        # OpenAI and Gemini: https://ai.google.dev/gemini-api/docs/rate-limits
        "exceeded your current quota",
        # Anthropic, as 400 invalid_request_error: https://docs.anthropic.com/en/api/errors
        "credit balance is too low",
        "reached your specified api usage limits",
        # ... and of a workspace
        "reached your specified workspace api usage limits",
        # OpenRouter: https://openrouter.ai/docs/api-reference/errors
        "insufficient credits",
        # DeepSeek: https://api-docs.deepseek.com/quick_start/error_codes
        "insufficient balance",
        # xAI, as 403 or 429: https://docs.x.ai/docs/key-information/debugging
        "used all available credits",
        "monthly spending limit",
        # NVIDIA API catalogue, once the trial credits are spent
        "cloud credits expired",
    ),
)

PASSING_QUOTA = (
    # Gemini words a limit per minute like a spent quota and adds when to come back:
    # https://ai.google.dev/gemini-api/docs/rate-limits
    "please retry in",
    "perminute",
)
"""Phrases that turn a quota message into a rate limit."""

LASTING_QUOTA = ("perday", "insufficient_quota")
"""Phrases that keep it a spent quota nevertheless."""

CONTEXT = Signs(
    codes=frozenset(
        {
            # OpenAI, Azure, Groq: https://platform.openai.com/docs/guides/error-codes
            "context_length_exceeded",
            # llama.cpp server: https://github.com/ggml-org/llama.cpp/blob/master/tools/server
            "exceed_context_size_error",
        }
    ),
    phrases=(
        # OpenAI, DeepSeek, vLLM, Mistral, Together
        "maximum context length",
        # Anthropic: https://docs.anthropic.com/en/docs/build-with-claude/context-windows
        "prompt is too long",
        "exceed context limit",
        # Gemini: https://ai.google.dev/gemini-api/docs/troubleshooting
        "exceeds the maximum number of tokens allowed",
        # Groq: https://console.groq.com/docs/errors
        "reduce the length of the messages",
        # xAI
        "maximum prompt length is",
        # llama.cpp server, LM Studio
        "exceeds the available context size",
        "loaded with context length of only",
        # Ollama: https://github.com/ollama/ollama/blob/main/server/routes.go
        "exceeds the context length",
        "longer than the context length",
    ),
)

CONTENT_FILTER = Signs(
    codes=frozenset(
        {
            # Azure: https://learn.microsoft.com/azure/ai-services/openai/concepts/content-filter
            "content_filter",
            "responsibleaipolicyviolation",
            # OpenAI: https://platform.openai.com/docs/guides/error-codes
            "content_policy_violation",
            "invalid_prompt",
        }
    ),
    phrases=(
        # DeepSeek, 400
        "content exists risk",
        # OpenRouter, 403: https://openrouter.ai/docs/api-reference/errors
        "requires moderation",
        "input was flagged",
        # Azure, where the code is missing
        "triggering azure openai's content management policy",
        # xAI, 403
        "content violates usage guidelines",
    ),
)

RETIRED = Signs(
    codes=frozenset(
        {
            # Groq: https://console.groq.com/docs/deprecations
            "model_decommissioned",
            # Azure: https://learn.microsoft.com/azure/ai-foundry/openai/concepts/model-retirements
            "modeldeprecated",
            "model_deprecated",
        }
    ),
    phrases=(
        # OpenAI, 404 model_not_found: https://platform.openai.com/docs/deprecations
        "has been deprecated, learn more",
        # Groq, Together
        "has been decommissioned",
        # Gemini: https://ai.google.dev/gemini-api/docs/deprecations
        "is no longer available to new users",
        "model has been retired",
        # NVIDIA API catalogue, 410
        "has reached its end of life",
    ),
)

REGION = Signs(
    codes=frozenset(
        {
            # OpenAI, 403: https://platform.openai.com/docs/supported-countries
            "unsupported_country_region_territory",
        }
    ),
    phrases=(
        "country, region, or territory not supported",
        # Gemini, 400 FAILED_PRECONDITION: https://ai.google.dev/gemini-api/docs/troubleshooting
        "user location is not supported",
        "free tier is not available in your country",
        # Groq and others behind a firewall
        "not available in your region",
    ),
)

CREDENTIAL = Signs(
    codes=frozenset(
        {
            # OpenAI: https://platform.openai.com/docs/guides/error-codes
            "invalid_api_key",
            "account_deactivated",
            "invalid_organization",
            # Anthropic, Perplexity: https://docs.anthropic.com/en/api/errors
            "authentication_error",
            "unauthenticated",
            # Gemini, 400: https://ai.google.dev/gemini-api/docs/troubleshooting
            "api_key_invalid",
        }
    ),
    phrases=("api key not valid", "incorrect api key provided", "no auth credentials found"),
)

MODEL = Signs(
    codes=frozenset(
        {
            # OpenAI, Groq, Together, vLLM: https://platform.openai.com/docs/guides/error-codes
            "model_not_found",
            "model_not_available",
            # Azure: https://learn.microsoft.com/azure/ai-services/openai/reference
            "deploymentnotfound",
            "unknown_model",
            # Mistral, 400: https://docs.mistral.ai/api
            "invalid_model",
            # Groq, models to be enabled first: https://console.groq.com/docs/model-permissions
            "model_terms_required",
            "model_permission_blocked_org",
            "model_permission_blocked_project",
        }
    ),
    phrases=(
        # OpenRouter: https://openrouter.ai/docs/api-reference/errors
        "is not a valid model id",
        "no endpoints found for",
        "no endpoints found that support",
        # DeepSeek, 400: https://api-docs.deepseek.com
        "model not exist",
        # Ollama: https://github.com/ollama/ollama/blob/main/docs/api.md
        "try pulling it first",
    ),
)

OVERLOADED = Signs(
    codes=frozenset(
        {
            # Anthropic, 529 or in the stream: https://docs.anthropic.com/en/api/errors
            "overloaded_error",
            # OpenAI, 503: https://platform.openai.com/docs/guides/error-codes
            "slow_down",
            "engine_overloaded",
            "server_overloaded",
            # Moonshot: https://platform.moonshot.ai/docs/api/chat
            "engine_overloaded_error",
            # Groq, 498: https://console.groq.com/docs/flex-processing
            "capacity_exceeded",
            # Azure, 429 and 503
            "no_capacity",
            "nocapacity",
            # Gemini, 503: https://ai.google.dev/gemini-api/docs/troubleshooting
            "unavailable",
            "overloaded",
        }
    ),
    phrases=(
        "is currently overloaded",
        "model is overloaded",
        "server is overloaded",
        "is overloaded with other requests",
        # Ollama: https://docs.ollama.com/faq (how it handles concurrent requests)
        "maximum pending requests exceeded",
    ),
)

RATE_LIMIT = Signs(
    codes=frozenset(
        {
            # OpenAI, Groq: https://platform.openai.com/docs/guides/rate-limits
            "rate_limit_exceeded",
            # Anthropic: https://docs.anthropic.com/en/api/rate-limits
            "rate_limit_error",
            "rate_limited",
            "too_many_requests",
            # Gemini: https://ai.google.dev/gemini-api/docs/rate-limits
            "resource_exhausted",
            # Moonshot
            "rate_limit_reached_error",
        }
    )
)

SERVER = Signs(
    codes=frozenset(
        {
            # OpenAI: https://platform.openai.com/docs/guides/error-codes
            "server_error",
            "internal_server_error",
            "internal_error",
            # Anthropic: https://platform.claude.com/docs/en/api/errors
            "api_error",
            "timeout_error",
            # Gemini
            "internal",
            "bad_gateway",
            "service_unavailable",
        }
    )
)
"""Counts only where no HTTP status of its own tells: errors inside a success."""

REQUEST = Signs(
    codes=frozenset({"invalid_request_error", "invalid_argument", "bad_request", "badrequesterror"})
)
"""As `SERVER`: OpenAI gives its 401 and 404 this type too, so a status outranks it."""
