"""Places on a time axis, in percent of its width. Pure; whoever draws puts them into markup.

Percent and not pixels: a drawing then fits any width while its text keeps its size.
"""

import math

from msgspec import Struct

from pointsman.console.figures import short_duration

MIN_WIDTH = 0.4
"""Percent; a shorter piece would not be seen."""


class Tick(Struct, frozen=True):
    """A line of the axis."""

    x: float
    label: str
    anchor: str
    """`start`, `middle` or `end`: how the label stands to the line."""


class Piece(Struct, frozen=True):
    """A stretch of a lane."""

    kind: str
    """What it was; also its class in the style sheet."""
    x: float
    width: float
    title: str


class Point(Struct, frozen=True):
    """A moment on a lane."""

    x: float
    title: str


class Scale(Struct, frozen=True):
    """From nanoseconds since the start of the axis to percent."""

    start_ns: int
    total_ns: int

    def x(self, at_ns: int) -> float:
        """Return where a moment lies; moments beyond the axis lie at its ends."""
        share = (at_ns - self.start_ns) / max(self.total_ns, 1)
        return round(100 * min(max(share, 0.0), 1.0), 3)

    def piece(self, kind: str, from_ns: int, to_ns: int, title: str) -> Piece:
        """Return a stretch, wide enough to be seen and within the axis."""
        x = self.x(from_ns)
        width = max(self.x(to_ns) - x, MIN_WIDTH)
        return Piece(kind, round(min(x, 100 - width), 3), round(width, 3), title)

    def ticks(self, most: int = 5) -> list[Tick]:
        """Return lines at round durations, the first at 0."""
        step = round_step(self.total_ns, most)
        times = range(0, max(self.total_ns, 1) + 1, step)
        return [_tick(self.x(self.start_ns + time), short_duration(time)) for time in times]


def round_step(total: float, most: int) -> int:
    """Return a step of 1, 2 or 5 times a power of ten that parts `total` into `most` or less."""
    least = max(total / most, 1)
    power = 10 ** math.floor(math.log10(least))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * 0.999_999)
    return int(step)


def _tick(x: float, label: str) -> Tick:
    return Tick(x, "0" if x == 0 else label, "start" if x < 4 else "end" if x > 96 else "middle")
