"""Names say what a thing is; words that say nothing are not used."""

import ast
import re
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "pointsman"
FILES = sorted(SOURCE.rglob("*.py"))
EMPTY_WORDS = frozenset(
    {
        "utils",
        "util",
        "helpers",
        "helper",
        "common",
        "misc",
        "manager",
        "process",
        "do",
        "v2",
        "new",
    }
)
ALLOWED = frozenset({"server/handlers.py"})


def _words(name: str) -> set[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return set(spaced.lower().strip("_").split("_"))


def test_no_name_is_made_of_an_empty_word():
    """`utils`, `manager` and their kin hide that a stage has no name."""
    found = []
    for file in FILES:
        place = str(file.relative_to(SOURCE))
        names = [part.removesuffix(".py") for part in Path(place).parts]
        names += [
            node.name
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        found += [f"{place}: {name}" for name in names if _words(name) & EMPTY_WORDS]

    assert found == []


def test_every_module_says_what_it_owns():
    """A reader should know from the first lines whether this is the room they look for."""
    silent = [str(file) for file in FILES if not ast.get_docstring(ast.parse(file.read_text()))]

    assert silent == []
