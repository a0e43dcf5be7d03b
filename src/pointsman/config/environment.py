"""The only reader of the process's environment; everything else is handed a mapping."""

import os


def read_environment() -> dict[str, str]:
    """Return the environment as it is now."""
    return dict(os.environ)
