"""Times are told in the viewer's zone, with the UTC one beside them."""

from datetime import timedelta

import pytest

from pointsman.console.viewer import THEME_COOKIE, ZONE_COOKIE, viewer_of

NOON_NS = 1_794_052_800_000_000_000  # 2026-11-07 12:00 UTC


def test_a_zone_from_the_cookie_moves_the_clock_but_not_utc():
    """What a reader compares with a log is in the title."""
    viewer = viewer_of({ZONE_COOKIE: "Europe/Berlin"}, NOON_NS)

    moment = viewer.moment(NOON_NS + 123_000_000)

    assert (moment.clock, moment.fraction, moment.is_today) == ("13:00:00", ".123", True)
    assert moment.utc == "2026-11-07 12:00:00.123 UTC"
    assert moment.iso == "2026-11-07T12:00:00.123Z"


def test_another_day_is_named_and_another_year_too():
    """A time alone would be read as today's."""
    viewer = viewer_of({}, NOON_NS)

    assert viewer.moment(NOON_NS - 86_400 * 10**9).day == "6 Nov"
    assert viewer.moment(NOON_NS - 400 * 86_400 * 10**9).day == "3 Oct 2025"


@pytest.mark.parametrize(
    "zone",
    [
        "",
        "..",
        "../../etc/passwd",
        "/etc/localtime",
        "Europe",
        "Mars/Olympus",
        "A" * 5_000,
        "é",
        "\0",
    ],
)
def test_a_zone_that_is_none_is_utc(zone):
    """The cookie is whatever a client sends."""
    assert viewer_of({ZONE_COOKIE: zone}, NOON_NS).zone_name == "UTC"


@pytest.mark.parametrize(
    ("asked", "theme"), [("dark", "dark"), ("light", "light"), ('"><x', "auto")]
)
def test_only_known_themes_are_taken(asked, theme):
    """The theme stands in the markup."""
    assert viewer_of({THEME_COOKIE: asked}, NOON_NS).theme == theme


@pytest.mark.parametrize("unix_ns", [-1, 2**63 - 1, 10**30])
def test_an_impossible_time_is_told_without_failing(unix_ns):
    """A record may hold any number."""
    assert viewer_of({}, NOON_NS).moment(unix_ns).clock


def test_local_seconds_follow_the_zone():
    """Axis labels stand at round hours of the viewer's clock."""
    viewer = viewer_of({ZONE_COOKIE: "Asia/Kolkata"}, NOON_NS)

    offset = timedelta(seconds=viewer.local_s(NOON_NS) - NOON_NS // 10**9)

    assert offset == timedelta(hours=5, minutes=30)
