"""What cannot mean anything is refused while it is loaded, with a path and a way out."""

import pytest

from pointsman.core.conditions import AFTER_CALL_FIELDS, REQUEST_FIELDS, compile_condition
from pointsman.core.conditions.parse import CONNECTORS, MAX_DEPTH, MAX_NODES
from pointsman.core.errors import ConfigError


@pytest.mark.parametrize("name", [*AFTER_CALL_FIELDS, "error.code", "attempt.error.type"])
def test_a_field_of_a_finished_call_is_refused_for_a_route(refusal, name):
    """A-60: the message says when the field is known."""
    error = refusal({name: "> 1"})

    assert error.path == f"when.{name}"
    assert f"`{name}` is known only after the call" in error.message


@pytest.mark.parametrize(
    ("raw", "path", "words"),
    [
        (None, "when", "empty"),
        ("model == 'gpt-4'", "when", "{model: gpt-4}"),
        ("cost > 0.50", "when", "{cost: '> 0.50'}"),
        ("error == true", "when", "{error: true}"),
        ("tier != 'free'", "when", "{NOT: {tier: free}}"),
        ("true", "when", "a condition is true, false or a map"),
        (7, "when", "not a condition"),
        ([{"stream": True}], "when", "not a condition"),
        ({"modle": "x"}, "when.modle", "did you mean `model`?"),
        ({"severity": "x"}, "when.severity", "tags.severity"),
        ({3: "x"}, "when.3", "not the name of a field"),
        ({"chars": "gpt*"}, "when.chars", "numbers have no globs"),
        ({"chars": "many"}, "when.chars", "a number"),
        ({"chars": True}, "when.chars", "a number"),
        ({"chars": None}, "when.chars", "cannot be compared"),
        ({"chars": float("nan")}, "when.chars", "not a number"),
        ({"chars": float("inf")}, "when.chars", "not a number"),
        ({"chars": "> 5 apples"}, "when.chars", "starts like a comparison"),
        ({"chars": "> 1e3"}, "when.chars", "starts like a comparison"),
        ({"chars": "> 1000/hour"}, "when.chars", "not counted over time"),
        ({"chars": "> 1000/week"}, "when.chars", "starts like a comparison"),
        ({"chars": {"gt": 5}}, "when.chars", "'> 1000'"),
        ({"chars": [1, 2]}, "when.chars", "OR: ["),
        ({"environment": "!= staging"}, "when.environment", "NOT: {environment: value}"),
        ({"environment": " >production"}, "when.environment", "starts like a comparison"),
        ({"model": ["gpt-4", "gpt-4o"]}, "when.model", "OR: [{model: ...}"),
        ({"model": {"a": 1}}, "when.model", "no entries"),
        ({"model": True}, "when.model", "text"),
        ({"model": "x" * 2000}, "when.model", "longer than"),
        ({"model": "x" * 300 + "*"}, "when.model", "longer than"),
        ({"stream": "true"}, "when.stream", "without quotes"),
        ({"stream": 1}, "when.stream", "true or false"),
        ({"stream": "> 0"}, "when.stream", "true or false"),
        ({"provider_health": "dwon"}, "when.provider_health", "one of ok, degraded, down"),
        ({"provider_health": 1}, "when.provider_health", "one of"),
        ({"provider_health.openai": True}, "when.provider_health.openai", "text"),
        ({"provider_health": {"openai": "bad"}}, "when.provider_health.openai", "never 'bad'"),
        ({"complexity": "> 1"}, "when.complexity", "one of low, high"),
        ({"complexity": "medium"}, "when.complexity", "one of low, high"),
        ({"tags": "demo"}, "when.tags", "write tags: [name]"),
        ({"tags": True}, "when.tags", "a map of names"),
        ({"tags": ["demo", 7]}, "when.tags[1]", "not the name of a tag"),
        ({"tags": {"a": {"b": 1}}}, "when.tags.a", "a plain value"),
        ({"tags": {"a": ["b"]}}, "when.tags.a", "a plain value"),
        ({"tags": {7: "b"}}, "when.tags.7", "a plain value"),
        ({"tags.": "x"}, "when.tags.", "unknown field"),
        ({"model.x": "y"}, "when.model.x", "unknown field"),
        ({"AND": {"stream": True}}, "when.AND", "takes a list"),
        ({"AND": [{"OR": [{"modle": "x"}]}]}, "when.AND[0].OR[0].modle", "unknown field"),
        ({"NOT": [{"stream": True}]}, "when.NOT", "not a list"),
        ({"NOT": None}, "when.NOT", "empty"),
    ],
)
def test_the_error_says_where_and_how(refusal, raw, path, words):
    """RT-46: path, what is wrong, and a hint."""
    error = refusal(raw)

    assert error.path == path
    assert words in str(error)


def test_a_condition_error_is_a_configuration_error(refusal):
    """Whoever loads a configuration can add it to the other problems."""
    error = refusal({"modle": "x"})

    assert isinstance(error, ConfigError)
    assert [problem.path for problem in error.problems] == ["when.modle"]


def test_depth_is_bounded(refusal):
    """Deeply nested conditions are refused, not walked."""
    raw: object = True
    for _ in range(5000):
        raw = {"NOT": raw}

    assert str(MAX_DEPTH) in refusal(raw).message


def test_breadth_is_bounded(refusal):
    """However the parts are spread."""
    tags = {f"t{index}": "x" for index in range(100)}

    for raw in (
        {"OR": [{"stream": True}] * MAX_NODES},
        {"OR": [{"tags": tags}] * 6},
        {"OR": [{"tags": list(tags)}] * 6},
    ):
        assert str(MAX_NODES) in refusal(raw).message


def test_the_largest_allowed_condition_can_be_evaluated(holds):
    """The bounds leave room within the interpreter's own limits."""
    raw: object = {"OR": [{"chars": n} for n in range(MAX_NODES // 2 - MAX_DEPTH)]}
    for _ in range(MAX_DEPTH - 1):
        raw = {"NOT": raw}

    assert holds(raw, characters=5) is ((MAX_DEPTH - 1) % 2 == 0)


def test_no_field_hides_behind_a_connector():
    """The names of connectors are reserved."""
    for field in REQUEST_FIELDS.fields:
        assert not {field.name, *field.aliases} & CONNECTORS.keys()


def test_no_name_is_in_both_catalogues():
    """A-60: a field exists before the call, or only after it."""
    for field in REQUEST_FIELDS.fields:
        assert not {field.name, *field.aliases} & AFTER_CALL_FIELDS.keys()


def test_fields_are_named_as_explanations_name_them():
    """Aliases come to one name."""
    raw = {"chars": "> 1", "OR": [{"plan": "x"}, {"NOT": {"metadata.a": "b"}}]}
    condition = compile_condition(raw, REQUEST_FIELDS, "when")

    assert condition.fields() == {"characters", "tier", "tags.a"}
