"""Compiled prices: integer rates, when they apply, and the arithmetic of a bill.

Owns the rule that cached and reasoning tokens are priced once: as themselves when they have a rate
of their own, else as the input or output they are part of. Knows no vendor and no price data.
Rates are nano-USD per million units, so a line is one integer multiplication and one division,
rounded up.
"""

from bisect import bisect_left
from typing import TypeAlias

from msgspec import Struct

from pointsman.core.money import NanoUsd
from pointsman.core.records import Cost, CostLine
from pointsman.core.usage import Usage

PER_MILLION = 1_000_000
DAY_NS = 86_400_000_000_000


class Rates(Struct, frozen=True):
    """Nano-USD per million units. None has no rate of its own; 0 is free."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    requests: int | None = None
    cache_write_1h: int | None = None
    """Of tokens that are to stay in the cache for an hour; None prices them as other writes."""


class ContextBands(Struct, frozen=True):
    """Rates by size of the input. Passing a threshold moves all tokens to the next rates."""

    rates: tuple[Rates, ...]
    """One more than `starts`."""
    starts: tuple[int, ...] = ()
    """Ascending input token counts that must be exceeded."""

    def rates_for(self, input_tokens: int) -> Rates:
        """Return the rates for a call with this many input tokens, cached ones included."""
        return self.rates[bisect_left(self.starts, input_tokens)] if self.starts else self.rates[0]


class Period(Struct, frozen=True):
    """When a price applies: from a moment on, within hours of the day, both, or always."""

    bands: ContextBands
    from_unix_ns: int | None = None
    day_start_ns: int | None = None
    """Since midnight UTC; None is the whole day."""
    day_end_ns: int | None = None
    """Exclusive; before `day_start_ns` when the hours cross midnight."""

    def applies(self, at_unix_ns: int) -> bool:
        """Tell whether the price is valid at that moment."""
        if self.from_unix_ns is not None and at_unix_ns < self.from_unix_ns:
            return False
        if self.day_start_ns is None or self.day_end_ns is None:
            return True

        of_day = at_unix_ns % DAY_NS
        if self.day_end_ns < self.day_start_ns:
            return of_day >= self.day_start_ns or of_day < self.day_end_ns
        return self.day_start_ns <= of_day < self.day_end_ns


class PriceSchedule(Struct, frozen=True):
    """Every price of one model."""

    periods: tuple[Period, ...]
    """The first that applies counts; the last counts when none does."""
    price_version: str
    context_tokens: int | None = None
    """Size of the model's context as the price data knows it; None is unknown."""
    earlier: "PriceSchedule | None" = None
    """What counts at a moment for which no period applies; None leaves that to the last one."""

    def at(self, at_unix_ns: int) -> "PriceSchedule":
        """Return the schedule that holds at that moment: this one, or an earlier one."""
        if self.earlier is None or any(period.applies(at_unix_ns) for period in self.periods):
            return self
        return self.earlier.at(at_unix_ns)

    def bands_at(self, at_unix_ns: int) -> ContextBands:
        """Return the rates that are valid at that moment."""
        for period in self.periods:
            if period.applies(at_unix_ns):
                return period.bands
        return self.periods[-1].bands


def line_cost(quantity: int, rate: int) -> NanoUsd:
    """Return the price of `quantity` units, rounded up to a whole nano-USD."""
    return -(-quantity * rate // PER_MILLION)


def bill(bands: ContextBands, usage: Usage, price_version: str) -> Cost:
    """Price one call's usage, with a line per unit that was used.

    Returns:
        A cost whose total is None when a count that has a rate is unknown, or when tokens were
        used for which the model has no rate; the lines then hold what is known.
    """
    cost = Cost(price_version=price_version, estimated=usage.estimated)
    if usage.input_tokens is None and bands.starts:
        return cost

    rates = bands.rates_for(usage.input_tokens or 0)
    knows_input = _add_lines(
        cost.lines,
        ("input_tokens", usage.input_tokens, rates.input),
        ("cache_read_tokens", usage.cache_read_tokens, rates.cache_read),
        *_written(usage, rates),
    )
    knows_output = _add_lines(
        cost.lines,
        ("output_tokens", usage.output_tokens, rates.output),
        ("reasoning_tokens", usage.reasoning_tokens, rates.reasoning),
    )
    if rates.requests:
        cost.lines.append(_line("requests", 1, rates.requests))
    if knows_input and knows_output:
        cost.total_nano_usd = sum([line.nano_usd for line in cost.lines])
    return cost


def upper_bound(bands: ContextBands, input_tokens: int, output_tokens: int) -> NanoUsd | None:
    """Return the most that a call with these counts can cost; None when it cannot be known.

    Every token is taken at the dearest rate of its side, so that a call that writes the provider's
    cache or reasons throughout is covered too.
    """
    rates = bands.rates_for(input_tokens)
    input_rate = _dearest(rates.input, rates.cache_read, rates.cache_write, rates.cache_write_1h)
    output_rate = _dearest(rates.output, rates.reasoning)
    if (input_tokens and input_rate is None) or (output_tokens and output_rate is None):
        return None
    return (
        line_cost(input_tokens, input_rate or 0)
        + line_cost(output_tokens, output_rate or 0)
        + (line_cost(1, rates.requests) if rates.requests else 0)
    )


_Part: TypeAlias = tuple[str, int | None, int | None]
"""Unit, quantity and rate."""


def _written(usage: Usage, rates: Rates) -> tuple[_Part, ...]:
    """Return the tokens written to the cache, by how long they are to stay where that is priced."""
    written, kept = usage.cache_write_tokens, usage.cache_write_1h_tokens
    if not written or not kept or rates.cache_write_1h is None:
        return (("cache_write_tokens", written, rates.cache_write),)
    kept = min(kept, written)
    return (
        ("cache_write_1h_tokens", kept, rates.cache_write_1h),
        ("cache_write_tokens", written - kept, rates.cache_write),
    )


def _add_lines(lines: list[CostLine], whole: _Part, *parts: _Part) -> bool:
    """Add a line for each part with a rate of its own and one for the rest of `whole`.

    Returns:
        False when the price of this side is unknown.
    """
    unit, quantity, rate = whole
    if quantity is None:
        return rate is None

    rest = quantity
    for part_unit, part_quantity, part_rate in parts:
        if part_quantity and part_rate is not None and rest:
            # Parts that claim more than the whole are cut: a line must never be negative.
            counted = min(part_quantity, rest)
            rest -= counted
            lines.append(_line(part_unit, counted, part_rate))
    if not rest:
        return True
    if rate is None:
        return False
    lines.append(_line(unit, rest, rate))
    return True


def _line(unit: str, quantity: int, rate: int) -> CostLine:
    return CostLine(unit, quantity, rate, -(-quantity * rate // PER_MILLION))


def _dearest(*rates: int | None) -> int | None:
    known = [rate for rate in rates if rate is not None]
    return max(known) if known else None
