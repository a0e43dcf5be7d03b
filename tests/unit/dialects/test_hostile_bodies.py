"""Bodies that nobody sends by accident: refused as the client's fault in every dialect."""

import pytest

from pointsman.app.dialects import spoken_dialects
from pointsman.core.errors import InvalidRequestError

SMALLEST = {
    "/v1/chat/completions": b'{"messages":[{"role":"user","content":"hi"}]',
    "/v1/responses": b'{"input":"hi"',
    "/v1/embeddings": b'{"input":"hi"',
    "/v1/messages": b'{"model":"m","messages":[{"role":"user","content":"hi"}]',
    "/v1/messages/count_tokens": b'{"model":"m","messages":[{"role":"user","content":"hi"}]',
}


@pytest.mark.parametrize("path", SMALLEST)
@pytest.mark.parametrize(
    "odd",
    [b'"x\xff":1', b'"x":"\xff"', b'"x":{"y":["\xc0\xaf"]}', b'"x":"\xed\xa0\x80"'],
    ids=["in a key", "in a value", "overlong", "a surrogate"],
)
def test_what_is_no_utf8_is_refused_also_where_nobody_looks(path: str, odd: bytes):
    """RFC 8259: or it would break whoever takes the body apart later, or reach a provider."""
    dialect = spoken_dialects()[path]
    dialect.read(SMALLEST[path] + b"}")

    with pytest.raises(InvalidRequestError) as refused:
        dialect.read(SMALLEST[path] + b"," + odd + b"}")

    assert refused.value.wire_code == "invalid_json"


@pytest.mark.parametrize("path", SMALLEST)
def test_a_body_nested_deeper_than_can_be_read_is_refused(path: str):
    """A few kilobytes must not end the process, nor count as a fault of the gateway."""
    deep = b'"x":' + b"[" * 50_000 + b"]" * 50_000

    with pytest.raises(InvalidRequestError):
        spoken_dialects()[path].read(SMALLEST[path] + b"," + deep + b"}")


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v1/messages", b'{"content":[{"type":"text","text":{}}]}'),
        (
            "/v1/responses",
            b'{"output":[{"type":"message","content":[{"type":"output_text","text":5}]}]}',
        ),
        ("/v1/chat/completions", b'{"choices":[{"message":{"content":5}}]}'),
    ],
)
def test_a_text_that_is_none_is_not_judged(path: str, answer: bytes):
    """Looking at an answer must not cost the record of the call, which has been paid."""
    assert spoken_dialects()[path].answer_text(answer) is None
