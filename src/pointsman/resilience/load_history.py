"""How long a target takes, by how many calls it had under way: a small moving history.

The number of calls is kept in bands that double (1, 2-3, 4-7 …), because what matters is whether
latency grows with load, not what each single number came to. One figure per band, moving with every
success, so a target that has grown slower under load is seen within some tens of calls.
"""

from typing import NamedTuple

_WEIGHT = 0.2
_BANDS = 11
"""The last one is open: 1024 and more."""


class LoadBand(NamedTuple):
    """What is known of one band."""

    calls: str
    """Calls under way, the one in question included: `4-7`."""
    latency_ms: float
    """Moving mean of the duration of those that succeeded."""
    seen: int
    """How many that were, since the start."""


class LoadHistory:
    """The bands of one target."""

    __slots__ = ("_latency_ms", "_seen")

    def __init__(self) -> None:
        self._latency_ms = [0.0] * _BANDS
        self._seen = [0] * _BANDS

    def add(self, in_flight: int, latency_ms: float) -> None:
        """Count a success that took `latency_ms` while `in_flight` calls were under way."""
        band = _band(in_flight)
        seen = self._seen[band]
        self._seen[band] = seen + 1
        before = self._latency_ms[band]
        self._latency_ms[band] = before + _WEIGHT * (latency_ms - before) if seen else latency_ms

    def at(self, in_flight: int) -> float | None:
        """Return the latency to expect with so many calls under way; None when none was seen."""
        band = _band(in_flight)
        return round(self._latency_ms[band], 3) if self._seen[band] else None

    def bands(self) -> list[LoadBand]:
        """Return the bands in which calls were seen, the least load first."""
        return [
            LoadBand(_name(band), round(self._latency_ms[band], 3), seen)
            for band, seen in enumerate(self._seen)
            if seen
        ]


def _band(in_flight: int) -> int:
    return min(max(in_flight, 1).bit_length(), _BANDS) - 1


def _name(band: int) -> str:
    least = 1 << band
    if band == 0:
        return "1"
    return f"{least}-{2 * least - 1}" if band < _BANDS - 1 else f"{least}+"
