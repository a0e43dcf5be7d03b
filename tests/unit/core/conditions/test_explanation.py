"""The explanation is the decision: the same result, and every part says what it compared."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.conditions import (
    REQUEST_FIELDS,
    Catalogue,
    Condition,
    Field,
    FieldType,
    compile_condition,
)
from pointsman.core.facts import Facts
from pointsman.core.records import Evaluated

NAMES = st.sampled_from(["gpt-4", "gpt-4o", "acme", "x", ""])
COMPARISONS = st.builds(
    "{} {}".format, st.sampled_from([">", ">=", "<", "<=", "==", "!="]), st.integers(0, 3)
)
TEXT_MATCHERS = NAMES | st.sampled_from(["gpt-4*", "*", "?", "a*e"]) | COMPARISONS
ENTRIES = st.one_of(
    st.tuples(st.sampled_from(["model", "tenant", "plan", "tags.a"]), TEXT_MATCHERS),
    st.tuples(st.sampled_from(["chars", "tools", "max_tokens"]), COMPARISONS | st.integers(0, 3)),
    st.tuples(st.sampled_from(["stream", "has_tools"]), st.booleans()),
    st.tuples(st.just("tags"), st.lists(st.sampled_from(["a", "b"]), max_size=2)),
    st.tuples(
        st.just("tags"), st.dictionaries(st.sampled_from(["a", "b"]), TEXT_MATCHERS, max_size=2)
    ),
    st.tuples(st.just("provider_health"), st.sampled_from(["ok", "degraded", "down", "*"])),
)
CONDITIONS = st.recursive(
    st.booleans() | st.lists(ENTRIES, max_size=3).map(dict),
    lambda inner: st.one_of(
        st.builds(lambda parts: {"AND": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda part: {"NOT": part}, inner),
        st.builds(
            lambda part, entry: {"NOT": part, **dict([entry])},
            inner,
            ENTRIES,
        ),
    ),
    max_leaves=12,
)
FACTS = st.builds(
    Facts,
    model=NAMES,
    tenant=st.none() | NAMES,
    tier=st.none() | NAMES,
    characters=st.integers(0, 3),
    tool_count=st.integers(0, 3),
    max_output_tokens=st.none() | st.integers(0, 3),
    stream=st.booleans(),
    tags=st.dictionaries(
        st.sampled_from(["a", "b"]), st.sampled_from(["", "0", "2", "gpt-4", "x"])
    ),
    primary_provider=st.none() | st.just("p"),
    provider_health=st.dictionaries(st.just("p"), st.sampled_from(["ok", "degraded", "down"])),
)


def _recomputed(evaluated: Evaluated) -> bool:
    """Decide again from what the explanation shows, without the condition."""
    if evaluated.op == "AND":
        return all(_recomputed(part) for part in evaluated.parts)
    if evaluated.op == "OR":
        return any(_recomputed(part) for part in evaluated.parts)
    if evaluated.op == "NOT":
        return not _recomputed(evaluated.parts[0])
    if evaluated.op == "constant":
        return evaluated.expected is True
    return False if evaluated.missing else _compared(evaluated)


def _compared(leaf: Evaluated) -> bool:
    actual, expected = leaf.actual, leaf.expected
    if leaf.op == "present":
        return actual not in ("", "0", "false")
    if leaf.op == "glob":
        return (expected, actual) in _GLOB_ROWS
    if leaf.op == "==" and isinstance(expected, bool | str):
        return actual == expected
    try:
        left, right = float(str(actual)), float(str(expected))
    except ValueError:
        return False
    order = {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}
    return {**order, "==": left == right, "!=": left != right}[leaf.op]


_TEXTS = ["gpt-4", "gpt-4o", "acme", "x", "", "0", "2", "ok", "degraded", "down"]
_GLOB_ROWS = {
    *(("*", text) for text in _TEXTS),
    *(("?", text) for text in _TEXTS if len(text) == 1),
    ("gpt-4*", "gpt-4"),
    ("gpt-4*", "gpt-4o"),
    ("a*e", "acme"),
}


@given(CONDITIONS, FACTS)
def test_the_result_follows_from_the_parts_that_are_shown(raw, facts):
    """Three ways to the same answer: predicate, explanation, and a reader of the explanation."""
    condition = compile_condition(raw, REQUEST_FIELDS, "when")

    evaluated = condition.explain(facts)

    assert evaluated.result is condition.matches(facts)
    assert evaluated.result is _recomputed(evaluated)


@given(CONDITIONS, FACTS)
def test_evaluation_changes_no_facts(raw, facts):
    """So a dry run is a run."""
    before = repr(facts)
    condition = compile_condition(raw, REQUEST_FIELDS, "when")

    condition.explain(facts)

    assert repr(facts) == before


def _explained(raw: object, **facts: object) -> Evaluated:
    condition: Condition[Facts] = compile_condition(raw, REQUEST_FIELDS, "when")
    return condition.explain(Facts(**facts))


def test_a_comparison_shows_both_values():
    """Under the field's own name, whichever alias was written."""
    assert _explained({"chars": "<= 1000"}, characters=124) == Evaluated(
        result=True, fact="characters", op="<=", expected=1000, actual=124
    )


def test_a_missing_value_is_shown_as_missing():
    """A-08."""
    assert _explained({"plan": "enterprise"}) == Evaluated(
        result=False, fact="tier", op="==", expected="enterprise", missing=True
    )


def test_parts_that_need_not_be_evaluated_are_shown_all_the_same():
    """An explanation that stops early hides what else would have had to change."""
    evaluated = _explained({"OR": [{"stream": True}, {"tier": "x"}]}, stream=True)

    assert [part.result for part in evaluated.parts] == [True, False]


def test_lists_and_maps_of_tags_are_shown_one_by_one():
    """RT-44: each sub-condition with its actual value."""
    evaluated = _explained({"tags": {"a": "1", "b": "x*"}}, tags={"a": "1", "b": "y"})

    assert [(part.fact, part.actual, part.result) for part in evaluated.parts] == [
        ("tags.a", "1", True),
        ("tags.b", "y", False),
    ]


@pytest.mark.parametrize(("value", "actual"), [(math.nan, None), (Decimal("0.1"), "0.1")])
def test_values_that_json_cannot_hold_are_shown_as_it_can(value, actual):
    """NaN is missing; anything unforeseen is shown as text."""
    field: Field[float] = Field(name="cost", type=FieldType.NUMBER, read=lambda given: given)
    condition = compile_condition({"cost": 1}, Catalogue([field]), "when")

    assert condition.explain(value).actual == actual
