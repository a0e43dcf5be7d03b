"""No text of a record becomes markup, in any template, for any record."""

import re

import pytest
from hypothesis import given, settings

from arbitrary_records import records
from pointsman.console import answers, request_page
from pointsman.console.markup import Listeners, Site, make_environment, visible
from pointsman.console.settings import ConsoleSettings
from pointsman.console.static_files import FOLDER, StaticFiles
from pointsman.console.trace_tree import trace_view
from pointsman.console.viewer import viewer_of
from pointsman.console.words import outcome_mark
from pointsman.core.clock import ManualClock
from pointsman.state.sessions import ConsoleSession
from pointsman.store.rows import StoredCall
from pointsman.store.spans_of_call import spans_of_call
from sample_records import HOSTILE, Traffic

VIEWER = viewer_of({}, 10**18)
SESSION = ConsoleSession(
    id="s", admin=HOSTILE, created_unix_ns=0, expires_unix_ns=1, csrf_token="token"
)
TAGS = re.compile(r"<(?:script|img|style|iframe|object|embed|textarea|base)\b[^>]*>")
OWN_SCRIPTS = re.compile(r'<script (?:type="module" )?src="/static/[0-9a-f]{12}/[a-z]+\.js">\Z')


@pytest.fixture(scope="module")
def site():
    """A console without a store: only its pages."""
    settings_ = ConsoleSettings(
        store=None, arrivals=None, sessions=None, audit=None, clock=ManualClock()
    )
    return Site(
        settings=settings_,
        templates=make_environment(),
        files=StaticFiles(),
        listeners=Listeners(),
    )


def foreign_tags(markup):
    """Return the tags that are not the console's own."""
    return [tag for tag in TAGS.findall(markup) if not OWN_SCRIPTS.match(tag)]


def request_markup(site, record):
    """Return the page of a request."""
    stored = StoredCall(1, record, b'{"tags": {"<script>": "</code>"}}')
    return request_page._render(site, VIEWER, SESSION, stored)


def test_a_hostile_request_brings_no_tag_of_its_own(site):
    """Model names, tags, errors, user names: all of them are text."""
    markup = request_markup(site, Traffic(10**18).hostile())

    assert foreign_tags(markup) == []
    assert "onerror=alert(1)&gt;" in markup
    assert "{{7*7}}" in markup
    assert "\u202e" not in markup


def test_a_hostile_trace_brings_no_tag_of_its_own(site):
    """Names and attributes of spans are an application's text."""
    traffic = Traffic(10**18)
    record = traffic.hostile()
    spans = traffic.application(record, name=HOSTILE) + spans_of_call(record)

    markup = site.render(
        "trace.html", VIEWER, SESSION, trace=trace_view(spans), trace_id="a" * 32,
        moment=VIEWER.moment(0), calls=[record], cost=(None, 1), tokens=(0, 0), models=[HOSTILE],
        users=[HOSTILE], tenants=[HOSTILE],
    )  # fmt: skip

    assert foreign_tags(markup) == []
    assert "onerror=alert(1)&gt;" in markup


@settings(max_examples=60, deadline=None)
@given(record=records)
def test_any_record_has_a_page(site, record):
    """Of any outcome, with anything missing."""
    assert foreign_tags(request_markup(site, record)) == []


def test_no_page_has_inline_style_script_or_handler():
    """The policy of the pages would block them."""
    for file in (FOLDER.parent / "templates").glob("*.html"):
        text = file.read_text()
        assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:|<style|\|\s*safe\b", text), (
            file.name
        )
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), file.name


def test_nothing_is_fetched_from_elsewhere():
    """No address of another host in scripts, styles or pages."""
    files = [*FOLDER.iterdir(), *(FOLDER.parent / "templates").iterdir()]
    for file in files:
        addresses = set(re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", file.read_text()))
        assert addresses <= {"http://www.w3.org"}, file.name


def test_the_policy_allows_own_files_only():
    """No inline code, no other host, no frame."""
    policy = answers.page("").headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_characters_that_move_their_neighbours_are_shown_as_a_mark():
    """A name written from right to left would be read as another."""
    assert visible("a\u202eb\u0007c\nd\te") == "a\ufffdb\ufffdc\nd\te"
    assert visible(7) == 7


def test_an_outcome_that_is_not_known_is_named_by_its_code():
    """A later release may store one."""
    assert outcome_mark("teleported").word == "teleported"
