"""Tool calls compared with what the request declared."""

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from pointsman.core.canonical.conversation import Conversation, Tool, ToolChoice, Turn
from pointsman.core.canonical.parts import ToolCallPart
from pointsman.core.records import ToolCallCheck
from pointsman.gateway.tool_check import MAX_SCHEMA_BYTES, MAX_VALIDATORS, ToolChecker

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string", "pattern": "^(a+)+$"}, "days": {"type": "integer"}},
    "required": ["city"],
}


def conversation(schema: object = WEATHER, choice: ToolChoice | None = None) -> Conversation:
    tools = [Tool("weather", schema=Raw(msgspec.json.encode(schema))), Tool("now")]
    return Conversation(dialect="d", turns=[Turn("user", [])], tools=tools, tool_choice=choice)


def check(
    name: str, arguments: str, schema: object = WEATHER, choice: ToolChoice | None = None
) -> ToolCallCheck:
    [found] = ToolChecker().check(
        conversation(schema, choice), [ToolCallPart("c1", name, arguments)]
    )
    return found


@pytest.mark.parametrize(
    ("name", "arguments", "outcome", "violations"),
    [
        ("weather", '{"city": "aaa"}', "ok", []),
        ("now", "{}", "ok", []),
        ("now", "", "ok", []),
        ("storm", "{}", "unknown_tool", []),
        ("weather", '{"city": ', "malformed_arguments", []),
        ("weather", '"aaa"', "malformed_arguments", []),
        ("weather", "{}", "schema_violation", ["arguments: required"]),
        ("weather", '{"city": 3}', "schema_violation", ["city: type"]),
        ("weather", '{"city": "b"}', "schema_violation", ["city: pattern"]),
        ("weather", '{"city": "a", "mood": "x"}', "invented_parameter", ["mood"]),
    ],
)
def test_each_way_of_being_wrong_has_a_name(
    name: str, arguments: str, outcome: str, violations: list[str]
):
    """OBS-13, OBS-14, OBS-15: told by where and what, never by the value."""
    assert check(name, arguments) == ToolCallCheck(name, outcome, violations)


def test_parameters_that_a_schema_forbids_are_invented_too():
    """`additionalProperties: false` says the same as a list of properties."""
    closed = {**WEATHER, "additionalProperties": False}

    assert check("weather", '{"city": "a", "mood": 1}', closed).outcome == "invented_parameter"
    assert check("weather", '{"city": 1, "mood": 1}', closed).outcome == "schema_violation"


@pytest.mark.parametrize(
    "schema",
    [
        {**WEATHER, "additionalProperties": True},
        {"type": "object"},
        {"allOf": [{"properties": {"mood": {}}}], "properties": {"city": {}}},
    ],
)
def test_an_open_schema_takes_further_parameters(schema: object):
    """Where others may be meant, nothing is called invented."""
    assert check("weather", '{"city": "a", "mood": 1}', schema).outcome == "ok"


def test_a_choice_that_was_not_obeyed_is_told():
    """The request named one tool, or asked for any."""
    named = ToolChoice("named", "weather")
    checker = ToolChecker()

    assert check("now", "{}", choice=named).outcome == "wrong_tool"
    assert checker.check(conversation(choice=named), []) == [
        ToolCallCheck("weather", "missing_call")
    ]
    assert checker.check(conversation(choice=ToolChoice("auto")), []) == []


@pytest.mark.parametrize(
    "schema",
    [{"$ref": "http://127.0.0.1:9/s.json"}, {"type": "nonsense"}, "text", {"pattern": "("}],
)
def test_a_schema_that_cannot_be_compiled_finds_no_fault(schema: object):
    """No document is fetched for it, and the answer passes."""
    assert check("weather", '{"city": "a"}', schema).outcome == "ok"


def test_a_pattern_cannot_hang_the_gateway():
    """Callers write the patterns; they run in linear time."""
    arguments = msgspec.json.encode({"city": "a" * 100_000 + "b"}).decode()

    assert check("weather", arguments).outcome == "schema_violation"


def test_compiled_schemas_are_bounded():
    """Callers may send a schema of their own with each request."""
    checker = ToolChecker()
    for number in range(MAX_VALIDATORS + 10):
        schema = {"type": "object", "title": str(number)}
        checker.check(conversation(schema), [ToolCallPart("c", "weather", "{}")])

    assert len(checker._schemas) == MAX_VALIDATORS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.one_of(JSON.map(lambda value: msgspec.json.encode(value).decode()), st.text()), JSON)
def test_any_arguments_and_any_schema_have_one_outcome(arguments: str, schema: object):
    """Whatever a model writes and a caller declares, the check does not fail."""
    found = check("weather", arguments, schema)

    assert found.name == "weather"
    assert len(found.violations) <= 8


def doubling(word: str, levels: int) -> dict[str, object]:
    """A schema each level of which refers to the next one twice."""
    parts: dict[str, object] = {
        f"d{at}": {word: [{"$ref": f"#/$defs/d{at + 1}"}] * 2} for at in range(levels)
    }
    parts[f"d{levels}"] = {"type": "string"}
    return {"$defs": parts, "$ref": "#/$defs/d0"}


@pytest.mark.parametrize(
    "schema",
    [
        doubling("allOf", 60),
        doubling("anyOf", 60),
        doubling("oneOf", 60) | {"unevaluatedProperties": False},
        {"$defs": {"a": doubling("anyOf", 60)["$defs"]}, "properties": {"$ref": {"$ref": "#"}}}
        | {"anyOf": [{"$ref": "#/$defs/a/d0"}], "$id": "x:y"},
        {"properties": {"n": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}, {"$ref": "#"}]}}},
        {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
        {"$dynamicRef": "#"},
        {"allOf": [{"$id": "x:z", **doubling("anyOf", 60)}]},
        {"$defs": doubling("anyOf", 60)["$defs"], "$ref": "#/%24defs/d0"},
    ],
)
def test_a_schema_made_to_be_compared_for_long_is_not_compared(schema: dict[str, object]):
    """A few lines from a caller must not stop the loop of the gateway for hours."""
    deep: dict[str, object] = {}
    for _ in range(40):
        deep = {"n": deep}
    before = time.process_time()

    found = check("weather", msgspec.json.encode(deep).decode(), schema)

    assert time.process_time() - before < 2.0
    assert found.outcome in {"ok", "schema_violation"}


@pytest.mark.parametrize(
    ("arguments", "outcome"),
    [
        ({"tree": {"left": {"left": {}, "right": {}}}}, "ok"),
        ({"tree": {"left": {"left": 5}}}, "schema_violation"),
    ],
)
def test_references_of_ordinary_schemas_are_followed(arguments: object, outcome: str):
    """Also those that lead back, as in a tree, and names with signs of their own."""
    node = {"type": "object", "properties": {"left": {"$ref": "#/$defs/a~1b"}}}
    node["properties"]["right"] = {"$ref": "#/$defs/a~1b"}
    schema = {"$defs": {"a/b": node}, "properties": {"tree": {"$ref": "#/$defs/a~1b"}}}

    assert check("weather", msgspec.json.encode(arguments).decode(), schema).outcome == outcome


def test_a_schema_of_great_length_is_neither_compared_nor_kept():
    """Compiled ones take many times their length."""
    schema = {"description": "x" * MAX_SCHEMA_BYTES, "required": ["city"]}

    assert check("weather", "{}", schema).outcome == "ok"
