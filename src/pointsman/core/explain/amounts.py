"""How numbers and values of a record are printed: time, money, figures, text."""

from datetime import UTC, datetime

from pointsman.core.money import usd_text

MAX_TEXT = 300
Value = str | int | float | bool | list[str] | None


def duration_text(duration_ns: int) -> str:
    """Return a duration in ms, or in seconds from ten of them: `0.012 ms`, `853 ms`, `12.3 s`."""
    milliseconds = duration_ns / 1e6
    if abs(milliseconds) >= 10_000:
        return f"{milliseconds / 1_000:.1f} s"
    places = 0 if abs(milliseconds) >= 100 else 1 if abs(milliseconds) >= 1 else 3
    return f"{milliseconds:.{places}f} ms"


def money_text(nano_usd: int | None) -> str:
    """Return `$0.000021`; an unknown amount is called that, never 0."""
    if nano_usd is None:
        return "an unknown amount"
    return f"-${usd_text(-nano_usd)}" if nano_usd < 0 else f"${usd_text(nano_usd)}"


def figure_text(figure: float) -> str:
    """Return a number with at most four significant digits behind a leading 0: `0.3721`."""
    return str(figure) if isinstance(figure, int) else f"{figure:.4g}"


def value_text(value: Value) -> str:
    """Return a value that was compared; a missing one is `nothing`."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(clean(item) for item in value) or "an empty list"
    if isinstance(value, str):
        return clean(value) or "an empty text"
    return str(value)


def kind_value_text(kind: str, amount: int) -> str:
    """Return the counter of a limit: money for kinds that count money, else the number."""
    return money_text(amount) if "nano_usd" in kind else str(amount)


def clean(text: str) -> str:
    """Return text fit for a terminal: one line, no control characters, bounded."""
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else "�" for letter in text)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def instant_text(unix_ns: int) -> str:
    """Return a point in time as `2026-11-21 01:05:37.123 UTC`."""
    seconds, fraction_ns = divmod(unix_ns, 1_000_000_000)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return "an impossible time"
    return f"{moment:%Y-%m-%d %H:%M:%S}.{fraction_ns // 1_000_000:03d} UTC"


def count_text(count: int, one: str, many: str | None = None) -> str:
    """Return `1 chunk`, `2 chunks`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def listed(items: list[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
