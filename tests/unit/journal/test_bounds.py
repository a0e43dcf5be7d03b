"""A record over its bound loses detail in the documented order, never its outcome."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode, encode

from journal_entries import make_record
from pointsman.core.facts import Facts
from pointsman.core.records import (
    MAX_RECORD_BYTES,
    Attempt,
    CallRecord,
    Candidate,
    Evaluated,
    Exclusion,
    PolicyOutcome,
    Rule,
    RuleEvaluation,
)
from pointsman.journal.bounds import encode_record
from pointsman.journal.entries import decode_record

LONG = "y" * 1_000


def candidates(count: int) -> list[Candidate]:
    excluded = Exclusion("health", "down", "down", "ok")
    return [Candidate(f"t{n}", LONG, "m", False, excluded, {"price": 1.0}) for n in range(count)]


def test_a_record_within_the_bound_is_left_alone():
    """Cutting is for the rare record."""
    record = make_record(1)

    assert encode_record(record) == encode(record)


def test_conditions_go_before_candidates_and_candidates_before_attempts():
    """What explains the least goes first."""
    tree = Evaluated(True, "model", "in", [LONG] * 80)
    evaluated = [RuleEvaluation(Rule("routes.auto.rules[0]"), True, tree)]
    attempts = [Attempt(f"t{n}", "p", "m", error=LONG) for n in range(3)]

    little = decode_record(encode_record(make_record(1, rules_evaluated=evaluated)))
    more = decode_record(
        encode_record(make_record(1, candidates=candidates(70), attempts=attempts))
    )

    assert little.truncated
    assert little.rules_evaluated == [RuleEvaluation(Rule("routes.auto.rules[0]"), True)]
    assert len(more.candidates) == 8
    assert more.candidates_omitted == {"health": 62}
    assert [attempt.error for attempt in more.attempts] == [LONG] * 3


def test_a_target_that_was_tried_stays_among_the_candidates():
    """The chosen candidate is eligible in its own record, also when the record was cut."""
    chosen = Candidate("chosen", "openai", LONG)
    record = make_record(
        1, candidates=[*candidates(70), chosen], attempts=[Attempt("chosen", "openai", "m")]
    )

    cut = decode_record(encode_record(record))

    assert chosen in cut.candidates


def test_the_record_handed_in_is_not_changed():
    """It may still be answering the request."""
    record = make_record(1, candidates=candidates(70))
    before = encode(record)

    encode_record(record)

    assert encode(record) == before


def test_a_label_that_is_not_text_costs_detail_not_the_record():
    """A lone surrogate cannot be written as UTF-8."""
    record = make_record(1, user="\ud800", tags={"a": "b"})

    kept = decode_record(encode_record(record))

    assert (kept.user, kept.status, kept.truncated) == ("?", 200, True)
    assert kept.cost.total_nano_usd == 1_000


@given(
    st.integers(0, 200),
    st.integers(0, 200),
    st.integers(0, 300),
    st.sampled_from(["", LONG * 100, "é" * 40_000]),
)
def test_every_record_fits_and_keeps_identity_outcome_and_cost(candidate_count, tries, rows, text):
    """Whatever a request did, its record fits into 64 KiB and can be read."""
    record = make_record(
        1,
        candidates=candidates(candidate_count),
        attempts=[
            Attempt("t", "p", "m", error=LONG, parameters_changed=[LONG]) for _ in range(tries)
        ],
        policy=[PolicyOutcome(LONG, "allowed") for _ in range(rows)],
        facts=Facts(tags={str(n): LONG for n in range(rows)}),
        requested_model=text,
    )

    payload = encode_record(record)
    kept = decode_record(payload)

    assert len(payload) <= MAX_RECORD_BYTES
    assert isinstance(kept, CallRecord)
    assert kept.truncated == (len(encode(record)) > MAX_RECORD_BYTES)
    assert (kept.request_id, kept.outcome, kept.status) == (record.request_id, "success", 200)
    assert kept.cost.total_nano_usd == 1_000
    assert bool(kept.attempts) == bool(tries)
    assert decode(payload)["schema"] == 1
