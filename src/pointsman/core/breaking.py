"""What a breaker's state means for a target: the exclusion, with the values that were compared."""

from pointsman.core.records import BreakerDetail, Exclusion


def exclusion_by(state: str | None, detail: BreakerDetail | None) -> Exclusion | None:
    """Return why a breaker keeps a call away; None when it lets one pass.

    Reads only what a record keeps, so that a stored decision can be made again.

    Args:
        state: `closed`, `open` or `half_open`.
        detail: What lies behind it; None for a breaker that is simply closed.
    """
    if detail is None:
        return None
    by = detail.opened_by
    if state == "open":
        code = "provider_open" if detail.scope == "provider" else "open"
        return Exclusion("breaker", code, detail.observed, detail.limit, detail.left_s, by)
    if state == "half_open" and detail.tried_by is not None:
        return Exclusion("breaker", "being_tried", 1, 1, opened_by=by)
    return None
