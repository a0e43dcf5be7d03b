"""What a mock provider is told to do: typed steps, read from YAML or JSON.

    rules:
      - match: {model: "gpt-*", label: flaky}      # the first rule that matches plays
        repeat: true                               # flapping: the steps again from the start
        steps:
          - {status: 429, headers: {retry-after: "1"}, times: 2}
          - {first_chunk_delay: 50ms, chunk_delay: 5ms}

Without a rule that matches, a call gets a plain answer at once.
"""

from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml
from msgspec import field

from pointsman.config.section import Duration, Section
from pointsman.core.errors import ConfigError, Problem


class ToolCallScript(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tool call to answer with, instead of text."""

    name: str
    arguments: str = "{}"
    """JSON as text."""


class Step(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one call goes. Everything at its default is a good answer at once."""

    times: int = 1
    """For how many calls in a row."""
    connection: Literal["keep", "reset", "refuse"] = "keep"
    """`reset` breaks it instead of an answer. `refuse` does so too over a socket, where it has
    been accepted by then; in process no connection comes about."""
    head_delay: Duration = Duration(0)
    """From the request to the head of the answer."""
    first_chunk_delay: Duration = Duration(0)
    """From the head to the first byte of the body."""
    chunk_delay: Duration = Duration(0)
    """Between two chunks."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    """Sent instead of an answer: text as it is, anything else as JSON. A status other than 200
    without a body gets an error object of the OpenAI form."""
    text: str | None = None
    """The answer; None is the usual one."""
    chunks: list[str] | None = None
    """The answer in pieces, as they are streamed."""
    chunk_count: int | None = None
    """An answer of that many chunks."""
    tool_call: ToolCallScript | None = None
    finish_reason: str | None = "stop"
    """None sends none."""
    usage: Literal["chunk", "with_finish", "none"] = "chunk"
    """In streams: in a chunk of its own if asked for, on the chunk with the finish reason, or not
    at all."""
    done: Literal["separate", "no_space", "embedded", "none"] = "separate"
    """The form of the end marker of a stream."""
    heartbeats: bool = False
    """A comment before every chunk."""
    line_end: Literal["lf", "crlf", "cr"] = "lf"
    malformed_after_chunks: int | None = None
    """A chunk that is not JSON after so many good ones; the stream goes on."""
    error_after_chunks: int | None = None
    """An error event after so many chunks; the stream ends with it."""
    error: dict[str, Any] = field(
        default_factory=lambda: {"message": "the mock failed as told", "type": "server_error"}
    )
    """The error of `error_after_chunks` and of a status without a body."""
    cut_after_chunks: int | None = None
    """The connection is closed after so many chunks."""
    cut_after_bytes: int | None = None
    """The connection is closed after so many bytes of the body."""
    cut: Literal["close", "reset"] = "close"
    stall_after_chunks: int | None = None
    """Nothing more comes after so many chunks, and the connection stays."""


class Match(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which calls a rule is for; all that is given must hold."""

    model: str | None = None
    """A glob."""
    label: str | None = None
    """Value of the header `x-mock` or of `mock` in the request's metadata."""
    stream: bool | None = None


class ScriptRule(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Steps for the calls that match, by the number of the call."""

    match: Match = Match()
    steps: list[Step] = field(default_factory=lambda: [Step()])
    repeat: bool = False
    """Start again after the last step; otherwise the last one is kept."""

    def __post_init__(self) -> None:
        """Refuse a rule that could never play."""
        if not self.steps or any(step.times < 1 for step in self.steps):
            raise ValueError("a rule needs steps, each at least once (times >= 1)")


class Script(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole script."""

    rules: list[ScriptRule] = field(default_factory=list)


def load_script(path: str) -> Script:
    """Read a script file.

    Raises:
        ConfigError: The file cannot be read, is not YAML or JSON, or has an unknown or wrong field.
    """
    try:
        value = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        return parse_script(value if value is not None else {})
    except OSError as error:
        problem = f"the mock script cannot be read: {error.strerror}"
    except (yaml.YAMLError, UnicodeDecodeError):
        problem = "the mock script is not YAML or JSON"
    except msgspec.ValidationError as error:
        problem = f"the mock script is wrong: {error}"
    raise ConfigError([Problem(problem, file=path)])


def parse_script(value: object) -> Script:
    """Build a script from plain values.

    Raises:
        msgspec.ValidationError: With the path of what is wrong.
    """
    return msgspec.convert(value, Script, dec_hook=_read_duration)


def _read_duration(wanted: type, value: object) -> object:
    if wanted is Duration:
        return Duration.parse(value)
    raise NotImplementedError(wanted)
