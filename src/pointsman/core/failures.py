"""How an attempt failed, as a closed vocabulary.

Decisions (retry, fail over, count against a target, which status the client gets) read the
properties of `FailureClass`, never a vendor's status code: only `resilience.classify` reads those.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct


class FailureClass(StrEnum):
    """Why an upstream attempt did not succeed."""

    CONNECTION = "connection"
    """No connection: refused, reset, name not found, TLS not verified."""
    TIMEOUT = "timeout"
    """A phase (connect, first byte, idle, total) ran out of time."""
    SERVER_ERROR = "server_error"
    """The provider answered 5xx."""
    PROTOCOL = "protocol"
    """The answer was not HTTP, not the schema it should be, or too large."""
    TRUNCATED = "truncated"
    """A stream or body ended before it was complete."""
    OVERLOADED = "overloaded"
    """The provider said it has no capacity now (for example 529 or 503 with that type)."""
    RATE_LIMITED = "rate_limited"
    """Too many requests or tokens for now; returns by itself."""
    QUOTA_EXHAUSTED = "quota_exhausted"
    """The account's balance or quota is spent; does not return by itself soon."""
    BAD_CREDENTIAL = "bad_credential"
    """The gateway's own key for the provider was refused."""
    MODEL_UNAVAILABLE = "model_unavailable"
    """The provider does not serve that model to this account."""
    MODEL_RETIRED = "model_retired"
    """The provider no longer serves that model to anybody."""
    REGION_BLOCKED = "region_blocked"
    """The provider does not serve this country or region."""
    CALLER_FAULT = "caller_fault"
    """The request itself is wrong; any target would refuse it."""
    CONTEXT_TOO_LONG = "context_too_long"
    """The prompt does not fit into this model's context."""
    CONTENT_FILTERED = "content_filtered"
    """The provider's own content filter refused the prompt."""
    CLIENT_LEFT = "client_left"
    """The client closed its connection; nobody is to blame upstream."""
    UNKNOWN = "unknown"
    """Nothing we know of: not retried, not failed over, not hidden."""

    @property
    def is_hard(self) -> bool:
        """Whether the target failed in a way that another target may not."""
        return self in _HARD

    @property
    def is_pressure(self) -> bool:
        """Whether the target asked for less load and may serve again shortly."""
        return self in _PRESSURE

    @property
    def allows_failover(self) -> bool:
        """Whether another target may be asked before anything reached the client."""
        return self in _HARD or self in _PRESSURE or self in _TARGET_BOUND

    @property
    def counts_against_target(self) -> bool:
        """Whether health figures and breakers of the target should count it."""
        return self in _HARD or self in _PRESSURE or self is FailureClass.BAD_CREDENTIAL


_HARD = frozenset(
    {
        FailureClass.CONNECTION,
        FailureClass.TIMEOUT,
        FailureClass.SERVER_ERROR,
        FailureClass.PROTOCOL,
        FailureClass.TRUNCATED,
    }
)
_PRESSURE = frozenset({FailureClass.RATE_LIMITED, FailureClass.OVERLOADED})
# These hold for this target only: another provider, model or account may well serve the request.
_TARGET_BOUND = frozenset(
    {
        FailureClass.QUOTA_EXHAUSTED,
        FailureClass.BAD_CREDENTIAL,
        FailureClass.MODEL_UNAVAILABLE,
        FailureClass.MODEL_RETIRED,
        FailureClass.REGION_BLOCKED,
    }
)


class ErrorFacts(Struct, frozen=True, kw_only=True):
    """What a provider said about a failure: all that a classification may read."""

    provider_kind: str
    """Whose words these are: the preset (`openai`, `groq`, `azure` …), not the configured name."""
    status: int | None = None
    """HTTP status; a success status when the error came in the body or inside a stream."""
    code: str | None = None
    """The provider's error code, numbers as text."""
    type: str | None = None
    """The provider's error type (Gemini: its `status` word)."""
    reason: str | None = None
    """A finer word beside the type (Google: the reason of an `ErrorInfo`)."""
    message: str = ""
    """The provider's sentence. Read for classification only: it may quote the prompt."""


Classify: TypeAlias = Callable[[ErrorFacts], FailureClass]
"""The judgement of errors, given to providers so that they read no vendor's codes themselves."""
