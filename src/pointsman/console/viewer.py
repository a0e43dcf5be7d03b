"""Who looks: the time zone and theme that a browser asked for, and times as that viewer reads them.

Both come from cookies that the console's own script sets. Knows no request and no page.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from msgspec import Struct

ZONE_COOKIE = "pointsman_zone"
THEME_COOKIE = "pointsman_theme"
THEMES = ("auto", "light", "dark")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,31}(?:/[A-Za-z0-9_+-]{1,31}){0,2}\Z")
_MAX_NS = 253_402_300_799 * 1_000_000_000


class Moment(Struct, frozen=True):
    """A point in time, told in several ways."""

    clock: str
    """`14:03:07`"""
    fraction: str
    """`.123`"""
    day: str
    """`21 Nov`, with the year when it is not this one."""
    utc: str
    """`2026-11-21 14:03:07.123 UTC`"""
    iso: str
    """For `<time datetime>`."""
    is_today: bool


class Viewer(Struct, frozen=True, kw_only=True):
    """One browser's wishes."""

    now_unix_ns: int
    zone_name: str = "UTC"
    zone: tzinfo = UTC
    theme: str = "auto"

    def moment(self, unix_ns: int) -> Moment:
        """Return a point in time in the viewer's zone; impossible ones are told as the epoch."""
        utc, local = _at(unix_ns, UTC), _at(unix_ns, self.zone)
        now = _at(self.now_unix_ns, self.zone)
        fraction = f".{unix_ns // 1_000_000 % 1_000:03d}"
        year = "" if local.year == now.year else f" {local.year}"
        return Moment(
            clock=f"{local:%H:%M:%S}",
            fraction=fraction,
            day=f"{local.day} {local:%b}{year}",
            utc=f"{utc:%Y-%m-%d %H:%M:%S}{fraction} UTC",
            iso=f"{utc:%Y-%m-%dT%H:%M:%S}{fraction}Z",
            is_today=local.date() == now.date(),
        )

    def local_s(self, unix_ns: int) -> int:
        """Return the seconds that a clock on the viewer's wall has counted since 1970."""
        local = _at(unix_ns, self.zone)
        offset = local.utcoffset()
        return unix_ns // 1_000_000_000 + (round(offset.total_seconds()) if offset else 0)

    def tick(self, unix_ns: int, step_s: float) -> str:
        """Return the label of a time axis whose labels are `step_s` seconds apart."""
        local = _at(unix_ns, self.zone)
        if step_s >= 86_400:
            return f"{local.day} {local:%b}"
        if step_s >= 6 * 3_600:
            return f"{local.day} {local:%b %H:%M}"
        return f"{local:%H:%M}" if step_s >= 60 else f"{local:%H:%M:%S}"


def viewer_of(cookies: Mapping[str, str], now_unix_ns: int) -> Viewer:
    """Return the viewer that cookies describe; what they say wrongly is left out."""
    theme = cookies.get(THEME_COOKIE, "auto")
    name, zone = _zone_of(cookies.get(ZONE_COOKIE, "UTC").replace("%2F", "/"))
    return Viewer(
        now_unix_ns=now_unix_ns,
        zone_name=name,
        zone=zone,
        theme=theme if theme in THEMES else "auto",
    )


def _zone_of(name: str) -> tuple[str, tzinfo]:
    if name == "UTC" or _ZONE.match(name) is None:
        return "UTC", UTC
    try:
        return name, ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # unknown here, a folder of zones, or not a zone file
        return "UTC", UTC


def _at(unix_ns: int, zone: tzinfo) -> datetime:
    if not 0 <= unix_ns <= _MAX_NS - 86_400_000_000_000:
        unix_ns = 0
    return datetime.fromtimestamp(unix_ns // 1_000_000_000, zone)
