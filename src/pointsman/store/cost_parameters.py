"""A question about costs as it stands in a query string. Names that are not known are errors."""

from collections.abc import Mapping

from msgspec import Struct

from pointsman.store.costs import GROUP_COLUMNS, CostFilter, CostGroup, read_groups
from pointsman.store.errors import StoreQueryError
from pointsman.store.filter_parameters import read_moment

DEFAULT_FROM = "24h"
_TRUTH = {"true": True, "false": False}
_MAX_TEXT = 512


class CostQuestion(Struct, frozen=True, kw_only=True):
    """What is asked of `MoneyStore.costs`."""

    group_by: tuple[CostGroup, ...]
    from_unix_ns: int
    to_unix_ns: int
    wanted: CostFilter


def read_cost_question(parameters: Mapping[str, str], now_unix_ns: int) -> CostQuestion:
    """Return the question; by default the costs of the last day by model.

    Args:
        parameters: `group_by`, `from`, `to`, `own` and any column as a filter.
        now_unix_ns: The end of the span when none is named.

    Raises:
        StoreQueryError: A name is not known, or a value cannot be read.
    """
    given = {name: text.strip() for name, text in parameters.items() if text.strip()}
    group_by = read_groups(given.pop("group_by", "model"))
    start, end = read_span(given.pop("from", DEFAULT_FROM), given.pop("to", ""), now_unix_ns)
    own = given.pop("own", None)
    if own is not None and own not in _TRUTH:
        raise StoreQueryError(f"own={own[:40]!r} must be true or false")
    for name, text in given.items():
        if name not in GROUP_COLUMNS:
            raise StoreQueryError(
                f"there is no filter {name[:40]!r}; there are: {', '.join(GROUP_COLUMNS)}, own"
            )
        if len(text) > _MAX_TEXT:
            raise StoreQueryError(f"{name} is longer than {_MAX_TEXT} characters")
    return CostQuestion(
        group_by=group_by,
        from_unix_ns=start,
        to_unix_ns=end,
        wanted=CostFilter(**given, own=None if own is None else _TRUTH[own]),
    )


def read_span(start: str, end: str, now_unix_ns: int) -> tuple[int, int]:
    """Return the two moments of a span of time; an end that is not named is now.

    Raises:
        StoreQueryError: One of them cannot be read.
    """
    moments = []
    for name, text in (("from", start), ("to", end or str(now_unix_ns))):
        moment = read_moment(text, now_unix_ns)
        if moment is None:
            raise StoreQueryError(f"{name}={text[:40]!r} cannot be read as a time")
        moments.append(moment)
    return moments[0], moments[1]
