"""Refusals as they go on the wire."""

import msgspec

from pointsman.server.rejections import (
    HEAD_TIMED_OUT,
    TOO_MANY_CONNECTIONS,
    RejectionCounts,
    malformed,
    render,
)

DATE = [(b"date", b"Sat, 21 Nov 2026 00:00:00 GMT")]


def test_a_refusal_is_the_openai_error_object_with_an_id():
    """The four keys that clients read, and the length that frames them."""
    answer = render(malformed("it is odd").rejection, "req_1", "pointsman", DATE)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"x-pointsman-request-id: req_1" in head
    assert b"content-length: %d" % len(body) in head
    assert b"date: Sat" in head
    assert msgspec.json.decode(body) == {
        "error": {
            "message": "Malformed request: it is odd.",
            "type": "invalid_request_error",
            "param": None,
            "code": "malformed_request",
        }
    }


def test_clients_are_told_when_a_retry_cannot_help():
    """The OpenAI clients obey `x-should-retry`."""
    assert b"x-should-retry: false" in render(malformed("x").rejection, "r", "p", [])
    assert b"x-should-retry" not in render(HEAD_TIMED_OUT, "r", "p", [])
    assert b"retry-after: 1\r\n" in render(TOO_MANY_CONNECTIONS, "r", "p", [])


def test_refusals_are_counted_by_code():
    """A snapshot does not change afterwards."""
    counts = RejectionCounts()
    counts.add("a")
    before = counts.snapshot()
    counts.add("a")

    assert before == {"a": 1}
    assert counts.snapshot() == {"a": 2}
