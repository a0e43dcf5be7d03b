"""Globs: `*` is any run of characters, `?` is exactly one; everything else is itself.

Matching is case-sensitive, over the whole text, and cannot blow up: the pattern is cut at its
stars into pieces of fixed length, and each piece is looked for once, leftmost, from where the one
before ended. That is enough, since a leftmost piece leaves the most room for the pieces after it.
"""

import re
from collections.abc import Callable

MAX_GLOB_CHARACTERS = 256


def compile_glob(pattern: str) -> Callable[[str], bool]:
    """Return a predicate over texts. Its time is at most length of text times length of pattern."""
    first, *rest = pattern.split("*")
    if not rest:
        whole = _piece(first)
        return lambda text: whole.fullmatch(text) is not None

    if rest == [""] and "?" not in first:
        return lambda text: text.startswith(first)
    return _pieces(first, [piece for piece in rest[:-1] if piece], rest[-1])


def compile_globs(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Return a predicate that holds when any of the patterns matches; never, without patterns."""
    tests = tuple(compile_glob(pattern) for pattern in patterns)

    return lambda text: any(test(text) for test in tests)


def is_glob(text: str) -> bool:
    """Tell whether a text holds one of the two special characters."""
    return "*" in text or "?" in text


def _pieces(first: str, middle: list[str], last: str) -> Callable[[str], bool]:
    head, tail = _piece(first), _piece(last)
    searches = tuple((_piece(piece).search, len(piece)) for piece in middle)
    head_length, tail_length = len(first), len(last)

    def matches(text: str) -> bool:
        end = len(text) - tail_length
        position = head_length
        if end < position or head.match(text) is None or tail.match(text, end) is None:
            return False

        for search, length in searches:
            found = search(text, position, end)
            if found is None:
                return False
            position = found.start() + length
        return True

    return matches


def _piece(text: str) -> re.Pattern[str]:
    # No quantifier, so nothing to backtrack into.
    return re.compile(
        "".join("." if character == "?" else re.escape(character) for character in text), re.DOTALL
    )
