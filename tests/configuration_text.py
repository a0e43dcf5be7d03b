"""Loading configurations from text in tests, and reading what was wrong with them."""

from pointsman.config.loader import load_text
from pointsman.config.root import Config, LoadedConfig
from pointsman.core.errors import ConfigError, Problem

FILE = "pointsman.yaml"
MOCK = "providers: {mock: {kind: mock, default: true}}\n"
"""The smallest configuration that loads; one line."""


def loaded(text: str, **environment: str) -> LoadedConfig:
    """Load a configuration that must be right."""
    return load_text(text, file=FILE, environment=environment)


def config(text: str, **environment: str) -> Config:
    """Return the sections of a configuration that must be right."""
    return loaded(text, **environment).config


def problems(text: str, **environment: str) -> list[Problem]:
    """Return what is wrong with a configuration; nothing when it loads."""
    try:
        load_text(text, file=FILE, environment=environment)
    except ConfigError as error:
        return error.problems
    return []


def paths(text: str, **environment: str) -> list[str]:
    """Return where something is wrong."""
    return [problem.path for problem in problems(text, **environment)]


def warnings(text: str, **environment: str) -> str:
    """Return all warnings of a configuration that must be right, as one text."""
    return "\n".join(loaded(text, **environment).warnings)
