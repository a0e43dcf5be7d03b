"""JSON in the text of a model, which likes to put thoughts, fences and politeness around it.

Thoughts and fences are looked past, then every object or array that is balanced outside of strings
is tried in its order; one that does not parse does not end the search. Pure text work: what becomes
of what is found is decided elsewhere.
"""

import re
from collections.abc import Iterator

import msgspec

MAX_CANDIDATES = 64
"""Beginnings that are tried; beyond them the text is no JSON with a frame."""
MAX_MARKS = 200_000
"""Quotes, brackets and the like that are looked at, over all beginnings: the loop stands still."""
_THOUGHTS = re.compile(r"\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_FENCE = re.compile(r"```[A-Za-z0-9_-]*[ \t]*\r?\n(.*?)```", re.DOTALL)
_MARKS = re.compile(r'["\\{}\[\]]')
_decode = msgspec.json.Decoder().decode
_MALFORMED = (msgspec.DecodeError, UnicodeEncodeError, RecursionError)


def is_json(text: str) -> bool:
    """Tell whether a text is JSON as it stands."""
    try:
        _decode(text)
    except _MALFORMED:
        return False
    return True


def without_thoughts(text: str) -> str:
    """Return a text without the `<think>` blocks at its begin; one that never ends stays."""
    start = 0
    while (found := _THOUGHTS.match(text, start)) is not None:
        start = found.end()
    return text[start:]


def find_json(text: str) -> str | None:
    """Return the first object or array of a text, as it was written; None when there is none.

    Args:
        text: The answer of a model, with whatever it put around.
    """
    rest = without_thoughts(text)
    for fenced in _FENCE.finditer(rest):
        inner = fenced[1].strip()
        if inner[:1] in {"{", "["} and is_json(inner):
            return inner
    return _first_balanced(rest)


def _first_balanced(text: str) -> str | None:
    start = 0
    marks = iter(range(MAX_MARKS))
    for _ in range(MAX_CANDIDATES):
        opening = _next_opening(text, start)
        if opening is None:
            return None
        end = _end_of(text, opening, marks)
        if end is not None and is_json(text[opening:end]):
            return text[opening:end]
        start = opening + 1
    return None


def _next_opening(text: str, start: int) -> int | None:
    places = [place for place in (text.find("{", start), text.find("[", start)) if place >= 0]
    return min(places, default=None)


def _end_of(text: str, opening: int, marks: Iterator[int]) -> int | None:
    """Return where the value that opens at `opening` is closed; None when it never is.

    `marks` counts what is looked at; at its end the value counts as never closed.
    """
    depth = 0
    is_in_string = False
    escaped_at = -1
    for _, mark in zip(marks, _MARKS.finditer(text, opening), strict=False):
        place, sign = mark.start(), mark[0]
        if place == escaped_at:
            continue
        if is_in_string:
            if sign == "\\":
                escaped_at = place + 1
            elif sign == '"':
                is_in_string = False
        elif sign == '"':
            is_in_string = True
        elif sign in "{[":
            depth += 1
        elif sign in "}]":
            depth -= 1
            if depth == 0:
                return place + 1
    return None
