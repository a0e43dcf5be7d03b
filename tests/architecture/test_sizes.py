"""The size of things: small files, small functions, few parameters."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "pointsman"
FILES = sorted(SOURCE.rglob("*.py"))
MAX_FILE_LINES = 500
MAX_WIRE_LINES = 800
MAX_FUNCTION_LINES = 50
MAX_CLASS_LINES = 250

ALLOWED_LONGER: frozenset[str] = frozenset()
"""Functions and classes over the limit. May only shrink."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_no_file_hides_a_second_thing(file: Path):
    """A file over the limit has more than one subject."""
    limit = MAX_WIRE_LINES if "wire" in file.parts else MAX_FILE_LINES

    assert len(file.read_text().splitlines()) <= limit


def test_no_function_or_class_is_longer_than_the_limit():
    """A function that does not fit on a screen has stages without a name."""
    too_long = []
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef):
                limit = MAX_CLASS_LINES
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                limit = MAX_FUNCTION_LINES
            else:
                continue
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            name = f"{file.relative_to(SOURCE)}:{node.name}"
            if length > limit and name not in ALLOWED_LONGER:
                too_long.append(f"{name} has {length} lines")

    assert too_long == []


def test_the_allow_list_only_shrinks():
    """Nothing that has become short stays on the list."""
    assert len(ALLOWED_LONGER) == 0
