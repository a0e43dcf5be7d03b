"""Which names somebody may ask for, by globs."""

from collections.abc import Callable

from pointsman.core.conditions import compile_globs

_MAX_REMEMBERED = 50_000


class ModelScopes:
    """Answers for any key, tenant or plan; remembers compiled patterns, since keys repeat."""

    __slots__ = ("_compiled",)

    def __init__(self) -> None:
        self._compiled: dict[tuple[str, ...], Callable[[str], bool]] = {}

    def allows(self, patterns: tuple[str, ...], name: str) -> bool:
        """Tell whether `name` may be asked for; no patterns allow every name."""
        if not patterns or name in patterns:
            return True
        test = self._compiled.get(patterns)
        if test is None:
            if len(self._compiled) >= _MAX_REMEMBERED:
                self._compiled.clear()
            test = self._compiled[patterns] = compile_globs(patterns)
        return test(name)
