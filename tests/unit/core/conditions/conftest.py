"""A small catalogue of finished traces, to test what the fields of a request cannot show."""

from collections.abc import Callable

import pytest

from pointsman.core.conditions import (
    REQUEST_FIELDS,
    Catalogue,
    Condition,
    ConditionError,
    Field,
    FieldType,
    compile_condition,
)
from pointsman.core.facts import Facts

Trace = dict[str, object]


def _members(name: str) -> Callable[[Trace], dict[str, object]]:
    def read(trace: Trace) -> dict[str, object]:
        found = trace.get(name)
        return found if isinstance(found, dict) else {}

    return read


TRACE_FIELDS: Catalogue[Trace] = Catalogue(
    (
        Field(name="model", type=FieldType.TEXT, read=lambda trace: trace.get("model")),
        Field(name="environment", type=FieldType.TEXT, read=lambda trace: trace.get("environment")),
        Field(name="cost", type=FieldType.NUMBER, read=lambda trace: trace.get("cost")),
        Field(
            name="volume",
            type=FieldType.NUMBER,
            read=lambda trace: trace.get("volume"),
            allows_rate=True,
        ),
        Field(
            name="error",
            type=FieldType.BOOLEAN,
            read=lambda trace: "error" in trace,
            members=_members("error"),
        ),
        Field(
            name="tags",
            type=FieldType.MAP,
            read=lambda trace: trace.get("tags"),
            members=_members("tags"),
        ),
    )
)


@pytest.fixture
def holds() -> Callable[..., bool]:
    """Whether a condition holds for a request with these facts."""

    def evaluate(raw: object, **facts: object) -> bool:
        condition = compile_condition(raw, REQUEST_FIELDS, "when")
        made = Facts(**facts)
        result = condition.matches(made)
        assert condition.explain(made).result is result
        return result

    return evaluate


@pytest.fixture
def holds_for_trace() -> Callable[..., bool]:
    """Whether a condition holds for a finished trace."""

    def evaluate(raw: object, **trace: object) -> bool:
        condition: Condition[Trace] = compile_condition(raw, TRACE_FIELDS, "when")
        result = condition.matches(trace)
        assert condition.explain(trace).result is result
        return result

    return evaluate


@pytest.fixture
def refusal() -> Callable[[object], ConditionError]:
    """The load error of a condition over requests."""

    def load(raw: object) -> ConditionError:
        with pytest.raises(ConditionError) as caught:
            compile_condition(raw, REQUEST_FIELDS, "when")
        return caught.value

    return load
