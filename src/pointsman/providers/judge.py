"""From what a provider said in an error to the error to raise.

Reads error bodies in every form they take; what a code or a status means is asked of the
classification given to the provider. Nothing here knows one.
"""

from msgspec import Struct

from pointsman.config.section import Secret
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import Classify, ErrorFacts, FailureClass
from pointsman.providers.headers import bounded_s
from pointsman.wire.openai.error import ErrorBody, read_error


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
                reason=said.reason,
                message=said.message,
            )
        )
        # Google repeats the status as the code; its word says more.
        code = said.code if said.code != str(status) else None
        word = code or said.reason or said.type or said.code
        is_success = 200 <= status <= 299
        what = "an error inside a success answer" if is_success else str(status)
        return UpstreamError(
            f"{self.provider_name} answered {what}{f' ({word})' if word else ''}",
            failure,
            # A success status must not become the client's status of a failure.
            upstream_status=None if is_success else status,
            upstream_code=word,
            upstream_body=self._without_key(body),
            retry_after_s=retry_after_s if retry_after_s is not None else _wait_in(said),
        )

    def broken(self, failure: FailureClass, what: str) -> UpstreamError:
        """Return the error for an answer that is not what it should be.

        Args:
            failure: `PROTOCOL`, `TRUNCATED` …
            what: What was found, without a word of the answer.
        """
        return UpstreamError(f"{self.provider_name}: {what}", failure)

    def _without_key(self, body: bytes) -> bytes:
        key = self.key.reveal().encode() if self.key is not None else b""
        return body.replace(key, b"***") if key else body


def _wait_in(said: ErrorBody) -> float | None:
    return bounded_s(said.retry_after_s) if said.retry_after_s is not None else None
