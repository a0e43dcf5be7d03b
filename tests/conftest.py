"""What holds for every test run."""

import os
import sys

import pytest


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End without the interpreter's own tear-down.

    The database's binding reports its own unfreed types there, a hundred lines that would bury
    pytest's closing line. Nothing of ours happens after this point.
    """
    if "duckdb" not in sys.modules or hasattr(config, "workerinput"):
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(getattr(config, "_exit_status", 0)))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remember how the run ended, for the exit code."""
    session.config._exit_status = exitstatus
