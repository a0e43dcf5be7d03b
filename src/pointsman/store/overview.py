"""The time axis of an overview and its most frequent values. Shared by engines; pure."""

from collections import Counter, defaultdict

from msgspec import Struct

from pointsman.store.errors import StoreQueryError
from pointsman.store.query import MAX_BUCKETS, Series

TOP = 10
"""Values of a column that an overview shows; the rest are left out."""


class Axis(Struct, frozen=True):
    """Equal steps of time."""

    from_unix_ns: int
    to_unix_ns: int
    bucket_ns: int
    """Length of a step; the last one ends at or after `to_unix_ns`."""
    buckets: int

    @property
    def parameters(self) -> list[object]:
        """Return start and length of a step, as `bucket_number` of a dialect wants them."""
        return [self.from_unix_ns, self.bucket_ns]

    def start_of(self, number: int) -> int:
        """Return the first nanosecond of a step."""
        return self.from_unix_ns + number * self.bucket_ns


def make_axis(from_unix_ns: int, to_unix_ns: int, buckets: int) -> Axis:
    """Return `buckets` steps from one moment to another.

    Raises:
        StoreQueryError: The span is empty or the number of steps out of bounds.
    """
    if not 1 <= buckets <= MAX_BUCKETS:
        raise StoreQueryError(f"the number of buckets must be from 1 to {MAX_BUCKETS}")
    if to_unix_ns <= from_unix_ns:
        raise StoreQueryError("the time span is empty: its end must be after its start")
    length = to_unix_ns - from_unix_ns
    return Axis(from_unix_ns, to_unix_ns, -(-length // buckets), buckets)


def top_series(counts: Counter[tuple[str, int]], axis: Axis) -> tuple[Series, ...]:
    """Return the most frequent values, ties by name.

    Args:
        counts: (value, number of the step) -> how often.
        axis: The steps.
    """
    totals: Counter[str] = Counter()
    steps: defaultdict[str, list[int]] = defaultdict(lambda: [0] * axis.buckets)
    for (name, number), count in counts.items():
        totals[name] += count
        steps[name][number] += count
    ranked = sorted(totals.items(), key=lambda item: (-item[1], item[0]))[:TOP]
    return tuple(
        Series(name=name, total=total, counts=tuple(steps[name])) for name, total in ranked
    )
