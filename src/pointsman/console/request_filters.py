"""The filters of the lists, as the address of a page has them: the grammar of the read API.

A page's address is all there is to a filter, so it can be kept, shared and linked to. The API
refuses what it cannot read; a page leaves it out and shows which filters are in force. Pure.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar
from urllib.parse import urlencode

from msgspec import Struct

from pointsman.store.errors import StoreQueryError
from pointsman.store.filter_parameters import (
    CALL_PARAMETERS,
    TRACE_PARAMETERS,
    read_call_filter,
    read_trace_filter,
)
from pointsman.store.query import CallFilter, TraceFilter

RANGES = {
    "15m": "last 15 minutes",
    "1h": "last hour",
    "6h": "last 6 hours",
    "24h": "last 24 hours",
    "7d": "last 7 days",
    "30d": "last 30 days",
}
"""Value of `from` in the address -> words."""
FAILED = "failed"
"""Stands in the menu of outcomes for every one that counts as an error."""
MAX_TEXT = 256
Filters = TypeVar("Filters", "RequestFilters", "TraceFilters")


class Wish(Struct, frozen=True):
    """One filter as the address has it."""

    name: str
    value: str


class AddressFilters(Struct, frozen=True):
    """What the address of a page asks for, in a fixed order and without what it says wrongly."""

    wishes: tuple[Wish, ...] = ()

    def value(self, name: str) -> str:
        """Return the value of a filter; empty when it does not filter."""
        return next((wish.value for wish in self.wishes if wish.name == name), "")

    def query(self, **changes: str) -> str:
        """Return the query of an address with these filters, some of them changed.

        Args:
            changes: Name -> value; an empty value takes a filter away. Names beyond the filters,
                such as a cursor, are added.
        """
        kept = self.parameters() | changes
        return urlencode([(name, value) for name, value in kept.items() if value])

    def parameters(self) -> dict[str, str]:
        """Return the filters as the store's grammar reads them."""
        return {wish.name: wish.value for wish in self.wishes}


class RequestFilters(AddressFilters, frozen=True):
    """Filters of the list of requests."""

    def question(self, now_unix_ns: int) -> CallFilter:
        """Return the question to the store."""
        return read_call_filter(self.parameters(), now_unix_ns)


class TraceFilters(AddressFilters, frozen=True):
    """Filters of the list of traces."""

    def question(self, now_unix_ns: int) -> TraceFilter:
        """Return the question to the store."""
        return read_trace_filter(self.parameters(), now_unix_ns)


def read_filters(parameters: Mapping[str, str]) -> RequestFilters:
    """Return the filters of the address of a list of requests."""
    given = dict(parameters)
    if given.get("outcome") == FAILED:
        given |= {"outcome": "", "failed": "true"}
    return _read(RequestFilters, given, [parameter.name for parameter in CALL_PARAMETERS])


def read_trace_filters(parameters: Mapping[str, str]) -> TraceFilters:
    """Return the filters of the address of a list of traces."""
    return _read(TraceFilters, parameters, [parameter.name for parameter in TRACE_PARAMETERS])


def link(path: str, **filters: str | None) -> str:
    """Return the address of a page with filters, those without a value left out."""
    query = urlencode([(name, value) for name, value in filters.items() if value])
    return f"{path}?{query}" if query else path


def choices(values: Iterable[str], chosen: str) -> list[str]:
    """Return the values of a menu, the chosen one among them even when the store has it not."""
    found = [value for value in values if value]
    return found if not chosen or chosen in found else [chosen, *found]


def _read(kind: type[Filters], parameters: Mapping[str, str], names: list[str]) -> Filters:
    wishes = []
    for name in names:
        wish = Wish(name, parameters.get(name, "").strip()[:MAX_TEXT].strip())
        if wish.value and _is_right(kind, wish):
            wishes.append(wish)
    if any(wish.name == "from" and wish.value in RANGES for wish in wishes):
        wishes = [wish for wish in wishes if wish.name != "to"]  # a range ends now
    return kind(tuple(wishes))


def _is_right(kind: type[Filters], wish: Wish) -> bool:
    try:
        kind((wish,)).question(0)
    except StoreQueryError:
        return False
    return True
