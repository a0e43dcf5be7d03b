"""Strategies: in which order the eligible of the chosen targets are tried.

`ordered` keeps the order of the file. `weighted` draws the first one and records the draw; the
others follow by share, the larger first, equal shares in the order of the file.
"""

from collections.abc import Callable

from pointsman.core.records import Candidate, Draw


def draw_first(
    candidates: list[Candidate], weights: tuple[float, ...], draw: Callable[[], float]
) -> Draw | None:
    """Put the drawn candidate first and return the draw; None when there is nothing to draw.

    Shares are normalised over the eligible candidates only, and written into their scores. With a
    single eligible candidate the draw is made too, so that every record shows the same story.

    Args:
        candidates: The chosen group in file order; reordered in place, excluded ones last.
        weights: The weight of each, at least 0.
        draw: Returns a number in [0, 1).
    """
    weight_of = dict(zip((item.target for item in candidates), weights, strict=True))
    eligible = [item for item in candidates if item.eligible]
    total = sum(weight_of[item.target] for item in eligible)
    if total <= 0:
        # All with a weight are excluded: those with weight 0 are failover, in file order.
        candidates.sort(key=lambda item: not item.eligible)
        return None

    shares = {item.target: weight_of[item.target] / total for item in eligible}
    for item in eligible:
        item.score["share"] = shares[item.target]
    value = draw()
    chosen = pick(shares, value)
    candidates.sort(key=lambda item: _order(item, chosen))
    return Draw(weights=shares, value=value, chosen=chosen)


def pick(shares: dict[str, float], value: float) -> str:
    """Return the name whose interval of [0, 1) holds `value`, intervals in the order given.

    A share of 0 is never picked, also when rounding leaves the sum a little below 1.
    """
    end = 0.0
    chosen = ""
    for name, share in shares.items():
        if share <= 0:
            continue
        chosen = name
        end += share
        if value < end:
            break
    return chosen


def _order(item: Candidate, chosen: str) -> tuple[bool, bool, float]:
    # The sort is stable: equal shares stay in the order of the file.
    return (not item.eligible, item.target != chosen, -item.score.get("share", 0.0))
