"""`${NAME}` in values."""

import pytest

from configuration_text import MOCK, config, problems


def environment_of(written: str, **variables: str) -> str:
    """Return what `server.environment` becomes when `written` stands there."""
    return config(f"{MOCK}server: {{environment: {written}}}", **variables).server.environment


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('"${A}"', "alpha"),
        ('"a ${A} b ${B}"', "a alpha b beta"),
        ('"${NONE:-spare}"', "spare"),
        ('"${EMPTY:-spare}"', "spare"),
        ('"${A:-spare}"', "alpha"),
        ('"$${A}"', "${A}"),
        ('"$$${A}"', "$${A}"),
        ('"$A"', "$A"),
        ('"cost: $5"', "cost: $5"),
        ("'${A}'", "alpha"),
    ],
)
def test_references_are_replaced_in_values(written: str, value: str) -> None:
    """With and without a default, escaped, and among other text."""
    assert environment_of(written, A="alpha", B="beta", EMPTY="") == value


def test_a_value_cannot_change_the_shape_of_the_file() -> None:
    """Variables are replaced after parsing."""
    assert environment_of('"${A}"', A="x, port: 1\nproviders: {}") == "x, port: 1\nproviders: {}"


def test_what_a_variable_holds_is_not_expanded_again() -> None:
    """A value with `${` in it stays as it is."""
    assert environment_of('"${A}"', A="${B}", B="beta") == "${B}"


@pytest.mark.parametrize("written", ["${PORT}", '"${PORT}"', '"${P:-3200}"', "'${PORT}'"])
def test_a_variable_becomes_what_the_field_asks_for(written: str) -> None:
    """Quotes are needed in flow mappings, so they do not make a number text."""
    text = f"{MOCK}server:\n  port: {written}\n  environment: {written}\n"

    server = config(text, PORT="3200").server

    assert (server.port, server.environment) == (3200, "3200")


def test_an_empty_variable_is_absent_where_that_is_allowed() -> None:
    """`tenant: ${TENANT:-}` means no tenant."""
    assert config(MOCK + 'server: {tenant: "${TENANT:-}"}').server.tenant is None


def test_a_missing_variable_is_a_problem_with_its_line() -> None:
    """A-47: the load fails, and the name and line are told."""
    text = MOCK + "server:\n  port: 3100\n  tenant: ${TENANT}\n"

    (problem,) = problems(text)

    assert (problem.path, problem.line) == ("server.tenant", 4)
    assert problem.message == "the variable TENANT is not set"


def test_every_missing_variable_is_told_at_once() -> None:
    """Nobody wants to start five times."""
    text = "providers: {o: {kind: openai, api_key: '${A}', base_url: '${B}', headers: {x: '${C}'}}}"

    assert [one.message[13:14] for one in problems(text)] == ["A", "B", "C"]


@pytest.mark.parametrize("written", ["${", "${}", "${1A}", "${A B}", "${A:-${B}}", "${A-x}"])
def test_a_malformed_reference_is_a_problem(written: str) -> None:
    """It is never taken as text by accident."""
    (problem,) = problems(f"{MOCK}server: {{environment: '{written}'}}", A="x")

    assert "does not begin a variable" in problem.message


def test_a_variable_of_the_wrong_type_is_named_and_not_shown() -> None:
    """The value may be anything, so only the name is told."""
    for value in ("hunter2hunter2", "abc", "-7"):
        (problem,) = problems(MOCK + 'server: {port: "${PORT}"}', PORT=value)

        assert "got the value of ${PORT}" in str(problem)
        assert value not in str(problem)


def test_a_variable_that_is_not_text_is_a_problem() -> None:
    """Bytes that are not UTF-8 reach us as lone surrogates."""
    (problem,) = problems(MOCK + 'server: {tenant: "${T}"}', T="\udcff")

    assert "UTF-8" in problem.message
