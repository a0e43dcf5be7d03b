"""Keeps a record within `MAX_RECORD_BYTES` by leaving out detail, the least telling first.

Order, until it fits: condition trees of the rules and prompt rules looked at; state and score of
candidates; candidates that were excluded beyond the first eight (counted in `candidates_omitted`);
texts and parameter changes of attempts; stages, policy outcomes and limit checks beyond the first
sixteen; tags of facts and record, tools and redactions of content; and in the end everything but
identity, outcome, first and last attempt and cost, each text cut to 256 characters. The record
handed in is never changed: whoever made it may still be answering with it.
"""

from collections.abc import Callable, Iterator

from msgspec import Struct
from msgspec.json import Encoder
from msgspec.structs import asdict, replace

from pointsman.core.records import MAX_RECORD_BYTES, Attempt, CallRecord, Candidate, Cost

_MAX_TEXT = 256
_KEPT_CANDIDATES = 8
_KEPT_ROWS = 16
_ENCODER = Encoder()


def encode_record(record: CallRecord) -> bytes:
    """Return the record as JSON of at most `MAX_RECORD_BYTES`, with `truncated` set when cut.

    Raises:
        TypeError: The record holds something that is not part of its type.
    """
    try:
        payload = _ENCODER.encode(record)
    except (UnicodeEncodeError, RecursionError):
        # A lone surrogate in a label, or a condition nested without end: keep what can be kept.
        return _ENCODER.encode(_skeleton(record))
    if len(payload) <= MAX_RECORD_BYTES:
        return payload
    return _cut(record)


def _cut(record: CallRecord) -> bytes:
    for step in _STEPS:
        record = step(record)
        record.truncated = True  # each step returned a copy
        payload = _ENCODER.encode(record)
        if len(payload) <= MAX_RECORD_BYTES:
            return payload
    return _ENCODER.encode(_skeleton(record))


def _without_conditions(record: CallRecord) -> CallRecord:
    return replace(
        record,
        rules_evaluated=[
            replace(evaluation, condition=None)
            for evaluation in record.rules_evaluated[:_KEPT_ROWS]
        ],
        policy=[replace(made, condition=None) for made in record.policy],
    )


def _without_candidate_detail(record: CallRecord) -> CallRecord:
    return replace(
        record,
        candidates=[replace(candidate, score={}, state=None) for candidate in record.candidates],
    )


def _fewer_candidates(record: CallRecord) -> CallRecord:
    tried = {attempt.target for attempt in record.attempts}
    kept: list[Candidate] = []
    omitted = dict(record.candidates_omitted)
    for candidate in record.candidates:
        if candidate.target in tried or len(kept) < _KEPT_CANDIDATES:
            kept.append(candidate)
        else:
            reason = candidate.excluded_by.filter if candidate.excluded_by else "eligible"
            omitted[reason] = omitted.get(reason, 0) + 1
    return replace(record, candidates=kept, candidates_omitted=omitted)


def _shorter_attempts(record: CallRecord) -> CallRecord:
    return replace(
        record,
        attempts=[
            replace(attempt, error=_short(attempt.error), parameters_changed=[])
            for attempt in record.attempts
        ],
    )


def _fewer_rows(record: CallRecord) -> CallRecord:
    return replace(
        record,
        stages=record.stages[:_KEPT_ROWS],
        policy=record.policy[:_KEPT_ROWS],
        limits=record.limits[:_KEPT_ROWS],
    )


def _without_labels(record: CallRecord) -> CallRecord:
    facts = replace(record.facts, tags={}) if record.facts is not None else None
    content = record.content
    if content is not None:
        content = replace(content, tools=[], redactions={})
    return replace(record, tags={}, facts=facts, content=content)


_STEPS: tuple[Callable[[CallRecord], CallRecord], ...] = (
    _without_conditions,
    _without_candidate_detail,
    _fewer_candidates,
    _shorter_attempts,
    _fewer_rows,
    _without_labels,
)


def _skeleton(record: CallRecord) -> dict[str, object]:
    """Return the last resort: scalars cut to a bounded length, first and last attempt, total."""
    kept = dict(_bounded_scalars(record))
    for name in ("stream", "usage", "error", "rule"):
        part = getattr(record, name)
        if part is not None:
            kept[name] = dict(_bounded_scalars(part))
    kept["attempts"] = [_attempt_skeleton(attempt) for attempt in _ends(record.attempts)]
    kept["finish_reasons"] = [_short(reason) for reason in record.finish_reasons[:_KEPT_ROWS]]
    kept["cost"] = _cost_skeleton(record.cost)
    kept["truncated"] = True
    return kept


def _attempt_skeleton(attempt: Attempt) -> dict[str, object]:
    kept = dict(_bounded_scalars(attempt))
    kept["usage"] = attempt.usage
    kept["cost"] = _cost_skeleton(attempt.cost)
    return kept


def _cost_skeleton(cost: Cost | None) -> Cost | None:
    return replace(cost, lines=[], price_version=_short(cost.price_version)) if cost else None


def _ends(attempts: list[Attempt]) -> list[Attempt]:
    return attempts if len(attempts) < 2 else [attempts[0], attempts[-1]]


def _bounded_scalars(part: Struct) -> Iterator[tuple[str, object]]:
    for name, value in asdict(part).items():
        if isinstance(value, str):
            yield name, _short(value)
        elif value is None or isinstance(value, int | float):
            yield name, value


def _short(text: str | None) -> str | None:
    if text is None:
        return None
    readable = text.encode("utf-8", "replace").decode("utf-8")
    return readable if len(readable) <= _MAX_TEXT else readable[: _MAX_TEXT - 1] + "…"
