"""Documents say what is true of the code."""

import re
from pathlib import Path

from scripts.write_reference import FOLDER, pages

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "pointsman"
# Codes that no client of the gateway sees: files, commands and the collector have their own words.
_INTERNAL = {"config_error", "cannot_bind", "journal_locked", "upstream_error", "request_refused"}
_CODE = re.compile(r"""(?:^    code = |[ (]code=)"([a-z_]+)\"""", re.MULTILINE)


def test_generated_pages_are_fresh():
    """After a change: `make docs`."""
    stale = [name for name, text in pages().items() if (FOLDER / name).read_text() != text]

    assert stale == []


def test_every_error_code_has_a_row():
    """A code that a client can get is explained in docs/reference/errors.md."""
    page = (FOLDER / "errors.md").read_text()
    codes = {
        code
        for room in ("core", "gateway", "routing", "policy", "server")
        for file in (SOURCE / room).rglob("*.py")
        for code in _CODE.findall(file.read_text())
    }

    assert {code for code in codes - _INTERNAL if f"`{code}`" not in page} == set()


def test_every_choice_that_will_be_asked_about_has_a_page():
    """Each ADR has a status and is named by date and subject."""
    for file in (ROOT / "docs" / "adr").glob("*.md"):
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}-[a-z0-9-]+\.md", file.name)
        assert "Status:" in file.read_text(), file.name


def test_links_between_documents_lead_somewhere():
    """Relative links of the Markdown pages point at files that exist."""
    dead = []
    for file in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text())
        dead += [f"{file.name}: {each}" for each in targets if not (file.parent / each).exists()]

    assert dead == []
