"""Rules made by program translate to the same decisions (A-51, RT-52)."""

import pytest


@pytest.mark.parametrize(
    ("entry", "facts", "expected"),
    [
        (("model", "eq", "gpt-4*"), {"model": "gpt-4*"}, True),
        (("model", "eq", "gpt-4*"), {"model": "gpt-4o"}, False),
        (("model", "neq", "gpt-4"), {"model": "gpt-4o"}, True),
        (("model", "neq", "gpt-4"), {"model": "gpt-4"}, False),
        (("tenant", "neq", "acme"), {}, False),
        (("model", "contains", "4o"), {"model": "gpt-4o-mini"}, True),
        (("model", "contains", "4O"), {"model": "gpt-4o-mini"}, False),
        (("chars", "gt", 5), {"characters": 6}, True),
        (("chars", "gte", "6"), {"characters": 6}, True),
        (("chars", "lt", 6), {"characters": 6}, False),
        (("chars", "lte", 6), {"characters": 6}, True),
        (("chars", "eq", 6), {"characters": 6}, True),
        (("chars", "neq", 6), {"characters": 6}, False),
        (("tags.n", "gt", 6), {"tags": {"n": "7"}}, True),
        (("tags.n", "eq", 7), {"tags": {"n": "7"}}, True),
        (("tags.on", "eq", True), {"tags": {"on": "true"}}, True),
        (("stream", "eq", True), {"stream": True}, True),
        (("stream", "neq", True), {"stream": True}, False),
        (("stream", "neq", True), {"stream": False}, True),
        (("provider_health.a", "eq", "down"), {"provider_health": {"a": "down"}}, True),
    ],
)
def test_each_operator_means_its_comparison(holds, entry, facts, expected):
    """`eq` is exact: a star is a star."""
    raw = dict(zip(("field", "operator", "value"), entry, strict=True))

    assert holds({"all": [raw]}, **facts) is expected
    assert holds(raw, **facts) is expected


def test_all_any_and_not_nest(holds):
    """As AND, OR and NOT do."""
    long = {"field": "chars", "operator": "gt", "value": 10}
    streamed = {"field": "stream", "operator": "eq", "value": True}

    assert holds({"any": [long, streamed]}, stream=True)
    assert not holds({"all": [long, streamed]}, stream=True)
    assert holds({"all": [{"not": long}, streamed]}, stream=True)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"field": "model", "operator": "regex", "value": ".*"}, "regular expressions"),
        ({"field": "model", "operator": "like", "value": "x"}, "unknown operator"),
        ({"field": "model", "operator": ["eq"], "value": "x"}, "unknown operator"),
        ({"field": "cost", "operator": "gt", "value": 1}, "only after the call"),
        ({"field": 7, "operator": "gt", "value": 1}, "not the name of a field"),
        ({"field": "chars", "operator": "contains", "value": 1}, "cannot be contains"),
        ({"field": "chars", "operator": "gt", "value": "x"}, "cannot be gt"),
        ({"field": "chars", "operator": "eq", "value": True}, "cannot be eq"),
        ({"field": "chars", "operator": "eq"}, "cannot be eq"),
        ({"field": "stream", "operator": "gt", "value": True}, "cannot be gt"),
        ({"field": "stream", "operator": "eq", "value": "true"}, "cannot be eq"),
        ({"field": "tags", "operator": "eq", "value": "x"}, "cannot be eq"),
        ({"field": "model", "operator": "eq", "value": None}, "cannot be eq"),
        ({"field": "model", "operator": "eq", "value": "x" * 2000}, "cannot be eq"),
        ({"field": "provider_health", "operator": "eq", "value": "bad"}, "never 'bad'"),
    ],
)
def test_what_does_not_fit_is_refused(refusal, raw, words):
    """As in the written grammar."""
    assert words in str(refusal({"all": [raw]}))
