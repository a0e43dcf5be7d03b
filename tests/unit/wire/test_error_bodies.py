"""Error bodies in all their forms."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.wire.openai.error import MAX_MESSAGE_CHARACTERS, ErrorBody, read_error

RPC = "type.googleapis.com/google.rpc"
FORMS = [
    (
        {"error": {"message": "m", "type": "t", "param": None, "code": "c"}},
        ErrorBody("m", "c", "t"),
    ),
    ({"error": {"message": "m", "code": 429, "status": "X"}}, ErrorBody("m", "429", "X")),
    ([{"error": {"message": "m", "code": 400, "status": "X"}}], ErrorBody("m", "400", "X")),
    (
        {
            "error": {
                "message": "m",
                "code": 429,
                "status": "X",
                "details": [
                    {"@type": f"{RPC}.QuotaFailure", "violations": [{"quotaId": "PerDay"}, {}, 7]},
                    {"@type": f"{RPC}.RetryInfo", "retryDelay": "34.07s"},
                    {"@type": f"{RPC}.ErrorInfo", "reason": "R"},
                    {"@type": 7},
                    7,
                ],
            }
        },
        ErrorBody("m PerDay", "429", "X", "R", 34.07),
    ),
    ({"error": "m"}, ErrorBody("m")),
    ({"error": "m", "code": 5, "type": "t"}, ErrorBody("m", "5", "t")),
    (
        {"object": "error", "message": "m", "type": "t", "code": 40303},
        ErrorBody("m", "40303", "t"),
    ),
    (
        {"object": "error", "message": {"detail": [{"msg": "m"}]}, "type": "t"},
        ErrorBody("m", None, "t"),
    ),
    ({"detail": "m"}, ErrorBody("m")),
    (
        {"detail": [{"msg": "m", "type": "missing", "loc": ["body"]}]},
        ErrorBody("m", None, "missing"),
    ),
    ({"message": "m"}, ErrorBody("m")),
    ({"error": {"code": "c"}}, ErrorBody("", "c")),
    ({"error": None}, ErrorBody()),
    ({"error": True}, ErrorBody()),
    ({"error": []}, ErrorBody()),
    ([], ErrorBody()),
    ("m", ErrorBody("m")),
]


@pytest.mark.parametrize(("value", "expected"), FORMS)
def test_every_known_form_is_read(value: object, expected: ErrorBody):
    """MM-04, MM-05: message, code and type, wherever they are."""
    assert read_error(json.dumps(value).encode()) == expected


@pytest.mark.parametrize(
    "body", [b"", b"<html></html>", b"{", b"\xff\xfe", b"NaN", b"[" * 100_000, b'{"error":' * 5000]
)
def test_a_body_that_is_no_json_says_nothing(body: bytes):
    """MM-05: HTML of a load balancer, or nothing."""
    assert read_error(body) == ErrorBody()


def test_the_message_is_bounded():
    """A provider that sends a book as its error does not fill our memory."""
    body = json.dumps({"error": "x" * 100_000}).encode()

    assert len(read_error(body).message) == MAX_MESSAGE_CHARACTERS


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "detail", "code", "type", "msg", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(json_values)
def test_any_json_can_be_an_error_body(value: object):
    """Reading never fails."""
    assert isinstance(read_error(json.dumps(value).encode()), ErrorBody)


@pytest.mark.parametrize("delay", ["soon", "-1s", "infs", "nans", "1e9s", "²s", "7", 7, None, "s"])
def test_a_wait_that_is_none_is_not_read(delay: object):
    """Google writes seconds; anything else is nobody's to plan on."""
    detail = {"@type": f"{RPC}.RetryInfo", "retryDelay": delay}

    assert read_error(json.dumps({"error": {"details": [detail]}}).encode()) == ErrorBody()
