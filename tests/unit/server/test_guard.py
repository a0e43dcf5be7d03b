"""Which requests a gateway without keys refuses because a web page may have sent them."""

import pytest

from pointsman.core.errors import PermissionDeniedError
from pointsman.server.guard import Guard, UnsupportedMediaTypeError, require_json

OPEN = Guard(["http://localhost:5173/"], ["gateway.internal"])
PAGE = b"http://localhost:5173"


@pytest.mark.parametrize(
    "host",
    [
        b"localhost",
        b"LOCALHOST:3100",
        b"127.0.0.1:1",
        b"127.8.9.10",
        b"[::1]",
        b"[::1]:3100",
        b"gateway.internal:3100",
    ],
)
def test_loopback_and_listed_hosts_pass(host):
    """Any port."""
    OPEN.check({b"host": host})


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b"evil.example",
        b"localhost.evil.example",
        b"127.0.0.1.evil.example",
        b"127.0.0.1evil",
        b"[::2]",
        b"[::1",
        b"[::1]evil",
        b"192.168.1.2:3100",
        b"0.0.0.0",
        b"sub.gateway.internal",
        b"localhost\xe9",
    ],
)
def test_a_rebound_name_is_refused(host):
    """DNS rebinding sends the attacker's name to our address."""
    with pytest.raises(PermissionDeniedError) as caught:
        OPEN.check({b"host": host})
    assert caught.value.wire_code == "host_not_allowed"


@pytest.mark.parametrize(
    "headers",
    [
        {b"origin": b"https://evil.example"},
        {b"origin": b"null"},
        {b"origin": b"http://localhost:5174"},
        {b"origin": b""},
        {b"sec-fetch-site": b"cross-site"},
    ],
)
def test_a_foreign_page_is_refused(headers):
    """By its origin, or by what the browser says of a request without one."""
    with pytest.raises(PermissionDeniedError) as caught:
        OPEN.check({b"host": b"localhost", **headers})
    assert caught.value.wire_code == "origin_not_allowed"


def test_a_listed_page_passes():
    """Also when the browser calls it cross-site; the host still has to be right."""
    headers = {b"host": b"localhost", b"origin": PAGE, b"sec-fetch-site": b"cross-site"}
    OPEN.check(headers)
    with pytest.raises(PermissionDeniedError):
        OPEN.check({**headers, b"host": b"evil.example"})


def test_a_preflight_is_answered_for_a_listed_origin_only():
    """Minimal headers, never a wildcard."""
    answer = dict(OPEN.preflight_headers({b"host": b"localhost", b"origin": PAGE}))
    assert answer[b"access-control-allow-origin"] == PAGE
    assert answer[b"vary"] == b"origin"
    assert b"access-control-allow-credentials" not in answer
    for origin in ({}, {b"origin": b"https://evil.example"}):
        with pytest.raises(PermissionDeniedError):
            OPEN.preflight_headers({b"host": b"localhost", **origin})


def test_a_preflight_from_a_rebound_name_is_refused():
    """The host rule holds for preflights as well."""
    with pytest.raises(PermissionDeniedError):
        OPEN.preflight_headers({b"host": b"evil.example", b"origin": PAGE})


def test_answers_are_readable_for_listed_origins_only():
    """Everybody else gets no header at all."""
    assert (b"access-control-allow-origin", PAGE) in OPEN.answer_headers(PAGE)
    assert OPEN.answer_headers(b"https://evil.example") == []
    assert OPEN.answer_headers(None) == []


@pytest.mark.parametrize("value", [b"application/json", b"Application/JSON; charset=utf-8"])
def test_json_passes(value):
    """With or without parameters."""
    require_json({b"content-type": value})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"content-type": b"text/plain"},
        {b"content-type": b"application/x-www-form-urlencoded"},
        {b"content-type": b"text/plain; application/json"},
        {b"content-type": b"application/jsonp"},
    ],
)
def test_what_a_page_can_send_unasked_is_refused(headers):
    """The three simple media types and none at all."""
    with pytest.raises(UnsupportedMediaTypeError) as caught:
        require_json(headers)
    assert caught.value.http_status == 415
