"""What the checks look at, and how they report."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from pointsman.config.findings import Findings
from pointsman.config.root import Config

# Names go into headers, metric labels and paths: no white space, no control characters.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}\Z")


class ProviderKinds(Struct, frozen=True, kw_only=True):
    """The kinds and presets of providers, which the rooms that build them know."""

    known: frozenset[str]
    keyless: frozenset[str]
    """Those that need no credential."""
    without_address: frozenset[str]
    """Those that need a `base_url`."""


class Subject:
    """A decoded configuration under check.

    Args:
        config: What could be decoded.
        findings: Holds the problems of decoding and gets those of the checks.
        kinds: What may stand in `kind` of a provider.
        folder: Where relative paths begin.
    """

    def __init__(
        self,
        config: Config,
        findings: Findings,
        *,
        kinds: ProviderKinds,
        folder: Path,
    ) -> None:
        self.config = config
        self.findings = findings
        self.kinds = kinds
        self.folder = folder
        self._noted = findings.noted()

    def error(self, path: str, message: str, *, hint: str | None = None) -> None:
        """Note an error, unless decoding has noted one at the same place."""
        if path not in self._noted:
            self.findings.error(path, message, hint=hint)

    def warn(self, path: str, message: str, *, hint: str | None = None) -> None:
        """Note a warning, unless decoding has noted a problem at the same place."""
        if path not in self._noted:
            self.findings.warn(path, message, hint=hint)

    def is_declared(self, section: str, name: str) -> bool:
        """Tell whether `name` was written in `section`, even if it could not be decoded."""
        entries: dict[str, object] = getattr(self.config, section)
        return name in entries or f"{section}.{name}" in self._noted

    def has_problem_within(self, path: str) -> bool:
        """Tell whether decoding has noted a problem of `path` or of anything in it."""
        inside = (f"{path}.", f"{path}[")
        return any(noted == path or noted.startswith(inside) for noted in self._noted)

    def is_file(self, path: str) -> bool:
        """Tell whether a path of the configuration leads to a file."""
        try:
            return (self.folder / path).is_file()
        except (OSError, ValueError):
            return False


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint: the closest known name, or all of them."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"known: {', '.join(sorted(names)[:20])}" if names else "none is declared"
