"""Base URLs and request heads."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.transport.exchange import TransportError
from pointsman.transport.head import RequestEncoder
from pointsman.transport.settings import Origin, parse_base_url
from transport_requests import ask


@pytest.mark.parametrize(
    ("url", "origin", "prefix", "authority"),
    [
        ("http://localhost:11434", ("http", "localhost", 11434), "", "localhost:11434"),
        ("https://api.test/v1", ("https", "api.test", 443), "/v1", "api.test"),
        ("https://API.test:443/v1/", ("https", "api.test", 443), "/v1", "api.test"),
        ("http://[::1]:8000/a/b/", ("http", "::1", 8000), "/a/b", "[::1]:8000"),
        ("HTTPS://x.test:80", ("https", "x.test", 80), "", "x.test:80"),
        (
            "https://b\u00fccher.test/",
            ("https", "xn--bcher-kva.test", 443),
            "",
            "xn--bcher-kva.test",
        ),
    ],
)
def test_a_base_url_is_an_origin_and_a_prefix(url, origin, prefix, authority):
    """The default port is not in `Host`."""
    parsed, path = parse_base_url(url)
    assert (parsed, path) == (Origin(*origin), prefix)
    assert parsed.authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.test/v1",
        "ftp://api.test",
        "http://",
        "http:///v1",
        "http://:80",
        "http://user:secret@api.test",
        "http://secret@api.test",
        "http://api.test/v1?key=secret",
        "http://api.test/v1#x",
        "http://api.test:port",
        "http://api.test:99999",
        "http://a b/",
        "http://api.test/a b",
        "http://api..test/",
        "http://[::1",
    ],
)
def test_a_base_url_that_cannot_be_used_is_refused_without_being_repeated(url):
    """It may hold a secret."""
    with pytest.raises(ValueError) as caught:
        parse_base_url(url)
    assert "secret" not in str(caught.value)


@settings(deadline=None)
@given(
    st.dictionaries(st.text(max_size=8), st.text(max_size=12), max_size=3),
    st.text(max_size=10),
    st.binary(max_size=3),
)
def test_a_head_never_holds_a_line_that_was_not_meant(headers, path, body):
    """Whatever names, values and paths hold: refused, or exactly these lines."""
    request = ask(path="/" + path, headers=headers, body=body)
    try:
        head = RequestEncoder(Origin("http", "api.test", 80)).encode(request)
    except TransportError:
        return
    fixed = [b"Host: api.test", b"Accept-Encoding: identity"]
    own = [f"{name}: {value}".encode("latin-1") for name, value in headers.items()]
    lines = [f"POST /{path} HTTP/1.1".encode(), *fixed, *own, b"Content-Length: %d" % len(body)]
    assert head == b"\r\n".join(lines) + b"\r\n\r\n"
    assert head.count(b"\n") == len(lines) + 1
    assert b"\0" not in head


def test_a_length_is_sent_where_a_body_is_expected():
    """POST without a body has length 0; GET has none."""
    encoder = RequestEncoder(Origin("http", "api.test", 80))
    assert b"Content-Length: 0\r\n" in encoder.encode(ask(method="POST"))
    assert b"Content-Length" not in encoder.encode(ask(method="GET"))
    assert b"Content-Length: 1\r\n" in encoder.encode(ask(method="GET", body=b"x"))


def test_what_is_remembered_is_bounded():
    """Paths and names come from configuration mostly, but not provably."""
    encoder = RequestEncoder(Origin("http", "api.test", 80))
    for number in range(1000):
        head = encoder.encode(ask(path=f"/{number}", headers={f"X-{number}": "1"}))
        assert head.startswith(b"POST /%d HTTP/1.1\r\n" % number)
    assert len(encoder._starts) <= 256
    assert len(encoder._names) <= 256
