"""The reference page names every field and every spelling."""

from pathlib import Path

import pytest

from pointsman.core.conditions import AFTER_CALL_FIELDS, REQUEST_FIELDS
from pointsman.core.conditions.api_dialect import OPERATORS
from pointsman.core.conditions.glob import MAX_GLOB_CHARACTERS
from pointsman.core.conditions.parse import CONNECTORS, MAX_DEPTH, MAX_NODES

PAGE = (Path(__file__).parents[4] / "docs/reference/conditions.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("field", REQUEST_FIELDS.fields, ids=lambda field: field.name)
def test_each_field_of_a_request_has_its_row(field):
    """Name, aliases, type and meaning, as the catalogue has them."""
    names = ", ".join(f"`{name}`" for name in (field.name, *field.aliases))

    assert f"| {names} | {field.type} | {field.says} |" in PAGE


def test_each_name_of_a_finished_call_is_listed():
    """A-60."""
    assert [name for name in AFTER_CALL_FIELDS if f"`{name}`" not in PAGE] == []


def test_connectors_operators_and_bounds_are_listed():
    """What the parser takes, and how much of it."""
    for name in (*CONNECTORS, *OPERATORS):
        assert f"`{name}" in PAGE
    for bound in (MAX_DEPTH, MAX_NODES, MAX_GLOB_CHARACTERS):
        assert str(bound) in PAGE
