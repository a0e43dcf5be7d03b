"""Where everything that is wrong with a configuration is gathered, so that all of it is shown.

Owns the masking of what problems say: no secret and no value of a variable gets out through them.
"""

import re

from pointsman.config.root import SourceMap
from pointsman.core.errors import Problem

# Prefixes that providers give to their keys, and long runs that mix letters and digits.
_SECRET_LOOKING = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf|nvapi|ghp|tkv|pm|r8|fw|pplx|Bearer)[-_ ][A-Za-z0-9_\-]{8,}"
    r"|\bAIza[A-Za-z0-9_\-]{8,}"
    r"|(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{24,}"
)
_SHORTEST_CONCEALED = 6
"""Shorter values are words that messages use anyway; no message is built from a secret."""


def masked(text: str) -> str:
    """Replace whatever looks like a secret by its last four characters."""
    return _SECRET_LOOKING.sub(lambda match: f"…{match[0][-4:]}", text)


def quoted(text: str) -> str:
    """Return a value for a message: masked, on one line and bounded."""
    short = text if len(text) <= 60 else f"{text[:57]}…"
    return masked(repr(short) if short.isprintable() else ascii(short))


class Findings:
    """The problems and warnings of one load.

    Args:
        file: Path as given; None when there is no file.
    """

    def __init__(self, file: str | None) -> None:
        self.file = file
        self.lines = SourceMap()
        """Path -> line; filled once the file is parsed."""
        self._problems: list[Problem] = []
        self._seen: set[str] = set()
        self._secrets: dict[str, str] = {}
        self._variables: dict[str, str] = {}

    def error(
        self, path: str, message: str, *, hint: str | None = None, line: int | None = None
    ) -> None:
        """Note something that makes the configuration unusable."""
        self._note(path, message, hint=hint, line=line, is_warning=False)

    def warn(
        self, path: str, message: str, *, hint: str | None = None, line: int | None = None
    ) -> None:
        """Note something that is probably not what the user wants."""
        self._note(path, message, hint=hint, line=line, is_warning=True)

    def mark(self, path: str) -> None:
        """Say nothing more about `path`: what could be said follows from a problem noted."""
        self._seen.add(path)

    def is_noted(self, path: str) -> bool:
        """Tell whether a problem of `path`, or what it follows from, has been noted."""
        return path in self._seen

    def noted(self) -> frozenset[str]:
        """Return the paths of all problems so far, and of what follows from them."""
        return frozenset(self._seen)

    def conceal(self, secret: str, alias: str) -> None:
        """Replace `secret` by `alias` wherever it would show."""
        if len(secret) >= _SHORTEST_CONCEALED:
            self._secrets[secret] = alias

    def conceal_variable(self, value: str, name: str) -> None:
        """Show the variable instead of its value in messages."""
        if len(value) >= _SHORTEST_CONCEALED:
            self._variables.setdefault(value, f"${{{name}}}")

    @property
    def errors(self) -> list[Problem]:
        """Everything that stops a start or reload, in the order of the file."""
        return self._finished(is_warning=False)

    @property
    def warnings(self) -> list[Problem]:
        """Everything else worth telling, in the order of the file."""
        return self._finished(is_warning=True)

    def _note(
        self, path: str, message: str, *, hint: str | None, line: int | None, is_warning: bool
    ) -> None:
        if not is_warning:
            self._seen.add(path)
        place = line if line is not None else self._line_of(path)
        self._problems.append(
            Problem(
                message=message,
                path=path,
                line=place if self.file is not None else None,
                hint=hint,
                file=self.file,
                is_warning=is_warning,
            )
        )

    def _line_of(self, path: str) -> int | None:
        """Return the line of `path`, or of the nearest entry around it."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return None

    def _finished(self, *, is_warning: bool) -> list[Problem]:
        chosen = [problem for problem in self._problems if problem.is_warning is is_warning]
        chosen.sort(key=lambda problem: problem.line or 0)
        return [
            Problem(
                message=self._concealed(problem.message, {**self._variables, **self._secrets}),
                path=self._concealed(problem.path, self._secrets),
                line=problem.line,
                hint=problem.hint
                and self._concealed(problem.hint, {**self._variables, **self._secrets}),
                file=problem.file,
                is_warning=is_warning,
            )
            for problem in chosen
        ]

    @staticmethod
    def _concealed(text: str, replacements: dict[str, str]) -> str:
        for value in sorted(replacements, key=len, reverse=True):
            text = text.replace(value, replacements[value])
        return masked(text)
