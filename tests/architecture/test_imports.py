"""Layers point down, and importing anything opens nothing."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "pointsman"


def test_layers_are_kept():
    """The layers of ARCHITECTURE.md, as import-linter reads them from pyproject.toml."""
    linter = Path(sys.executable).parent / "lint-imports"

    result = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout


def test_importing_every_module_opens_nothing():
    """No socket, file for writing, thread or task comes from an import (invariant 1)."""
    modules = sorted(
        ".".join(file.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
        for file in SOURCE.rglob("*.py")
        if "migrations" not in file.parts
    )
    script = f"""
import sys, importlib, threading, os
opened = []
def audit(event, args):
    if event in ("socket.bind", "socket.connect", "subprocess.Popen", "os.mkdir"):
        opened.append((event, str(args)))
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        opened.append((event, str(args)))
sys.dont_write_bytecode = True
sys.addaudithook(audit)
for name in {modules!r}:
    importlib.import_module(name)
assert not opened, opened
assert threading.active_count() == 1, threading.enumerate()
"""
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stderr[-2000:]


def test_only_the_composition_root_and_the_commands_read_the_environment():
    """`os.environ` is read in one file; everything else is handed what it needs."""
    readers = [
        str(file.relative_to(SOURCE))
        for file in SOURCE.rglob("*.py")
        if "os.environ" in file.read_text() or "os.getenv" in file.read_text()
    ]

    assert readers == ["config/environment.py"]
