"""When to come back, in every form in which providers say it."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.providers.headers import (
    MAX_RETRY_AFTER_S,
    retry_after_s,
    upstream_request_id,
)

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * 1_000_000_000
LATER = format_datetime(NOW.replace(second=30), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "99999999999"}, MAX_RETRY_AFTER_S),
        ({"retry-after": LATER}, 30.0),
        ({"retry-after": "Fri, 20 Nov 2026 00:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "1"}, 1.0),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2026-11-21T12:00:20Z",
                "anthropic-ratelimit-tokens-remaining": "5",
                "anthropic-ratelimit-tokens-reset": "2026-11-21T13:00:00Z",
            },
            20.0,
        ),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "soon",
            },
            None,
        ),
    ],
)
def test_the_wait_is_read_in_seconds(headers: dict[str, str], expected: float | None):
    """FO-04: seconds, dates and OpenAI's milliseconds; bounded, and nothing from rubbish."""
    assert retry_after_s(headers, NOW_NS) == expected


@given(st.text(max_size=40))
def test_no_header_value_makes_reading_fail(value: str):
    """Whatever a provider sends, there is a bounded wait or none."""
    wait = retry_after_s({"retry-after": value, "retry-after-ms": value}, NOW_NS)

    assert wait is None or 0 <= wait <= MAX_RETRY_AFTER_S


def test_the_providers_request_id_is_found_and_bounded():
    """Support of the provider asks for it."""
    assert upstream_request_id({"x-request-id": "req-1"}) == "req-1"
    assert upstream_request_id({"apim-request-id": "az"}) == "az"
    assert upstream_request_id({"x-request-id": "x" * 999}) == "x" * 200
    assert upstream_request_id({}) is None
