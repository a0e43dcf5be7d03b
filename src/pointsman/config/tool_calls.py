"""`tool_calls`: what becomes of answers whose tool calls break what the request declared."""

from typing import Literal

from pointsman.config.section import Section


class ToolCallsConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tool calls of answers are compared with the tools that the request declares."""

    on_invalid: Literal["pass", "flag", "repair"] = "flag"
    """`pass` only records it; `flag` also tells the client, in a header and in the answer; `repair`
    asks the model once more with what was wrong, and flags what is still wrong then. Streams are
    flagged in the record only: their calls have reached the client when they can be judged."""
