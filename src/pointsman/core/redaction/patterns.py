"""Expressions that operators write: found in linear time, whatever the text.

A prompt is a stranger's text, and an expression that backtracks can be made to hang by whoever
writes one; `re` then blocks the event loop, and a thread does not help because it keeps the
interpreter's lock. RE2 has no backtracking: it refuses look-around and back-references when an
expression is compiled, and takes time in proportion to the text after that.
Syntax: https://github.com/google/re2/wiki/Syntax (read 2026-11).
"""

from collections.abc import Iterator

import re2

MAX_EXPRESSION_CHARACTERS = 1000
_MAX_MEMORY_BYTES = 1 << 20


class WrittenPattern:
    """One compiled expression; the whole of each match is what was found.

    Args:
        expression: In RE2's syntax; `(?i)` in front ignores case.

    Raises:
        ValueError: It is too long, too large, malformed, or matches empty text.
    """

    __slots__ = ("_pattern",)

    def __init__(self, expression: str) -> None:
        if len(expression) > MAX_EXPRESSION_CHARACTERS:
            raise ValueError(f"an expression has at most {MAX_EXPRESSION_CHARACTERS} characters")
        options = re2.Options()
        options.log_errors = False
        options.max_mem = _MAX_MEMORY_BYTES
        try:
            self._pattern = re2.compile(expression, options)
        except re2.error as error:
            raise ValueError(_words(error)) from None
        if self._pattern.search("") is not None:
            raise ValueError("the expression must not match empty text")

    def search(self, text: str) -> object | None:
        """Return something when it is found anywhere in a text; None when it is not."""
        found: object | None = self._pattern.search(text)
        return found

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where it is found, in characters, in order and without overlaps."""
        for found in self._pattern.finditer(text):
            first, last = found.span()
            if first < last:
                yield first, last


def _words(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    hint = "; look-around and back-references are not supported" if "(?" in text else ""
    return f"not a regular expression: {text}{hint}"
