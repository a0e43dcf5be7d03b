"""Figures over time as drawings: bars and lines placed in percent and pixels. Pure."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from pointsman.console.geometry import Tick, round_step
from pointsman.console.viewer import Viewer
from pointsman.store.query import Bucket, Series

TOP, BOTTOM = 16.0, 160.0
"""Pixels between which bars stand."""
SPARKS = 40
"""Columns of a small drawing."""
_S = 1_000_000_000
_STEPS_S = (60, 300, 600, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 172_800, 432_000)


class Bar(Struct, frozen=True):
    """One rectangle."""

    kind: str
    x: float
    width: float
    y: float
    height: float


class Level(Struct, frozen=True):
    """A line of the upright axis."""

    y: float
    label: str


class Slot(Struct, frozen=True):
    """What lies under the pointer at one step of time."""

    x: float
    width: float
    title: str
    place: str
    """Address of the requests of this step."""


class Line(Struct, frozen=True):
    """A line through the steps, as a path over a field of 100 by 100."""

    kind: str
    path: str


class Chart(Struct, frozen=True, kw_only=True):
    """A drawing."""

    bars: list[Bar] = []
    lines: list[Line] = []
    levels: list[Level]
    ticks: list[Tick]
    slots: list[Slot]


def stacked(
    buckets: Sequence[Bucket],
    layers: Sequence[tuple[str, Callable[[Bucket], int]]],
    label: Callable[[int], str],
    frame: "Frame",
) -> Chart:
    """Return bars of layers, the first at the bottom."""
    sums = [sum(value(bucket) for _, value in layers) for bucket in buckets]
    most = max(sums, default=0)
    top = _round_top(most)
    width = 100 / max(len(buckets), 1)
    bars = []
    for number, bucket in enumerate(buckets):
        foot = BOTTOM
        for kind, value in layers:
            height = _height(value(bucket), top)
            if height:
                foot = round(foot - height, 2)
                x = round(number * width + width * 0.1, 3)
                bars.append(Bar(kind, x, round(width * 0.8, 3), foot, height))
    return Chart(bars=bars, levels=_levels(most, label), ticks=frame.ticks, slots=frame.slots)


def lines(
    buckets: Sequence[Bucket],
    layers: Sequence[tuple[str, Callable[[Bucket], int | None]]],
    label: Callable[[int], str],
    frame: "Frame",
) -> Chart:
    """Return lines; where a step has no value a line is broken."""
    values = [[value(bucket) for bucket in buckets] for _, value in layers]
    most = max((each for row in values for each in row if each is not None), default=0)
    top = _round_top(most)
    drawn = [Line(kind, _path(row, top)) for (kind, _), row in zip(layers, values, strict=True)]
    return Chart(lines=drawn, levels=_levels(most, label), ticks=frame.ticks, slots=frame.slots)


class Frame(Struct, frozen=True):
    """What charts of the same span of time share."""

    ticks: list[Tick]
    slots: list[Slot]


def frame_of(
    buckets: Sequence[Bucket], bucket_ns: int, viewer: Viewer, title: Callable[[Bucket], str]
) -> Frame:
    """Return the time axis of a chart and what its steps say."""
    width = 100 / max(len(buckets), 1)
    slots = []
    for number, bucket in enumerate(buckets):
        start = bucket.start_unix_ns
        place = f"/requests?from={start}&to={start + bucket_ns}"
        moment = viewer.moment(bucket.start_unix_ns)
        told = f"{moment.day} {moment.clock}: {title(bucket)}"
        slots.append(Slot(round(number * width, 3), round(width, 3), told, place))
    return Frame(_time_ticks(buckets, bucket_ns, viewer), slots)


def sparks(series: Series) -> list[Bar]:
    """Return the course of a series as columns in a field 18 pixels high."""
    per = -(-len(series.counts) // SPARKS)
    sums = [sum(series.counts[start : start + per]) for start in range(0, len(series.counts), per)]
    top, width = max(sums, default=0) or 1, 100 / max(len(sums), 1)
    return [
        Bar("part", round(number * width, 3), round(width * 0.75, 3), round(18 - height, 2), height)
        for number, count in enumerate(sums)
        if (height := round(max(17 * count / top, 1.5 if count else 0), 2))
    ]


def _time_ticks(buckets: Sequence[Bucket], bucket_ns: int, viewer: Viewer) -> list[Tick]:
    """Return ticks at round moments of the viewer's clock, at most seven."""
    span_s = len(buckets) * bucket_ns / _S
    step_s = next((step for step in _STEPS_S if span_s / step <= 7), _STEPS_S[-1])
    ticks: list[Tick] = []
    for number, bucket in enumerate(buckets):
        local_s = viewer.local_s(bucket.start_unix_ns)
        x = round(100 * number / len(buckets), 3)
        if local_s % step_s < bucket_ns / _S and 3 < x < 97:
            ticks.append(Tick(x, viewer.tick(bucket.start_unix_ns, step_s), "middle"))
    return ticks


def _levels(most: int, label: Callable[[int], str]) -> list[Level]:
    """Return the lines above the foot; none where there is nothing to measure by them."""
    if not most:
        return []
    top = _round_top(most)
    return [
        Level(round(BOTTOM - (BOTTOM - TOP) * share, 1), label(round(top * share)))
        for share in (0.5, 1.0)
        if top > 1 or share == 1.0
    ]


def _round_top(most: int) -> int:
    """Return a round number at or above the highest value."""
    if most <= 2:
        return max(most, 1)
    step = round_step(most, 4)
    return -(-most // step) * step


def _height(value: int, top: int) -> float:
    if value <= 0:
        return 0.0
    return round(max((BOTTOM - TOP) * value / top, 2.0), 2)


def _path(row: Sequence[int | None], top: int) -> str:
    width, parts, is_open = 100 / max(len(row), 1), [], False
    for number, value in enumerate(row):
        if value is None:
            is_open = False
            continue
        x, y = round((number + 0.5) * width, 2), round(100 - 100 * value / top, 2)
        # A point between two gaps is a line of no length, which round ends make a dot.
        parts.append(f"L{x} {y}" if is_open else f"M{x} {y}h0")
        is_open = True
    return "".join(parts)
