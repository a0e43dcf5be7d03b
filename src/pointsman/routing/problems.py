"""Collects what is wrong with the routing part of a configuration, each with its line."""

from collections.abc import Iterable
from difflib import get_close_matches

from pointsman.config.root import LoadedConfig
from pointsman.core.errors import Problem


class Problems:
    """The problems found so far."""

    __slots__ = ("_loaded", "found")

    def __init__(self, loaded: LoadedConfig) -> None:
        self._loaded = loaded
        self.found: list[Problem] = []

    def add(self, path: str, message: str, hint: str | None = None) -> None:
        """Note a problem at a path such as `routes.auto.rules[1].use`."""
        line, file = self.line(path), self._loaded.file
        self.found.append(Problem(message, path, line=line, hint=hint, file=file))

    def unknown(self, path: str, kind: str, name: str, known: Iterable[str]) -> None:
        """Note a name that nobody declared, with the declared one that looks most like it."""
        near = get_close_matches(name, list(known), n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"declare it under `{kind}s`"
        self.add(path, f"unknown {kind} `{name}`", hint)

    def line(self, path: str) -> int | None:
        """Return the line of a path, or of the nearest path around it that has one."""
        lines = self._loaded.lines
        while path:
            if path in lines:
                return lines[path]
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return None

    @property
    def file(self) -> str | None:
        """The file the configuration came from; None when it came from none."""
        return self._loaded.file
