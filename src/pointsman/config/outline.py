"""A configuration entry by entry, for telling two of them apart: what changed, without its secrets.

An entry is what has a name of its own: `routes.auto`, `policy.limits.per-key`, `server.port`. Its
hash is keyed and counts secrets too; what is shown of it has them by their alias.
"""

import hmac
from collections.abc import Iterator, Mapping
from hashlib import sha256

import msgspec

from pointsman.config.findings import masked
from pointsman.config.root import Config
from pointsman.config.version import canonical_json, public_json

MAX_SHOWN_BYTES = 4_096
MAX_LEAVES = 64
"""Differences within one entry that are told."""
_MAPS_OF_MAPS = frozenset({"policy", "prices"})
_HASH_DIGITS = 16
_ABSENT = object()


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One entry of a configuration."""

    digest: str
    shown: str
    """JSON; empty when it is longer than `MAX_SHOWN_BYTES`."""


class EntryChange(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one entry."""

    path: str
    verb: str
    """`added`, `changed` or `removed`."""
    before: str | None
    """Hash; None when it was not there."""
    after: str | None
    leaves: dict[str, dict[str, object]]
    """Path within the entry -> `from` and `to`; empty when only a secret changed, or it is long."""


def outline(config: Config, key: bytes) -> dict[str, Entry]:
    """Return path -> entry.

    Args:
        config: Checked.
        key: Of this instance: a digest of a weak secret must not be one that can be guessed.
    """
    exact = dict(_entries(msgspec.json.decode(canonical_json(config))))
    public = dict(_entries(msgspec.json.decode(public_json(config))))
    return {path: Entry(_digest(value, key), _shown(public[path])) for path, value in exact.items()}


def changes(before: Mapping[str, Entry], after: Mapping[str, Entry]) -> list[EntryChange]:
    """Return what is not the same, in the order of the newer configuration."""
    found = []
    for path in {**after, **before}:
        old, latest = before.get(path), after.get(path)
        if old is not None and latest is not None and old.digest == latest.digest:
            continue
        verb = "added" if old is None else "removed" if latest is None else "changed"
        found.append(
            EntryChange(
                path=path,
                verb=verb,
                before=old.digest if old is not None else None,
                after=latest.digest if latest is not None else None,
                leaves=_leaves(old, latest),
            )
        )
    return found


def _entries(config: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for section, value in config.items():
        if not isinstance(value, dict):
            yield section, value
            continue
        for name, inner in value.items():
            if section in _MAPS_OF_MAPS and isinstance(inner, dict):
                yield from ((f"{section}.{name}.{each}", one) for each, one in inner.items())
            else:
                yield f"{section}.{name}", inner


def _digest(value: object, key: bytes) -> str:
    return hmac.new(key, msgspec.json.encode(value), sha256).hexdigest()[:_HASH_DIGITS]


def _shown(value: object) -> str:
    text = masked(msgspec.json.encode(value).decode())
    return text if len(text.encode()) <= MAX_SHOWN_BYTES else ""


def _leaves(before: Entry | None, after: Entry | None) -> dict[str, dict[str, object]]:
    old, latest = _flat(before), _flat(after)
    differing = [
        path for path in {**old, **latest} if old.get(path, _ABSENT) != latest.get(path, _ABSENT)
    ]
    return {
        path: {"from": old.get(path), "to": latest.get(path)} for path in differing[:MAX_LEAVES]
    }


def _flat(entry: Entry | None) -> dict[str, object]:
    if entry is None or not entry.shown:
        return {}
    found: dict[str, object] = {}
    _flatten(msgspec.json.decode(entry.shown), "", found)
    return found


def _flatten(value: object, path: str, found: dict[str, object]) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            _flatten(inner, f"{path}.{name}" if path else name, found)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _flatten(inner, f"{path}[{index}]", found)
    elif value is not None:
        found[path or "value"] = value
