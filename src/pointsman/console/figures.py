"""Numbers as people read them in a list: short, with a unit. Full figures are on the pages of one.

Pure. None is always told as unknown, never as 0.
"""

UNKNOWN = "—"
_SIZES = ("B", "kB", "MB", "GB", "TB")


def short_duration(duration_ns: int | None) -> str:
    """Return a duration in three digits: `640 µs`, `12.3 ms`, `853 ms`, `1.24 s`, `3 min 20 s`."""
    if duration_ns is None:
        return UNKNOWN
    if duration_ns < 1_000:
        return f"{duration_ns} ns"
    if duration_ns < 999_500:
        return f"{_three_digits(duration_ns / 1e3)} µs"
    if duration_ns < 999_500_000:
        return f"{_three_digits(duration_ns / 1e6)} ms"
    if duration_ns < 99_950_000_000:
        return f"{_three_digits(duration_ns / 1e9)} s"
    return long_duration(duration_ns / 1e9)


def long_duration(seconds: float) -> str:
    """Return minutes, hours or days in two parts: `3 min 20 s`, `2 h 5 min`, `4 d 3 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{_three_digits(seconds)} s"
    for unit, size, smaller, part in (("d", 86_400, "h", 3_600), ("h", 3_600, "min", 60)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit} {rest} {smaller}" if rest else f"{whole // size} {unit}"
    return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"


def short_money(nano_usd: int | None) -> str:
    """Return an amount in three significant digits, in whole cents from ten dollars: `$0.0123`."""
    if nano_usd is None:
        return UNKNOWN
    sign, dollars = ("-" if nano_usd < 0 else ""), abs(nano_usd) / 1e9
    if dollars == 0:
        return "$0"
    if dollars >= 10:
        return f"{sign}${dollars:,.2f}"
    if dollars >= 1:
        return f"{sign}${dollars:.2f}"
    leading = next(place for place, digit in enumerate(f"{dollars:.9f}"[2:]) if digit != "0")
    return f"{sign}${round(dollars, leading + 3):.9f}".rstrip("0").rstrip(".")


def signed_money(nano_usd: int) -> str:
    """Return a difference with its sign: `+$0.01`, `-$0.01`, `same`."""
    if nano_usd == 0:
        return "same"
    return f"+{short_money(nano_usd)}" if nano_usd > 0 else short_money(nano_usd)


def short_count(count: int | None) -> str:
    """Return a count: `987`, `12.3k`, `4.56M`."""
    if count is None:
        return UNKNOWN
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")):
        if abs(count) >= size:
            return f"{_three_digits(count / (1_000 if unit == 'k' else size))}{unit}"
    return f"{count:,}"


def full_count(count: int | None) -> str:
    """Return a count with all its digits: `12,345`."""
    return UNKNOWN if count is None else f"{count:,}"


def short_bytes(size: int | None) -> str:
    """Return a size: `512 B`, `1.5 kB`, `2.25 GB`."""
    if size is None:
        return UNKNOWN
    amount, unit = float(size), 0
    while amount >= 999.5 and unit < len(_SIZES) - 1:
        amount, unit = amount / 1_000, unit + 1
    return f"{_three_digits(amount)} {_SIZES[unit]}"


def percent(part: float, whole: float) -> str:
    """Return a share: `0 %`, `<0.1 %`, `2.4 %`, `37 %`; unknown without a whole."""
    if not whole:
        return UNKNOWN
    share = 100 * part / whole
    if 0 < share < 0.1:
        return "<0.1 %"
    return f"{share:.1f} %" if share < 9.95 and share != 0 else f"{share:.0f} %"


def _three_digits(amount: float) -> str:
    places = 0 if amount >= 99.95 else 1 if amount >= 9.995 else 2
    text = f"{amount:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
