"""Globs agree with a plain reference, and take linear time on what makes others explode."""

import time
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.conditions import compile_glob, compile_globs

PATTERNS = st.text(alphabet="ab.?*\n[", max_size=10)
TEXTS = st.text(alphabet="ab.\n[*?", max_size=12)


def _reference(pattern: str, text: str) -> bool:
    """The definition, by dynamic programming: row i says which prefixes the first i signs match."""
    reach = [True, *([False] * len(text))]
    for sign in pattern:
        row = [sign == "*" and reach[0]]
        for index, character in enumerate(text):
            if sign == "*":
                row.append(reach[index + 1] or row[index])
            else:
                row.append(reach[index] and sign in {"?", character})
        reach = row
    return reach[-1]


def _all_texts(alphabet: str, longest: int) -> list[str]:
    return ["".join(t) for n in range(longest + 1) for t in product(alphabet, repeat=n)]


def test_every_short_glob_means_what_its_definition_says():
    """All patterns of up to five signs on all texts of up to four."""
    texts = _all_texts("ab", 4)
    for pattern in _all_texts("ab*?", 5):
        matches = compile_glob(pattern)
        assert [text for text in texts if matches(text)] == [
            text for text in texts if _reference(pattern, text)
        ]


@pytest.mark.parametrize("pattern", ["A", "a?c", "*B*", "A*c"])
def test_case_counts_and_a_line_end_is_a_character_like_any_other(pattern):
    """A-04."""
    matches = compile_glob(pattern)

    assert matches("a\nc") is (pattern == "a?c")
    assert not matches("abc") or pattern == "a?c"
    assert compile_glob("a*c?")("a\n\nc\n")


@given(PATTERNS, TEXTS)
def test_a_glob_means_what_its_definition_says(pattern, text):
    """A-04: over patterns and texts of few signs, so that they often match."""
    assert compile_glob(pattern)(text) is _reference(pattern, text)


@given(st.text(max_size=20))
def test_a_text_without_signs_matches_itself(text):
    """Also with characters that are special to regular expressions."""
    literal = text.replace("*", "").replace("?", "")

    assert compile_glob(literal)(literal)
    assert compile_glob(f"{literal}*")(literal)
    assert compile_glob(f"*{literal}")(literal)


def test_matching_does_not_backtrack():
    """A pattern that takes a backtracking matcher longer than the universe takes milliseconds."""
    text = "a" * 100_000
    start = time.perf_counter()

    for hostile in ("*a?" * 80 + "*b*", "*" + "a" * 200 + "b*", "*" + "a?" * 100 + "b*", "*?" * 99):
        assert compile_glob(hostile)(text) is (hostile == "*?" * 99)

    assert time.perf_counter() - start < 2


def test_any_of_several_globs_is_enough():
    """None of them matches nothing."""
    assert compile_globs(("gpt-*", "claude-*"))("claude-3")
    assert not compile_globs(("gpt-*", "claude-*"))("llama")
    assert not compile_globs(())("llama")
