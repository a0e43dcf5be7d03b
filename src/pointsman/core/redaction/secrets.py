"""Masking of known secrets: literal values from the configuration, wherever they turn up.

For logs and error texts. Detectors guess what looks like a secret; this knows. It holds the
values, so it never shows itself.
"""

from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "[redacted: secret]"
SHORTEST_SECRET = 6
"""Shorter values are not masked: they would be found inside ordinary words."""


class SecretMask:
    """Replaces every occurrence of some values.

    Args:
        values: The secrets. Their percent-encoded and JSON-escaped forms are masked too.
    """

    __slots__ = ("_forms",)

    def __init__(self, values: Iterable[str]) -> None:
        forms: set[str] = set()
        for value in values:
            if len(value) >= SHORTEST_SECRET:
                forms |= _forms_of(value)
        # The longest first: a secret that is part of another must not leave the other's rest.
        self._forms = sorted(forms, key=lambda form: (-len(form), form))

    def mask(self, text: str) -> str:
        """Return `text` with `[redacted: secret]` in place of every secret."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def __repr__(self) -> str:
        """Tell how many, never which."""
        return f"SecretMask({len(self._forms)} forms)"


def _forms_of(value: str) -> set[str]:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return {value, escaped, quote(value, safe=""), quote(value), quote_plus(value)}
