"""One request on a time axis: its stages, its attempts, and when the client got something. Pure."""

from msgspec import Struct

from pointsman.console.figures import short_duration
from pointsman.console.geometry import Piece, Point, Scale, Tick
from pointsman.console.words import KINDS, STEPS
from pointsman.core.explain.words import failure_phrase
from pointsman.core.records import Attempt, CallRecord, Stage

MAX_LANES = 100


class Lane(Struct, frozen=True, kw_only=True):
    """One line of the drawing."""

    name: str
    note: str = ""
    """`retry`, `failover`: said beside the name."""
    title: str
    start_ns: int
    pieces: list[Piece]
    points: list[Point] = []
    lasted: str


class Waterfall(Struct, frozen=True):
    """The drawing: lanes in order of time, and its axis."""

    lanes: list[Lane]
    ticks: list[Tick]


def waterfall_of(record: CallRecord) -> Waterfall | None:
    """Return the drawing of a request; None when nothing of it has a time."""
    scale = Scale(0, _total_ns(record))
    lanes = [_stage(stage, scale) for stage in record.stages]
    before: Attempt | None = None
    for number, attempt in enumerate(record.attempts, 1):
        lanes.append(_attempt(number, attempt, before, scale))
        before = attempt
    lanes.extend(_client(record, scale))
    if not lanes:
        return None
    lanes.sort(key=lambda lane: lane.start_ns)
    return Waterfall(lanes[:MAX_LANES], scale.ticks())


def _total_ns(record: CallRecord) -> int:
    ends = [stage.start_ns + stage.duration_ns for stage in record.stages]
    ends += [made.end_ns or made.first_byte_ns or made.start_ns for made in record.attempts]
    return max([record.duration_ns or 0, *ends, 1])


def _stage(stage: Stage, scale: Scale) -> Lane:
    name, lasted = STEPS.get(stage.name, stage.name), short_duration(stage.duration_ns)
    end_ns = stage.start_ns + stage.duration_ns
    return Lane(
        name=name,
        title=f"{name}: began at {short_duration(stage.start_ns)}, took {lasted}",
        start_ns=stage.start_ns,
        pieces=[scale.piece("stage", stage.start_ns, end_ns, f"{name}, {lasted}")],
        lasted=lasted,
    )


def _attempt(number: int, attempt: Attempt, before: Attempt | None, scale: Scale) -> Lane:
    end_ns = attempt.end_ns if attempt.end_ns is not None else scale.total_ns
    has_end = attempt.end_ns is not None
    lasted = short_duration(end_ns - attempt.start_ns) if has_end else "no end"
    kind = "" if attempt.kind == "first" else KINDS.get(attempt.kind, attempt.kind)
    why = f", since {failure_phrase(attempt.why)}" if attempt.why else ""
    return Lane(
        name=f"{number} · {attempt.target}",
        note=kind,
        title=f"attempt {number} at {attempt.target}{f' ({kind}{why})' if kind else ''}: {lasted}",
        start_ns=attempt.start_ns,
        pieces=[*_waited(attempt, before, scale), *_phases(attempt, end_ns, scale)],
        points=_points(attempt, scale),
        lasted=lasted,
    )


def _waited(attempt: Attempt, before: Attempt | None, scale: Scale) -> list[Piece]:
    if attempt.backoff_ms is None or before is None or before.end_ns is None:
        return []
    title = f"waited {short_duration(max(0, attempt.start_ns - before.end_ns))} before it"
    return [scale.piece("backoff", before.end_ns, attempt.start_ns, title)]


def _phases(attempt: Attempt, end_ns: int, scale: Scale) -> list[Piece]:
    if attempt.failure_class is not None and attempt.first_token_ns is None:
        title = f"failed: {failure_phrase(attempt.failure_class)}"
        return [scale.piece("failed", attempt.start_ns, end_ns, title)]
    opened_ns = attempt.start_ns + (attempt.connect_ns or 0)
    first_ns = attempt.first_byte_ns if attempt.first_byte_ns is not None else end_ns
    stretches = (
        ("connect", attempt.start_ns, opened_ns, "connecting"),
        ("wait", opened_ns, first_ns, "waiting for the first byte"),
        ("receive", first_ns, end_ns, "receiving"),
    )
    pieces = [
        scale.piece(kind, from_ns, to_ns, f"{words}, {short_duration(to_ns - from_ns)}")
        for kind, from_ns, to_ns, words in stretches
        if to_ns > from_ns
    ]
    if attempt.failure_class is not None:
        title = f"broke off: {failure_phrase(attempt.failure_class)}"
        pieces.append(scale.piece("failed", end_ns, end_ns, title))
    return pieces


def _points(attempt: Attempt, scale: Scale) -> list[Point]:
    moments = (("first byte", attempt.first_byte_ns), ("first token", attempt.first_token_ns))
    return [
        Point(scale.x(at_ns), f"{words} at {short_duration(at_ns)}")
        for words, at_ns in moments
        if at_ns is not None
    ]


def _client(record: CallRecord, scale: Scale) -> list[Lane]:
    stream = record.stream
    if stream is None or stream.committed_ns is None:
        return []
    start_ns, end_ns = stream.committed_ns, record.duration_ns or scale.total_ns
    lasted = short_duration(end_ns - start_ns)
    title = f"to the client from {short_duration(start_ns)} on, {lasted}"
    piece = scale.piece("client-part", start_ns, end_ns, title)
    return [
        Lane(name="to the client", title=title, start_ns=start_ns, pieces=[piece], lasted=lasted)
    ]
