"""Lua scripts, as text and by hash."""

import hashlib
from importlib.resources import files

from msgspec import Struct


class Script(Struct, frozen=True):
    """A script that Redis runs as one step."""

    text: str
    sha1: str
    """By which Redis knows it."""


def script_of(text: str) -> Script:
    """Return a script by its text."""
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def read_script(package: str, *names: str) -> Script:
    """Return the script that several files of a package make together, in their order.

    Args:
        package: As in `pointsman.policy`.
        names: File names; the first ones are what the last one builds on.
    """
    folder = files(package)
    return script_of("\n".join((folder / name).read_text("utf-8") for name in names))
