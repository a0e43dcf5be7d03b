"""Whom to ask after a provider said that the request does not fit into its context. Pure.

The one refusal of a request that another target may well serve. Only a target whose context is
known to be larger is asked: with an equal or unknown one the next answer would be the same refusal,
paid for in time.
"""

from collections.abc import Sequence

from pointsman.core.records import Exclusion
from pointsman.core.target import Target

_UNKNOWN = "unknown"


def not_larger(target: Target, refused: Sequence[Target]) -> Exclusion | None:
    """Return why `target` is passed over; None when it may be asked.

    Args:
        target: Whose turn it is. What does not hold the estimated request is not in the plan.
        refused: The targets that said so. Where the size of none of them is known, any known size
            passes: it holds the estimate, and theirs did not hold the request.
    """
    if not refused:
        return None
    largest = max((each.context_tokens or 0 for each in refused), default=0)
    if target.context_tokens is not None and target.context_tokens > largest:
        return None
    observed = target.context_tokens if target.context_tokens is not None else _UNKNOWN
    return Exclusion("context", "not_larger", observed, largest or _UNKNOWN)
