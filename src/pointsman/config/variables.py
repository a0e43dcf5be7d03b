"""`${NAME}` and `${NAME:-default}` in values, replaced after parsing; `$${` is a literal `${`.

A value can therefore never add keys or change the shape of the file. Keys are not replaced. What a
variable holds is never shown: messages name the variable.
"""

import re
from collections.abc import Mapping as Environment

from pointsman.config.findings import Findings
from pointsman.config.nodes import Mapping, Node, Scalar, Sequence, child_path

_REFERENCE = re.compile(
    r"\$\$\{"  # escaped
    r"|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}"
    r"|(?P<malformed>\$\{)"
)


class VariableExpander:
    """Replaces the variables of a tree.

    Args:
        environment: Name -> value.
        findings: Gets a problem for each variable that is not set.
    """

    def __init__(self, environment: Environment[str, str], findings: Findings) -> None:
        self._environment = environment
        self._findings = findings

    def expand(self, node: Node, path: str = "") -> Node:
        """Return the tree with every value expanded."""
        if isinstance(node, Mapping):
            entries = {
                key: self.expand(child, child_path(path, key))
                for key, child in node.entries.items()
            }
            return Mapping(line=node.line, entries=entries, key_lines=node.key_lines)
        if isinstance(node, Sequence):
            items = [
                self.expand(child, child_path(path, index))
                for index, child in enumerate(node.items)
            ]
            return Sequence(line=node.line, items=items)
        return self._scalar(node, path) if "${" in node.text else node

    def _scalar(self, scalar: Scalar, path: str) -> Scalar:
        pieces: list[str] = []
        names: list[str] = []
        position = 0
        for match in _REFERENCE.finditer(scalar.text):
            value = self._value(match, scalar, path, names)
            if value is None:
                return Scalar(text="", line=scalar.line, is_broken=True)
            pieces += (scalar.text[position : match.start()], value)
            position = match.end()
        pieces.append(scalar.text[position:])
        return Scalar(
            text="".join(pieces),
            line=scalar.line,
            is_quoted=scalar.is_quoted,
            variables=tuple(names),
            is_expanded=any(match["name"] for match in _REFERENCE.finditer(scalar.text)),
        )

    def _value(
        self, match: re.Match[str], scalar: Scalar, path: str, names: list[str]
    ) -> str | None:
        """Return what one reference stands for; None once a problem is noted."""
        name, default = match["name"], match["default"]
        if match["malformed"] or (default is not None and "${" in default):
            self._findings.error(
                path,
                "`${` does not begin a variable",
                hint="write ${NAME} or ${NAME:-default}, or $${ for the characters themselves",
                line=scalar.line,
            )
            return None
        if name is None:
            return "${"
        value = self._environment.get(name)
        if default is not None and not value:
            return str(default)
        return self._checked(name, value, scalar, path, names)

    def _checked(
        self, name: str, value: str | None, scalar: Scalar, path: str, names: list[str]
    ) -> str | None:
        if value is None:
            self._findings.error(
                path,
                f"the variable {name} is not set",
                hint=f"set it, or write ${{{name}:-…}} with a default",
                line=scalar.line,
            )
            return None
        if not value.isascii() and not _is_text(value):
            self._findings.error(path, f"the variable {name} is not UTF-8 text", line=scalar.line)
            return None
        names.append(name)
        self._findings.conceal_variable(value, name)
        return value


def _is_text(value: str) -> bool:
    """Tell whether a value of the environment was valid UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
