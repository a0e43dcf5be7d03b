"""Money: integer nano-USD (a billionth of a US dollar), never a float.

One nano-USD is a thousandth of the price of one token at one dollar per million tokens, so every
published price per million tokens is a whole number of nano-USD per thousand tokens or finer.
Amounts are rounded up, half a nano-USD at the most per line, so that a sum is never too small.
"""

from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import TypeAlias

NanoUsd: TypeAlias = int

NANO_PER_USD = 1_000_000_000


def nano_usd_from_decimal(usd: Decimal) -> NanoUsd:
    """Convert US dollars to nano-USD, rounding up.

    Raises:
        ValueError: `usd` is negative or not a finite number.
    """
    if not usd.is_finite() or usd < 0:
        raise ValueError(f"an amount of money must be finite and not negative, got {usd}")
    return int((usd * NANO_PER_USD).to_integral_value(rounding=ROUND_CEILING))


def nano_usd_from_text(text: str) -> NanoUsd:
    """Convert text such as `0.15` or `12` (US dollars) to nano-USD.

    Raises:
        ValueError: The text is not a decimal number, is negative or is not finite.
    """
    try:
        usd = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not an amount of US dollars such as 0.15") from None
    return nano_usd_from_decimal(usd)


def usd_text(amount: NanoUsd, *, places: int = 9) -> str:
    """Return the amount as dollars without trailing zeros: `0.0000123`, never `1.23e-05`."""
    sign = "-" if amount < 0 else ""
    whole, fraction = divmod(abs(amount), NANO_PER_USD)
    digits = f"{fraction:09d}"[:places].rstrip("0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"
