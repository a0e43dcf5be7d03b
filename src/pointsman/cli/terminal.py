"""What the output of a command may look like: colours and width, for terminals only."""

import shutil
import textwrap
from typing import TextIO

from pointsman.config.environment import read_environment

_MAX_WIDTH = 100
_PLAIN_FORMS = str.maketrans(
    {"├": "|", "└": "`", "│": "|", "─": "-", "✓": "+", "✗": "x", "…": "..."}
)


def wants_colour(stream: TextIO) -> bool:
    """Tell whether to colour: a terminal, and `NO_COLOR` not set (https://no-color.org)."""
    return stream.isatty() and not read_environment().get("NO_COLOR")


def wrapped(text: str, stream: TextIO) -> str:
    """Return a paragraph broken into lines that fit a terminal; one line for a pipe."""
    if not stream.isatty():
        return text
    width = min(shutil.get_terminal_size((_MAX_WIDTH, 24)).columns, _MAX_WIDTH)
    return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)


def encodable(text: str, stream: TextIO) -> str:
    """Return the text as the stream can take it: plain ASCII forms where it knows no others."""
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN_FORMS).encode(encoding, "replace").decode(encoding)
    return text
