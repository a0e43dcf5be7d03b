"""A catalogue finds fields by name, alias and dotted path."""

import pytest

from pointsman.core.conditions import REQUEST_FIELDS
from pointsman.core.conditions.catalogue import Catalogue, Field, FieldType, member


def test_a_field_whose_name_holds_a_dot_comes_before_a_member():
    """A-17."""
    tags: Field[dict[str, str]] = Field(
        name="tags", type=FieldType.MAP, read=lambda tags: tags, members=lambda tags: tags
    )
    literal: Field[dict[str, str]] = Field(name="tags.size", type=FieldType.NUMBER, read=len)

    catalogue = Catalogue([tags, literal])

    assert catalogue.find("tags.size") is literal
    assert catalogue.find("tags.other").type is FieldType.TEXT


@pytest.mark.parametrize("name", ["", ".", "tags.", "tags", "model.x", ".tags", "nothing"])
def test_names_that_are_no_fields_are_not_found(name):
    """Only `tags` itself is one of these."""
    assert (REQUEST_FIELDS.find(name) is None) is (name != "tags")


def test_only_maps_have_members():
    """A bug of whoever asks."""
    field = REQUEST_FIELDS.find("model")

    with pytest.raises(ValueError, match="no members"):
        member(field, "x")
