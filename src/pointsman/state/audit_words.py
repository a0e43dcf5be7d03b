"""What a row of the audit says, in half a sentence: for the command line and the console."""

from collections.abc import Iterator, Mapping

import msgspec

from pointsman.state.audit import AuditEntry

MAX_TOLD = 6
"""Values that are told one by one; the row has all."""
_MAX_VALUE = 80
_QUIET = frozenset({"hash", "source", "entries", "not_told", "config"})


def details_text(entry: AuditEntry) -> str:
    """Return what was different, `daily_usd 1 -> 3`; empty when the row says nothing more."""
    told = list(_told(entry.details))
    if entry.action.startswith(("key.", "route.", "policy.", "provider.", "target.")):
        hashes = entry.details.get("hash")
        if not told and isinstance(hashes, Mapping):
            told = [f"{_value(hashes.get('from'))} -> {_value(hashes.get('to'))} (hidden)"]
    left = len(told) - MAX_TOLD
    return ", ".join(told[:MAX_TOLD]) + (f" and {left} more" if left > 0 else "")


def _told(details: Mapping[str, object]) -> Iterator[str]:
    for name, value in details.items():
        if name == "config" and "changed" in details and isinstance(value, Mapping):
            yield f"{_value(value.get('from'))} -> {_value(value.get('to'))}"
        if name in _QUIET or value in (None, [], {}, False):
            continue
        if isinstance(value, Mapping) and name == "changes":
            yield from _told(value)
        elif isinstance(value, Mapping) and set(value) == {"from", "to"}:
            yield f"{name} {_value(value['from'])} -> {_value(value['to'])}"
        else:
            yield f"{name} {_value(value)}"


def _value(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, str):
        text = value
    elif isinstance(value, list) and all(isinstance(one, str) for one in value):
        text = " ".join(value)
    else:
        text = msgspec.json.encode(value).decode()
    return text if len(text) <= _MAX_VALUE else text[: _MAX_VALUE - 1] + "…"
