"""The words and marks of codes on pages. A mark is a shape and a word, never a colour alone."""

from msgspec import Struct

from pointsman.core.records import CallRecord
from pointsman.store.rows import CallRow


class Mark(Struct, frozen=True):
    """How an outcome is shown."""

    word: str
    icon: str
    """Name of a shape in `icons.html`."""
    tone: str
    """`good`, `warn`, `bad` or `quiet`: which colours it takes."""


MARKS = {
    "success": Mark("ok", "check", "good"),
    "truncated": Mark("length limit", "cut", "warn"),
    "blocked": Mark("blocked", "stop", "warn"),
    "failure": Mark("failed", "cross", "bad"),
    "refused": Mark("refused", "stop", "bad"),
    "client_left": Mark("client left", "left", "quiet"),
    "gateway_crashed": Mark("gateway crashed", "bolt", "bad"),
    "preview": Mark("preview", "eye", "quiet"),
    "": Mark("under way", "dots", "quiet"),
}
TERMINAL_MARKS = {
    "done": Mark("complete", "check", "good"),
    "cut": Mark("cut", "cut", "bad"),
    "stalled": Mark("stalled", "dots", "bad"),
    "malformed": Mark("malformed", "cross", "bad"),
    "failed": Mark("failed", "cross", "bad"),
    "blocked": Mark("blocked", "stop", "warn"),
    "client_left": Mark("client left", "left", "quiet"),
    "shutdown": Mark("gateway stopped", "bolt", "bad"),
}
POLICY_MARKS = {
    "blocked": Mark("blocked", "stop", "bad"),
    "redacted": Mark("redacted", "cut", "warn"),
    "flagged": Mark("flagged", "eye", "warn"),
    "rerouted": Mark("rerouted", "repeat", "warn"),
    "overruled": Mark("overruled", "dots", "quiet"),
    "passed": Mark("passed", "check", "good"),
    "not_matched": Mark("not for this one", "dots", "quiet"),
}
KINDS = {
    "first": "first try",
    "retry": "retry",
    "failover": "failover",
    "shadow": "shadow",
}
STEPS = {
    "policy_check": "policy check",
    "authenticate": "authenticate",
    "route_request": "choose a route",
    "quota_rule": "limits and budgets",
    "downstream_provider_call": "call to a provider",
    "fallback_route": "go on to the next target",
    "response_shaping": "shape the answer",
    "gateway_request": "gateway request",
}
"""Name of a step -> what happens in it."""


def outcome_mark(outcome: str) -> Mark:
    """Return the mark of an outcome; of one that is not known, its code."""
    return MARKS.get(outcome) or Mark(outcome[:40], "dots", "quiet")


def row_mark(row: CallRow) -> Mark:
    """Return the mark of a row: a broken stream is named as such, though its status was 200."""
    terminal = row.stream_terminal
    if row.outcome == "failure" and row.streamed and terminal in {"cut", "stalled", "malformed"}:
        return Mark(f"stream {TERMINAL_MARKS[terminal].word}", "cut", "bad")
    return outcome_mark(row.outcome)


def stream_mark(record: CallRecord) -> Mark | None:
    """Return the mark of a stream's fate; None without a stream."""
    if record.stream is None:
        return None
    terminal = record.stream.terminal
    return TERMINAL_MARKS.get(terminal) or Mark(terminal[:40] or "not ended", "dots", "quiet")
