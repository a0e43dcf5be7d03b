"""What each Claude model takes, as far as the Messages API refuses what another one wants.

Data, read once per model name. A Claude without a version counts as the newest, which takes least;
a name that is none of Claude's as a plain model behind the same API.

Sources, all read 2026-11, under https://platform.claude.com/docs/en:
about-claude/models/overview and models/<model>/overview (contexts, outputs),
models/<model>/whats-new-<model> (what a model stopped taking), build-with-claude/thinking,
build-with-claude/effort, build-with-claude/structured-outputs, api/versioning.
"""

import re
from functools import lru_cache
from typing import Literal, TypeAlias

from msgspec import Struct

Thinking: TypeAlias = Literal["none", "budget", "either", "adaptive", "always"]
"""`none` does not think; `budget` by `budget_tokens`; `either` by that or adaptively; `adaptive`
only so; `always` so and it cannot be switched off."""

_K = 1000
_VERSION = re.compile(
    r"claude-(?:(?P<old>\d(?:[-.]\d)?)-)?(?P<family>[a-z]+)"
    r"(?:-(?P<major>\d{1,2})(?:[-.](?P<minor>\d{1,2}))?(?!\d))?"
)


class ModelFacts(Struct, frozen=True, kw_only=True):
    """What one model takes."""

    max_output_tokens: int
    """The largest `max_tokens`; sent where the client says none, since the API wants a number and
    OpenAI's default is the model's largest too."""
    thinking: Thinking
    thinks_by_default: bool = False
    switches_off_by: str = "disabled"
    """The `thinking.type` that stops a model that thinks by default."""
    effort_levels: frozenset[str] = frozenset()
    """Values of `output_config.effort`; empty is not supported."""
    takes_sampling: bool = False
    """`temperature`, `top_p`, `top_k` other than the defaults."""
    takes_both_samplings: bool = False
    """`temperature` and `top_p` in one request."""
    takes_forced_tools: bool = True
    """`tool_choice` `any` and `tool`."""
    takes_schemas: bool = True
    """`output_config.format` and `tools.strict`."""


_EFFORT = frozenset({"low", "medium", "high"})
_EFFORT_TO_MAX = _EFFORT | {"max"}
_EFFORT_ALL = _EFFORT | {"xhigh", "max"}

_OLDEST = ModelFacts(
    max_output_tokens=4096,
    thinking="none",
    takes_sampling=True,
    takes_both_samplings=True,
    takes_schemas=False,
)
_NEWEST = ModelFacts(
    max_output_tokens=128 * _K,
    thinking="always",
    thinks_by_default=True,
    effort_levels=_EFFORT_ALL,
    takes_forced_tools=False,
)

# (family or `*`, from version on) -> facts, the first that fits counts.
_TABLE: tuple[tuple[str, tuple[int, int], ModelFacts], ...] = (
    ("fable", (5, 0), _NEWEST),
    ("mythos", (0, 0), _NEWEST),
    ("opus", (5, 5), _NEWEST),
    (
        "sonnet",
        (5, 5),
        ModelFacts(
            max_output_tokens=128 * _K,
            thinking="adaptive",
            thinks_by_default=True,
            switches_off_by="between_tools",
            effort_levels=_EFFORT_ALL,
            takes_forced_tools=False,
        ),
    ),
    (
        "*",
        (5, 0),
        ModelFacts(
            max_output_tokens=128 * _K,
            thinking="adaptive",
            thinks_by_default=True,
            effort_levels=_EFFORT_ALL,
        ),
    ),
    (
        "*",
        (4, 7),
        ModelFacts(max_output_tokens=128 * _K, thinking="adaptive", effort_levels=_EFFORT_ALL),
    ),
    (
        "*",
        (4, 6),
        ModelFacts(
            max_output_tokens=128 * _K,
            thinking="either",
            effort_levels=_EFFORT_TO_MAX,
            takes_sampling=True,
        ),
    ),
    (
        "*",
        (4, 5),
        ModelFacts(max_output_tokens=64 * _K, thinking="budget", takes_sampling=True),
    ),
    (
        "opus",
        (4, 0),
        ModelFacts(
            max_output_tokens=32 * _K, thinking="budget", takes_sampling=True, takes_schemas=False
        ),
    ),
    (
        "*",
        (3, 7),
        ModelFacts(
            max_output_tokens=64 * _K,
            thinking="budget",
            takes_sampling=True,
            takes_both_samplings=True,
            takes_schemas=False,
        ),
    ),
    (
        "*",
        (3, 5),
        ModelFacts(
            max_output_tokens=8192,
            thinking="none",
            takes_sampling=True,
            takes_both_samplings=True,
            takes_schemas=False,
        ),
    ),
    ("*", (0, 0), _OLDEST),
)

_UNKNOWN = ModelFacts(
    max_output_tokens=4096,
    thinking="none",
    takes_sampling=True,
    takes_both_samplings=True,
    takes_schemas=False,
)
"""Some other model behind the same API: what all take."""


@lru_cache(maxsize=256)
def model_facts(model: str) -> ModelFacts:
    """Return what a model takes.

    Args:
        model: As the API names it: `claude-sonnet-4-6`, `claude-3-7-sonnet-20250219`, with or
            without a vendor's prefix.
    """
    found = _VERSION.search(model)
    if found is None:
        return _UNKNOWN
    version = _version(found)
    if version is None:
        # A family without a number, as `claude-mythos-preview`: of the newest kind.
        return _NEWEST
    family = found["family"]
    return next(
        facts
        for of_family, since, facts in _TABLE
        if of_family in ("*", family) and version >= since
    )


def _version(found: re.Match[str]) -> tuple[int, int] | None:
    if found["major"]:
        return int(found["major"]), int(found["minor"] or 0)
    if found["old"]:
        major, _, minor = found["old"].replace(".", "-").partition("-")
        return int(major), int(minor or 0)
    return None
