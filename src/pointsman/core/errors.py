"""Every error that the product raises on purpose.

    PointsmanError                 code (stable, documented), http_status
    ├─ ConfigError                 problems: path, line, hint                       exit code 2
    ├─ CallError                   the caller can act on it: rendered as it is
    │  ├─ InvalidRequestError 400   ├─ AuthenticationError 401   ├─ PermissionDeniedError 403
    │  ├─ UnknownModelError 404     ├─ RequestTooLargeError 413  ├─ RateLimitedError 429
    │  ├─ BudgetExceededError 429   └─ GuardrailBlockedError 400
    ├─ UpstreamError               one attempt failed: failure_class, status, code, retry_after_s
    ├─ AttemptsFailedError         502, 503 or 504: no attempt succeeded
    ├─ NoTargetError 503           no candidate was eligible
    ├─ OverloadedError 503         more requests under way than the gateway takes
    ├─ StoppingError 503           the gateway was stopped under the request
    └─ InternalError 500           a bug; the client gets a generic sentence

Raise the most exact class. Messages say what was wrong, where and how to fix it, and never hold a
secret or prompt text.
"""

from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct

from pointsman.core.failures import FailureClass


class PointsmanError(Exception):
    """Base of all errors raised on purpose."""

    code: ClassVar[str] = "internal_error"
    http_status: ClassVar[int] = 500

    @property
    def message(self) -> str:
        """The sentence for people."""
        return str(self.args[0]) if self.args else self.code


class Problem(Struct, frozen=True):
    """One thing that is wrong in a configuration."""

    message: str
    """What is wrong, with the value masked where it may be a secret."""
    path: str = ""
    """Where, as in `routes.auto.rules[1].use`; empty for the whole file."""
    line: int | None = None
    """Line in the file, from 1; None when it does not come from a file."""
    hint: str | None = None
    """How to fix it."""
    file: str | None = None
    is_warning: bool = False
    """A warning does not stop a start or a reload."""

    def __str__(self) -> str:
        """Return `file:line: path: message (hint)`."""
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        parts = [part for part in (place, self.path) if part]
        text = ": ".join([*parts, self.message])
        return f"{text} ({self.hint})" if self.hint else text


class ConfigError(PointsmanError):
    """The configuration cannot be used; nothing was started or swapped."""

    code = "config_error"

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class CallError(PointsmanError):
    """The caller did something that it can change."""

    code = "invalid_request"
    http_status = 400
    error_type: ClassVar[str] = "invalid_request_error"
    should_retry: ClassVar[bool] = False
    """Whether the same request may succeed later; sent as `x-should-retry: false` when not."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after_s: float | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.headers: Mapping[str, str] = {}
        """Sent with the answer, such as `x-ratelimit-*`."""
        self.param = param
        self.wire_code = code if code is not None else self.code
        self.retry_after_s = retry_after_s
        self.metadata = metadata


class InvalidRequestError(CallError):
    """The body, a parameter or a header cannot be used."""


class AuthenticationError(CallError):
    """No key, or one that is not known."""

    code = "invalid_api_key"
    http_status = 401
    error_type = "authentication_error"


class PermissionDeniedError(CallError):
    """The key is known and may not do this."""

    code = "permission_denied"
    http_status = 403
    error_type = "permission_error"


class UnknownModelError(CallError):
    """The model name resolves to nothing (strict mode, or no default provider)."""

    code = "model_not_found"
    http_status = 404


class RequestTooLargeError(CallError):
    """The body is larger than `server.max_body_bytes`."""

    code = "request_too_large"
    http_status = 413


class RateLimitedError(CallError):
    """A request, token or concurrency limit of the gateway was met; `retry_after_s` says when."""

    code = "rate_limit_exceeded"
    http_status = 429
    error_type = "rate_limit_error"
    should_retry = True


class BudgetExceededError(CallError):
    """A cap on money or quota is spent; retrying before its reset cannot help."""

    code = "insufficient_quota"
    http_status = 429
    error_type = "insufficient_quota"


class GuardrailBlockedError(CallError):
    """A rule of `policy.rules` stopped a prompt or an answer; names the rule, never the text."""

    code = "guardrail_blocked"


class UpstreamError(PointsmanError):
    """One attempt at a target failed. Raised by providers, caught by the loop over attempts."""

    code = "upstream_error"
    http_status = 502

    def __init__(
        self,
        message: str,
        failure_class: FailureClass,
        *,
        upstream_status: int | None = None,
        upstream_code: str | None = None,
        upstream_body: bytes = b"",
        retry_after_s: float | None = None,
        phase: str | None = None,
    ) -> None:
        super().__init__(message)
        self.failure_class = failure_class
        self.upstream_status = upstream_status
        """HTTP status of the provider; None when there was no answer."""
        self.upstream_code = upstream_code
        """The provider's own error code or type, as it wrote it."""
        self.upstream_body = upstream_body
        """The provider's error body, bounded; passed on to the client for caller faults only."""
        self.retry_after_s = retry_after_s
        self.phase = phase
        """For timeouts: connect, first_byte, first_token, idle or total."""


class AttemptsFailedError(PointsmanError):
    """Every attempt failed, or the last failure allows no other.

    `status` follows the failure that most attempts had: 502 connection or protocol, 503 pressure,
    504 timeout.
    """

    code = "upstream_failed"
    http_status = 502

    def __init__(
        self,
        message: str,
        *,
        last: UpstreamError,
        status: int,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.last = last
        self.status = status
        self.retry_after_s = retry_after_s if retry_after_s is not None else last.retry_after_s
        """When a provider said that it serves again; None when none said so."""


class NoTargetError(PointsmanError):
    """No candidate was eligible; the record says what excluded each."""

    code = "no_target_available"
    http_status = 503

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class OverloadedError(PointsmanError):
    """The gateway has more requests under way than it takes; nothing was done for this one."""

    code = "gateway_overloaded"
    http_status = 503
    retry_after_s: ClassVar[float] = 1.0
    """When the client may come again."""


class StoppingError(PointsmanError):
    """The gateway was stopped and the grace period ended before this request did."""

    code = "gateway_stopping"
    http_status = 503


class InternalError(PointsmanError):
    """A bug of ours. The client sees a generic sentence; the log has the traceback."""
