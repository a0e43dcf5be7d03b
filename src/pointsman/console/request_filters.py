"""The filters of the list of requests: from the address of the page to a question, and back.

A page's address is all there is to a filter, so it can be kept, shared and linked to. What an
address says wrongly is left out. Pure.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from msgspec import Struct, structs

from pointsman.store.query import CallFilter

RANGES = {
    "15m": ("last 15 minutes", 900),
    "1h": ("last hour", 3_600),
    "6h": ("last 6 hours", 21_600),
    "24h": ("last 24 hours", 86_400),
    "7d": ("last 7 days", 604_800),
    "30d": ("last 30 days", 2_592_000),
}
"""Value in the address -> words and seconds."""
FAILED = "failed"
"""Stands for every outcome that counts as an error."""
MAX_TEXT = 256
_S = 1_000_000_000
_MS = 1_000_000
_TEXTS = (
    "model", "target", "reason", "tenant", "key", "provider", "route", "user", "feature",
    "environment",
)  # fmt: skip
"""Names in the address that are fields of `CallFilter` too."""
_NAMES = ("range", "from", "to", "outcome", *_TEXTS, "min_ms", "text")
_MAX_MS = 253_402_300_799_000


class Wish(Struct, frozen=True):
    """One filter as the address has it."""

    name: str
    value: str


class RequestFilters(Struct, frozen=True):
    """What the address of a page asks for, in a fixed order and without what it says wrongly."""

    wishes: tuple[Wish, ...] = ()

    def value(self, name: str) -> str:
        """Return the value of a filter; empty when it does not filter."""
        return next((wish.value for wish in self.wishes if wish.name == name), "")

    def question(self, now_unix_ns: int) -> CallFilter:
        """Return the question to the store."""
        texts = {name: self.value(name) or None for name in _TEXTS}
        wanted = structs.replace(CallFilter(error_text=self.value("text") or None), **texts)
        outcome, span = self.value("outcome"), RANGES.get(self.value("range"))
        if outcome:
            is_any = outcome == FAILED
            wanted = structs.replace(
                wanted, failed=True if is_any else None, outcome=None if is_any else outcome
            )
        if span:
            wanted = structs.replace(wanted, from_unix_ns=now_unix_ns - span[1] * _S)
        return structs.replace(
            wanted,
            from_unix_ns=_scaled(self.value("from")) or wanted.from_unix_ns,
            to_unix_ns=_scaled(self.value("to")),
            min_duration_ns=_scaled(self.value("min_ms")),
        )

    def query(self, **changes: str) -> str:
        """Return the query of an address with these filters, some of them changed.

        Args:
            changes: Name -> value; an empty value takes a filter away. Names beyond the filters,
                such as a cursor, are added.
        """
        kept = {wish.name: wish.value for wish in self.wishes} | changes
        return urlencode([(name, value) for name, value in kept.items() if value])


def read_filters(parameters: Mapping[str, str]) -> RequestFilters:
    """Return the filters of an address."""
    wishes = (Wish(name, _clean(parameters.get(name, ""))) for name in _NAMES)
    return RequestFilters(tuple(wish for wish in wishes if wish.value and _is_right(wish)))


def link(path: str, **filters: str | None) -> str:
    """Return the address of a page with filters, those without a value left out."""
    query = urlencode([(name, value) for name, value in filters.items() if value])
    return f"{path}?{query}" if query else path


def choices(values: Iterable[str], chosen: str) -> list[str]:
    """Return the values of a menu, the chosen one among them even when the store has it not."""
    found = [value for value in values if value]
    return found if not chosen or chosen in found else [chosen, *found]


def _clean(value: str) -> str:
    return value.strip()[:MAX_TEXT]


def _is_right(wish: Wish) -> bool:
    if wish.name == "range":
        return wish.value in RANGES
    if wish.name in {"from", "to", "min_ms"}:
        return _scaled(wish.value) is not None
    return True


def _scaled(milliseconds: str) -> int | None:
    """Return milliseconds of an address as nanoseconds; None when they are not any."""
    if not (milliseconds.isascii() and milliseconds.isdigit() and len(milliseconds) <= 15):
        return None
    number = int(milliseconds)
    return number * _MS if number <= _MAX_MS else None
