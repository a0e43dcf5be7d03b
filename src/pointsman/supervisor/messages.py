"""What a supervisor and a role's process say to each other.

One JSON object per line: orders go down on the role's standard input, reports come up on its
standard output. Standard error is for the log. The end of the input means that the supervisor is
gone.
"""

import contextlib
from typing import TypeAlias

import msgspec
from msgspec import Struct


class Edition(Struct, frozen=True, kw_only=True):
    """A configuration that the supervisor has checked, whole.

    The text travels, not the file's name: the file may have changed since, and a role that starts
    anew needs what is in force. Never written to disk, since it may hold secrets.
    """

    version: str
    """The hash that every process must arrive at."""
    text: str
    file: str | None = None
    """Where it came from; None for the environment alone."""
    options: dict[str, str | int] = {}
    """Fields of `server` given on the command line."""

    def __repr__(self) -> str:
        """Leave the text out of logs and tracebacks."""
        return f"Edition(version={self.version!r}, file={self.file!r})"


class Begin(Struct, frozen=True, tag_field="order", tag="begin"):
    """Start with this configuration. The first order, given once."""

    edition: Edition


class Prepare(Struct, frozen=True, tag_field="order", tag="prepare"):
    """Make everything ready for this configuration, and change nothing yet."""

    edition: Edition


class Commit(Struct, frozen=True, tag_field="order", tag="commit"):
    """Take over what was prepared: everybody has it."""

    version: str


class Discard(Struct, frozen=True, tag_field="order", tag="discard"):
    """Forget what was prepared: somebody could not."""

    version: str


class News(Struct, frozen=True, tag_field="order", tag="news"):
    """How another role is."""

    role: str
    state: str


class Stop(Struct, frozen=True, tag_field="order", tag="stop"):
    """Accept nothing more, finish what is under way within the grace, end."""

    grace_s: float


class Started(Struct, frozen=True, tag_field="report", tag="started"):
    """The role serves."""

    version: str


class Prepared(Struct, frozen=True, tag_field="report", tag="prepared"):
    """The configuration can be taken over."""

    version: str


class Refused(Struct, frozen=True, tag_field="report", tag="refused"):
    """The configuration cannot be taken over; the one in force stays."""

    version: str
    why: str


class Live(Struct, frozen=True, tag_field="report", tag="live"):
    """The configuration is in force here."""

    version: str


class Link(Struct, frozen=True, tag_field="report", tag="link"):
    """An address for the person at the terminal, such as a one-time login."""

    label: str
    url: str


Order: TypeAlias = Begin | Prepare | Commit | Discard | News | Stop
Answer: TypeAlias = Prepared | Refused | Live
Report: TypeAlias = Started | Answer | Link

_encode = msgspec.json.Encoder().encode
_decode_order = msgspec.json.Decoder(Order).decode
_decode_report = msgspec.json.Decoder(Report).decode


def encode_line(message: Order | Report) -> bytes:
    """Return a message as one line."""
    return _encode(message) + b"\n"


def decode_order(line: bytes) -> Order:
    """Return the order in a line.

    Raises:
        msgspec.MsgspecError: It is none.
    """
    order: Order = _decode_order(line)
    return order


def decode_report(line: bytes) -> Report | None:
    """Return the report in a line; None when somebody has merely printed something."""
    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
        report: Report = _decode_report(line)
        return report
    return None
