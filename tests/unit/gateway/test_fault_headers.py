"""When a client whose every target failed is told to come back, and when not to."""

import pytest

from pointsman.core.errors import AttemptsFailedError, UpstreamError
from pointsman.core.failures import FailureClass as F
from pointsman.core.records import SCHEMA, CallRecord
from pointsman.gateway.faults import fault_of

RECORD = CallRecord(schema=SCHEMA, request_id="r", trace_id="t", span_id="s", started_unix_ns=0)


@pytest.mark.parametrize(
    ("failure", "retry_after_s", "headers"),
    [
        (F.RATE_LIMITED, 7.2, {"retry-after": "8"}),
        (F.OVERLOADED, None, {"x-should-retry": "false"}),
        (F.RATE_LIMITED, 3600.0, {"retry-after": "3600", "x-should-retry": "false"}),
        (F.QUOTA_EXHAUSTED, 5.0, {"retry-after": "5", "x-should-retry": "false"}),
        (F.SERVER_ERROR, None, {"x-should-retry": "false"}),
    ],
)
def test_a_client_is_asked_back_only_when_a_provider_said_when(failure, retry_after_s, headers):
    """Design 6: the two headers never contradict each other within what a client waits for."""
    last = UpstreamError("no", failure, retry_after_s=retry_after_s)
    error = AttemptsFailedError("all failed", last=last, status=503)

    assert fault_of(error, RECORD).headers == headers


@pytest.mark.parametrize("odd", [b'"x":' + b"[" * 30_000 + b"]" * 30_000, b'"message":"\xff"'])
def test_a_refusal_that_cannot_be_read_is_told_without_the_words_of_the_provider(odd: bytes):
    """Reading it is not worth the answer to the client, and must not cost the record."""
    refusal = UpstreamError(
        "p answered 400", F.CALLER_FAULT, upstream_status=400, upstream_body=b'{"error":{%s}}' % odd
    )

    fault = fault_of(refusal, RECORD)

    assert (fault.status, fault.body.error.message) == (400, "p answered 400")
