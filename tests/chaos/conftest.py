"""Prints the table of the fault scenarios after the tests: what was broken, and what came of it."""

import pytest

ROWS = pytest.StashKey[list[tuple[str, ...]]]()
TITLES = ("scenario", "client, plain", "client, streaming", "calls a/b", "record (plain)")


@pytest.fixture
def table(request: pytest.FixtureRequest) -> list[tuple[str, ...]]:
    """Rows of the table."""
    return request.config.stash.setdefault(ROWS, [])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    rows = config.stash.get(ROWS, [])
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(TITLES, *rows, strict=True)]
    terminalreporter.section("fault scenarios")
    for row in (TITLES, *rows):
        terminalreporter.write_line(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
