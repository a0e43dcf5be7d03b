"""JSON found in what models put around it."""

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.structured_text import find_json, is_json, without_thoughts


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('Sure! Here it is:\n```json\n{"a": 1}\n```\nAnything else?', '{"a": 1}'),
        ('<think>{"a": 0}</think>\n{"a": 1}', '{"a": 1}'),
        ('use {braces} and then {"a": 1}', '{"a": 1}'),
        ('{"a": "}\\"{"} tail', '{"a": "}\\"{"}'),
        ("one [1, 2] two [3]", "[1, 2]"),
        ('{"a": {"b": [1, {"c": 2}]}} }', '{"a": {"b": [1, {"c": 2}]}}'),
        ('{"cut": [1, 2', None),
        ("```\nnot json\n```", None),
        ("no json at all", None),
        ("", None),
    ],
)
def test_the_first_whole_object_or_array_is_found(text: str, found: str | None):
    """MG-12: past thoughts, fences and candidates that do not parse."""
    assert find_json(text) == found


def test_thoughts_that_never_end_stay():
    """An answer that was cut while thinking is not made to look empty."""
    assert without_thoughts("<think>hm") == "<think>hm"
    assert without_thoughts(" <think>a</think> <thinking>b</thinking>c") == "c"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
FRAMES = st.text(st.characters(exclude_characters='{}[]"`<\\', exclude_categories=["Cs"]))


@given(FRAMES, st.dictionaries(st.text(), JSON) | st.lists(JSON), FRAMES)
def test_any_value_is_found_in_any_frame(before: str, value: object, after: str):
    """What was written is what is found, byte for byte."""
    written = msgspec.json.encode(value).decode()

    assert find_json(before + written + after) == written


@given(st.text())
def test_what_is_found_is_json_and_stands_in_the_text(text: str):
    """Whatever a model writes, nothing is made up."""
    found = find_json(text)

    assert found is None or (is_json(found) and found in text)


def test_a_text_of_openings_is_given_up():
    """The search is bounded, whatever comes."""
    assert find_json("{" * 100_000) is None


@pytest.mark.parametrize(
    "hostile",
    [
        "<think></think>" * 100_000,
        '{"' * 500_000,
        "[" * 1_000_000,
        '{"a": "\\\\' * 200_000,
        "```json\n" * 100_000,
    ],
    ids=["thoughts", "objects", "arrays", "strings", "fences"],
)
def test_a_text_made_to_be_searched_for_long_is_given_up_soon(hostile: str):
    """A model can be told to write it, and the loop of the gateway stands still meanwhile."""
    before = time.process_time()

    assert find_json(hostile) is None
    assert time.process_time() - before < 2.0
