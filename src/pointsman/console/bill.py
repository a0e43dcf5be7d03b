"""Tokens and money of a request, line by line, with each line's share. Pure."""

from msgspec import Struct

from pointsman.console.figures import percent
from pointsman.core.records import CallRecord, Cost
from pointsman.core.usage import Usage

_UNITS = {
    "input_tokens": "input tokens",
    "output_tokens": "output tokens",
    "cache_read_tokens": "input tokens read from the cache",
    "cache_write_tokens": "input tokens written to the cache",
    "cache_write_1h_tokens": "input tokens written to the cache for an hour",
    "reasoning_tokens": "reasoning tokens",
}


class BillLine(Struct, frozen=True):
    """One line."""

    unit: str
    quantity: int
    nano_usd_per_million: int
    nano_usd: int
    share: str
    """Of the whole: what tells a dear prompt from a dear answer."""


class Bill(Struct, frozen=True, kw_only=True):
    """What was used and what it cost."""

    tokens: list[tuple[str, int | None]]
    tokens_estimated: bool
    total_nano_usd: int | None
    cost_estimated: bool
    has_cost: bool
    lines: list[BillLine]
    price_version: str


def bill_of(record: CallRecord) -> Bill | None:
    """Return the bill of a request; None when nothing was used."""
    usage, cost = record.usage, record.cost
    if usage is None and cost is None:
        return None
    return Bill(
        tokens=_tokens(usage) if usage else [],
        tokens_estimated=usage.estimated if usage else False,
        total_nano_usd=cost.total_nano_usd if cost else None,
        cost_estimated=cost.estimated if cost else False,
        has_cost=cost is not None,
        lines=_lines(cost) if cost else [],
        price_version=(cost.price_version or "") if cost else "",
    )


def _tokens(usage: Usage) -> list[tuple[str, int | None]]:
    told: list[tuple[str, int | None]] = [
        ("input", usage.input_tokens),
        ("output", usage.output_tokens),
    ]
    parts = (
        ("of the input, read from the cache", usage.cache_read_tokens),
        ("of the input, written to the cache", usage.cache_write_tokens),
        ("of those, for an hour", usage.cache_write_1h_tokens),
        ("of the output, reasoning", usage.reasoning_tokens),
    )
    return told + [(words, amount) for words, amount in parts if amount]


def _lines(cost: Cost) -> list[BillLine]:
    whole = sum(line.nano_usd for line in cost.lines)
    return [
        BillLine(
            _UNITS.get(line.unit, line.unit.replace("_", " ")),
            line.quantity,
            line.nano_usd_per_million,
            line.nano_usd,
            percent(line.nano_usd, whole),
        )
        for line in cost.lines
    ]
