"""What must never be in the repository."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_constraints_name_no_package_host():
    """Installs come by package name with the ordinary clients."""
    for file in _tracked("constraints/*", "*.lock", "*-lock.*"):
        assert not re.search(r"https?://", file.read_text()), file


def test_no_absolute_path_of_a_machine_is_tracked():
    """A path below /root, /work or a home folder works on one machine only."""
    pattern = re.compile(r"(?<![A-Za-z0-9_.~-])/(root|work|home/[a-z]+)/")
    found = []
    for file in _tracked():
        if file.suffix in {".png", ".bin"} or file == Path(__file__):
            continue
        text = file.read_text(errors="replace")
        found += [f"{file}: {match.group()}" for match in pattern.finditer(text)]

    assert found == []


def test_no_key_of_a_provider_is_tracked():
    """Planted keys in tests are marked as such; real ones have no place here."""
    pattern = re.compile(r"sk-(proj|ant)-[A-Za-z0-9_-]{40,}|AKIA[0-9A-Z]{16}(?<!EXAMPLE)")
    found = [
        str(file)
        for file in _tracked("src/*", "docs/*", "examples/*", "*.md", "*.yaml")
        if file.suffix != ".png" and pattern.search(file.read_text(errors="replace"))
    ]

    assert found == []
