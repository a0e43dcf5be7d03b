"""The reference page of the configuration, made from the section structs.

Run `python -m pointsman.config.reference docs/reference/configuration.md` after a change; a test
compares the page with what this makes.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo

from pointsman.config.field_docs import field_docs
from pointsman.config.root import Config
from pointsman.config.section import Duration
from pointsman.config.words import duration_text, expectation

_HEAD = """\
# Configuration

One YAML file, `pointsman.yaml`. `pointsman check` lists everything that is wrong with it and prints
what it comes to; `pointsman check --schema` prints its JSON Schema for editors.

- A value may be or hold `${NAME}` or `${NAME:-default}`; the default also stands in for an empty
  variable. `$${` stands for the characters `${`. Names of variables are shown, their values never.
- Words without quotes are text, except whole and decimal numbers, `true`, `false` and `null`:
  `no`, `on`, `12:30` and `1_000` stay text.
- Unknown keys, duplicate keys, anchors, aliases, merge keys and tags are refused.
- A duration is a number with `ms`, `s`, `m`, `h` or `d`; without a unit it is seconds.
- Relative paths begin at the folder of the file.

Without a file the gateway is configured by these variables:

| variable | meaning |
|---|---|
| `MOCK_MODE` | answers are made up unless it is literally `false` |
| `OPENAI_API_KEY`, `OPENAI_BASE_URL` | the provider when `MOCK_MODE=false`; it needs the key |
| `OPENAI_MODEL_SMALL` | model of the target `small` (`gpt-4o-mini`) |
| `OPENAI_MODEL_LARGE` | model of the target `large` (`gpt-4o`) |
| `GATEWAY_SMALL_MAX_CHARS` | longest prompt, in characters, that `auto` sends to `small` (1000) |
| `GATEWAY_TENANT_ID` | tenant of requests that name none |
| `PORT` | port to listen on (3100) |
| `TOKVERA_API_KEY`, `TOKVERA_INGEST_URL` | accepted; without effect in this release |

The version of a configuration, shown by `check` and named in every record, is the first 16 hex
digits of the SHA-256 of its values, secrets hashed. The order of names counts, comments do not.
"""


def reference_page() -> str:
    """Return the page."""
    blocks = [_HEAD]
    blocks += [_block(title, cls) for title, cls in _sections(Config, "")]
    return "\n".join(blocks)


def _sections(cls: type[Struct], path: str) -> Iterator[tuple[str, type[Struct]]]:
    """Walk all sections from the top, in the order of their fields."""
    yield path, cls
    for one in msgspec.structs.fields(cls):
        inner = _struct_within(one.type)
        if inner is not None:
            yield from _sections(inner[1], f"{path}.{one.name}{inner[0]}".lstrip("."))


def _struct_within(kind: object) -> tuple[str, type[Struct]] | None:
    """Return the struct that a field holds, with what stands between in a path."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        return "", kind
    for member in get_args(kind):
        inner = _struct_within(member)
        if inner is not None:
            origin = get_origin(kind)
            between = ".<name>" if origin is dict else "[]" if origin is list else ""
            return between + inner[0], inner[1]
    return None


def _block(path: str, cls: type[Struct]) -> str:
    docs = field_docs(cls)
    sentence = " ".join((cls.__doc__ or "").split())
    lines = [f"## `{path}`" if path else "## Sections", "", sentence, ""]
    lines += ["| key | value | default | meaning |", "|---|---|---|---|"]
    for one in msgspec.structs.fields(cls):
        default = "required" if one.required else _default(one)
        cells = (f"`{one.name}`", expectation(one.type), default, docs[one.name])
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join([*lines, ""])


def _default(one: FieldInfo) -> str:
    value: object = one.default
    if one.default_factory is not NODEFAULT:
        value = one.default_factory()
    if isinstance(value, Duration):
        return f"`{duration_text(value)}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list) and value:
        return f"`{', '.join(str(one) for one in value)}`"
    if value is None or isinstance(value, (Struct, dict, list, tuple)) or value == "":
        return ""
    return f"`{value}`"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference_page(), encoding="utf-8")
