"""The reference page and the JSON Schema follow the section structs."""

from pathlib import Path

import msgspec
import pytest

from configuration_text import MOCK, loaded, problems
from pointsman.config import reference
from pointsman.config.field_docs import field_docs
from pointsman.config.reference import reference_page
from pointsman.config.root import Config
from pointsman.config.schema import json_schema
from pointsman.config.words import duration_text

ROOT = Path(__file__).parents[3]
SECTIONS = sorted({cls for _, cls in reference._sections(Config, "")}, key=lambda cls: cls.__name__)


@pytest.mark.parametrize("cls", SECTIONS)
def test_every_field_is_documented(cls: type[msgspec.Struct]) -> None:
    """The page and the schema are made from these sentences."""
    assert set(field_docs(cls)) == {one.name for one in msgspec.structs.fields(cls)}


def test_the_reference_page_is_fresh() -> None:
    """Run `python -m pointsman.config.reference docs/reference/configuration.md` when not."""
    page = (ROOT / "docs/reference/configuration.md").read_text(encoding="utf-8")

    assert page == reference_page()


def test_the_reference_page_has_a_table_for_every_section() -> None:
    """Also those within others."""
    page = reference_page()

    for title in ("server", "providers.<name>", "targets.<name>.timeout", "routes.<name>.rules[]"):
        assert f"\n## `{title}`\n" in page


def test_the_schema_describes_every_section() -> None:
    """With descriptions, bounds, alternatives and defaults."""
    schema = msgspec.json.decode(json_schema())
    server = schema["$defs"]["ServerConfig"]["properties"]

    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == {one.name for one in msgspec.structs.fields(Config)}
    assert server["port"]["anyOf"][0] == {"type": "integer", "minimum": 0, "maximum": 65535}
    assert server["port"]["default"] == 3100
    assert server["idle_timeout"]["default"] == "75s"
    assert schema["$defs"]["ProviderConfig"]["required"] == ["kind"]
    assert {"enum": ["none", "redacted", "full"]} in schema["$defs"]["ContentConfig"]["properties"][
        "capture"
    ]["anyOf"]


def test_every_reference_within_the_schema_leads_somewhere() -> None:
    """Editors follow them."""
    text = json_schema().decode()
    definitions = msgspec.json.decode(text)["$defs"]

    for part in text.split('"#/$defs/')[1:]:
        assert definitions[part.partition('"')[0]]["description"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.5, "500ms"),
        (2, "2s"),
        (60, "1m"),
        (90, "90s"),
        (3600, "1h"),
        (86400, "1d"),
        (1.5, "1.5s"),
    ],
)
def test_durations_are_written_as_they_are_read(seconds: float, text: str) -> None:
    """What the page shows can be pasted into a file."""
    assert duration_text(seconds) == text
    assert problems(f"{MOCK}server: {{idle_timeout: {text}}}") == []
    assert loaded(f"{MOCK}server: {{idle_timeout: {text}}}").config.server.idle_timeout == seconds
