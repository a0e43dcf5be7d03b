"""The header that names what a provider was not told."""

import pytest

from pointsman.core.records import SCHEMA, Attempt, CallRecord
from pointsman.server.headers import ResponseHeaders

NAME = b"x-pointsman-parameters-changed"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ([], None),
        (["model: auto -> m", "stream_options.include_usage: absent -> true"], None),
        (
            ["model: a -> b", "temperature: 1.4 -> 1", "logit_bias: dropped"],
            b"temperature,logit_bias",
        ),
    ],
)
def test_parameters_that_did_not_arrive_are_named(changes: list[str], told: bytes | None):
    """Nothing is dropped silently; what the gateway does for itself is no loss."""
    record = CallRecord(
        schema=SCHEMA, request_id="req_1", trace_id="a" * 32, span_id="b" * 16, started_unix_ns=1
    )
    record.attempts.append(Attempt("t", "p", "m", parameters_changed=changes))

    assert dict(ResponseHeaders("pointsman").of(record, None)).get(NAME) == told
