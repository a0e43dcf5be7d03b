"""Pages of other sites cannot use the console."""

import pytest

from pointsman.console.access import login_place, own_path
from pointsman.console.guard import check_host, check_origin
from pointsman.core.errors import PermissionDeniedError


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:3101", "127.0.0.1:3101", "127.3.2.1", "[::1]:3101", "[::1]"]
)
def test_loopback_names_are_answered(host):
    """With or without a port."""
    check_host({"host": host}, ())


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "localhost:3101@evil",
     "[::2]", "127.0.0.1:x", "evil.example:80"],
)  # fmt: skip
def test_other_names_are_refused(host):
    """DNS rebinding gives a foreign name our address."""
    with pytest.raises(PermissionDeniedError):
        check_host({"host": host}, ("pointsman.internal",))


def test_a_listed_name_is_answered():
    """For a console behind a proxy."""
    check_host({"host": "Pointsman.internal:8443"}, ("pointsman.internal",))


def test_a_form_of_our_own_page_is_taken():
    """`Origin` is the host that was asked."""
    check_origin({"host": "127.0.0.1:3101", "origin": "http://127.0.0.1:3101"})


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:3101"},
        {"host": "127.0.0.1:3101", "origin": "null"},
        {"host": "127.0.0.1:3101", "origin": "http://127.0.0.1:3102"},
        {"host": "127.0.0.1:3101", "origin": "http://evil.example"},
        {"host": "127.0.0.1:3101", "origin": "file://127.0.0.1:3101"},
        {"host": "127.0.0.1:3101", "origin": "http://[bad"},
        {
            "host": "127.0.0.1:3101",
            "origin": "http://127.0.0.1:3101",
            "sec-fetch-site": "same-site",
        },
    ],
)
def test_a_form_of_another_page_is_refused(headers):
    """Another port of the same machine is another site."""
    with pytest.raises(PermissionDeniedError):
        check_origin(headers)


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ("/requests?text=a%20b", "/requests?text=a%20b"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("requests", "/"),
        ("/login?after=/login", "/"),
        ("/" + "a" * 3_000, "/"),
    ],
)
def test_a_login_leads_only_to_our_own_pages(asked, place):
    """A link must not lead through our login to somewhere else."""
    assert own_path(asked) == place


def test_the_way_to_the_login_remembers_the_page():
    """So that a shared link works after the login."""
    assert login_place("/requests", "text=a&x=1") == "/login?after=%2Frequests%3Ftext%3Da%26x%3D1"
    assert login_place("/", "") == "/login"
