"""Tables of the commands about money: columns of text, and the options that they share."""

import argparse
from collections.abc import Sequence

from pointsman.core.explain.amounts import clean
from pointsman.core.money import usd_text

NOBODY = "(none)"


def add_span_options(parser: argparse.ArgumentParser, since: str) -> None:
    """Add `--since` and `--until`."""
    parser.add_argument(
        "--since",
        default=since,
        metavar="WHEN",
        help="first moment: 24h, 7d, a day or RFC 3339 (default: %(default)s)",
    )
    parser.add_argument(
        "--until", default="", metavar="WHEN", help="last moment, exclusive (default: now)"
    )


def usd(nano_usd: int) -> str:
    """Return an exact amount: `$1.000000501`."""
    return f"-${usd_text(-nano_usd)}" if nano_usd < 0 else f"${usd_text(nano_usd)}"


def named(value: str | None) -> str:
    """Return a value that a caller chose, fit for a terminal; `(none)` for a missing one."""
    return NOBODY if value is None else clean(value)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """Return the lines of a table.

    Args:
        headings: Of the columns.
        rows: Texts, as many in each row as there are headings.
        left: How many columns stand at the left edge; figures stand at the right one.
    """
    lines = [list(headings), *(list(row) for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(headings))]
    return [
        "  ".join(
            text.ljust(width) if at < left else text.rjust(width)
            for at, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
