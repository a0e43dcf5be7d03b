"""One-time links, sessions, and forms that only our own pages can send."""

import http.client
from urllib.parse import urlencode, urlsplit

import pytest

from console_browser import log_in


def ask(console, path, *, method="GET", body=None, **headers):
    """Send one request without a browser; return status, headers and text."""
    place = urlsplit(console.url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=10)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    form = urlencode(body) if body is not None else None
    if form is not None:
        sent["content-type"] = "application/x-www-form-urlencoded"
    connection.request(method, path, form, sent)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text


def session_cookie(console):
    """Log in without a browser; return the cookie."""
    token = console.login_link().partition("token=")[2]
    status, headers, _ = ask(
        console, "/login", method="POST", body={"token": token, "after": "/"}, origin=console.url
    )
    assert status == 303
    return headers["set-cookie"].partition(";")[0]


def test_looking_at_a_link_does_not_use_it_up_and_using_it_does(seeded, new_page):
    """Programs that preview links only ever GET them."""
    console = seeded.console
    link = console.login_link()
    for _ in range(2):
        assert ask(console, link.removeprefix(console.url))[0] == 200
    page = new_page().page

    page.goto(link)
    page.wait_for_url(f"{console.url}/requests")
    token = link.partition("token=")[2]
    again = ask(console, "/login", method="POST", body={"token": token}, origin=console.url)

    assert again[0] == 401
    assert "not valid any more" in again[2]
    assert token not in again[2]


def test_a_page_that_was_asked_for_comes_after_the_login(seeded, new_page):
    """A shared link works for whoever may log in."""
    page = new_page().page

    page.goto(f"{seeded.console.url}/overview?span=6h")
    assert page.url.endswith("/login?after=%2Foverview%3Fspan%3D6h")
    page.fill("input[name=token]", seeded.console.login_link().partition("token=")[2])
    page.click("button:has-text('Log in')")

    page.wait_for_url("**/overview?span=6h")


def test_two_browsers_are_logged_in_apart(seeded, new_page):
    """Logging out of one leaves the other."""
    one, other = new_page().page, new_page().page
    log_in(one, seeded.console)
    log_in(other, seeded.console)

    one.get_by_label("Log out admin").click()
    one.wait_for_url("**/login")
    one.goto(f"{seeded.console.url}/overview")
    other.goto(f"{seeded.console.url}/overview")

    assert "/login" in one.url
    assert other.url.endswith("/overview")


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(seeded):
    """And is kept as a digest only."""
    token = seeded.console.login_link().partition("token=")[2]

    _, headers, _ = ask(
        seeded.console, "/login", method="POST", body={"token": token}, origin=seeded.console.url
    )

    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie


@pytest.mark.parametrize("path", ["/requests", "/traces", "/overview", "/live/requests"])
def test_nothing_is_shown_without_a_session(seeded, path):
    """A cookie of another time is no session either."""
    for cookie in ("", "pointsman_session=" + "x" * 43, "pointsman_session=" + "x" * 5_000):
        status, headers, text = ask(seeded.console, path, cookie=cookie)

        assert (status, text) in ((303, ""), (401, "log in first\n"))
        assert "content-security-policy" in headers


def test_a_name_that_is_not_ours_is_refused_with_a_session_too(seeded):
    """DNS rebinding."""
    cookie = session_cookie(seeded.console)

    status, headers, text = ask(
        seeded.console, "/requests", cookie=cookie, host="evil.example:3101"
    )

    assert status == 403
    assert "req_" not in text
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("origin", "csrf"), [("https://evil.example", "right"), (None, "right"), ("own", "wrong")]
)
def test_a_form_needs_our_origin_and_its_sessions_token(seeded, origin, csrf):
    """Content is not shown to another page's form, and the reading is not written down."""
    console, call = seeded.console, seeded.calls["plain"]
    cookie = session_cookie(console)
    secret = cookie.partition("=")[2]
    token = console.run(console.settings.sessions.find(secret)).csrf_token
    headers = {"cookie": cookie}
    if origin:
        headers["origin"] = console.url if origin == "own" else origin

    status, _, text = ask(
        console, f"/requests/{call.request_id}/content", method="POST",
        body={"csrf": token if csrf == "right" else "x" * 43}, **headers,
    )  # fmt: skip

    assert status == 403
    assert "parcel" not in text
    assert console.run(console.settings.audit.page(subject=call.request_id)) == []


@pytest.mark.parametrize("path", ["/requests", "/login", "/requests/req_0", "/static/0/x.js"])
def test_every_answer_carries_the_strict_headers(seeded, path):
    """Pages, redirects, errors and files."""
    cookie = session_cookie(seeded.console)

    _, headers, _ = ask(seeded.console, path, cookie=cookie)

    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


def test_too_long_a_form_is_refused(seeded):
    """Bounded before it is read."""
    status, _, _ = ask(
        seeded.console, "/login", method="POST", body={"token": "x" * 100_000},
        origin=seeded.console.url,
    )  # fmt: skip

    assert status == 413
