"""Days and months as people count them: in a time zone, with summer time.

Owns the arithmetic of calendar periods. A period is named by the instant it begins, so that a wall
clock that is set back finds the same period again and never a second one of the same day.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

_NS = 1_000_000_000
TOTAL = "total"
"""The period that never ends, as of a run."""


class Period(Struct, frozen=True):
    """One day or month."""

    start_unix_ns: int
    end_unix_ns: int | None
    """When the next one begins; None is never."""

    def holds(self, unix_ns: int) -> bool:
        """Tell whether an instant is in it."""
        end = self.end_unix_ns
        return self.start_unix_ns <= unix_ns and (end is None or unix_ns < end)


_ALWAYS = Period(0, None)


class Calendar:
    """The days and months of one time zone.

    Args:
        zone: Its name in the IANA database, as in `Europe/Berlin`.
    """

    __slots__ = ("_current", "_zone", "zone")

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._zone = ZoneInfo(zone)
        # The last period asked for, per kind: the next call is nearly always in it too.
        self._current: dict[str, Period] = {TOTAL: _ALWAYS}

    def period(self, kind: str, unix_ns: int) -> Period:
        """Return the `day`, `month` or `total` that an instant is in."""
        current = self._current.get(kind)
        if current is not None and current.holds(unix_ns):
            return current
        period = self._day(unix_ns) if kind == "day" else self._month(unix_ns)
        self._current[kind] = period
        return period

    def text(self, unix_ns: int) -> str:
        """Return an instant in this zone: `2026-11-22T00:00:00+01:00`."""
        return datetime.fromtimestamp(unix_ns // _NS, self._zone).isoformat()

    def _day(self, unix_ns: int) -> Period:
        date = datetime.fromtimestamp(unix_ns // _NS, self._zone).date()
        after = date + timedelta(days=1)
        return Period(
            self._midnight(date.year, date.month, date.day),
            self._midnight(after.year, after.month, after.day),
        )

    def _month(self, unix_ns: int) -> Period:
        date = datetime.fromtimestamp(unix_ns // _NS, self._zone).date()
        year, month = (date.year + 1, 1) if date.month == 12 else (date.year, date.month + 1)
        return Period(self._midnight(date.year, date.month, 1), self._midnight(year, month, 1))

    def _midnight(self, year: int, month: int, day: int) -> int:
        # Where summer time skips midnight, the first instant after the gap stands for it.
        return int(datetime(year, month, day, tzinfo=self._zone).timestamp()) * _NS


class Calendars:
    """The calendar of each tenant.

    Args:
        zone: Of tenants that have none of their own.
        zones: Tenant -> its time zone.
    """

    __slots__ = ("_all", "_by_tenant", "default")

    def __init__(self, zone: str, zones: dict[str, str]) -> None:
        self.default = Calendar(zone)
        made = {name: Calendar(name) for name in set(zones.values())}
        self._by_tenant = {tenant: made[name] for tenant, name in zones.items()}
        self._all = (self.default, *made.values())

    def of(self, tenant: str | None) -> Calendar:
        """Return the calendar of a tenant."""
        return self._by_tenant.get(tenant, self.default) if tenant is not None else self.default

    def earliest(self, kind: str, unix_ns: int) -> int:
        """Return when the first of all tenants' current periods of this kind began.

        Nothing remembers for ever: `total` reaches back as far as the month.
        """
        kind = "day" if kind == "day" else "month"
        return min(calendar.period(kind, unix_ns).start_unix_ns for calendar in self._all)
