"""Rules that cannot be about a request cost it nothing."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.config.policy import BudgetConfig, LimitConfig, PolicyConfig
from pointsman.core.clock import ManualClock
from pointsman.core.conditions import REQUEST_FIELDS, compile_condition, pins
from pointsman.core.facts import Facts
from pointsman.policy.compile_rules import Rules, compile_rules
from pointsman.policy.counters import CounterStore
from pointsman.policy.gates import Gate
from pointsman.policy.rule_index import RuleIndex
from policy_rules import Desk

FIELDS = ("key", "tenant", "user", "model", "workload", "feature", "tier", "team")


def rules_for(count: int, field: str = "key") -> Rules:
    """Return `count` limits and as many budgets, each for another value of a field."""
    policy = PolicyConfig(
        limits={
            f"limit-{number}": LimitConfig(match={field: f"v{number}"}, requests_per_minute=9)
            for number in range(count)
        },
        budgets={
            f"budget-{number}": BudgetConfig(match={field: f"v{number}"}, usd="1")
            for number in range(count)
        },
    )
    return compile_rules(policy, CounterStore(), header_prefix="x-pointsman-")


def asked(rules: Rules, facts: Facts) -> int:
    """Return how many gates have their condition asked for one request."""
    count = 0

    def counting(gate: Gate) -> None:
        inner = gate.matches

        def matches(found: Facts) -> bool:
            nonlocal count
            count += 1
            return inner is None or inner(found)

        gate.matches = matches

    for gate in rules.gates.all:
        counting(gate)
    for gate in rules.gates.of(facts):
        assert gate.matches is not None
        gate.matches(facts)
    return count


@pytest.mark.parametrize("field", FIELDS)
def test_ten_thousand_limits_of_others_are_not_looked_at(field: str) -> None:
    """As many rules are asked with 10,000 as with one, for every field.

    Counted, not timed: the number of conditions that a request has evaluated.
    """
    facts = msgspec.convert({"model": "auto", field: "v0"}, Facts)
    one, many = rules_for(1, field), rules_for(10_000, field)
    assert asked(one, facts) == asked(many, facts) == 1
    stranger = msgspec.convert({"model": "auto", field: "nobody"}, Facts)
    assert asked(many, stranger) == 0


def test_ten_thousand_budgets_of_others_make_no_line() -> None:
    """A request meets its own budget among 10,000, and the counters are as many as requests."""
    store = CounterStore()
    budgets = {
        f"b{number}": BudgetConfig(match={"key": f"v{number}"}, usd="1") for number in range(10_000)
    }
    rules = compile_rules(PolicyConfig(budgets=budgets), store, header_prefix="x-pointsman-")
    lines = rules.budgets.lines(Facts(key="v77"), ManualClock().unix_ns())
    assert [line.budget.rule for line in lines] == ["policy.budgets.b77"]
    assert len(store) == 1


def test_a_crowded_value_is_not_the_one_that_finds_a_rule() -> None:
    """Rules that all name one tenant and each another key are found by the key."""
    limits = {
        f"l{number}": LimitConfig(
            match={"tenant": "acme", "key": f"k{number}"}, requests_per_minute=1
        )
        for number in range(1000)
    }
    rules = compile_rules(PolicyConfig(limits=limits), CounterStore(), header_prefix="x-")
    assert asked(rules, Facts(tenant="acme", key="k5")) == 1


async def test_rules_keep_the_order_of_the_file() -> None:
    """Found by value or asked always: the record shows them as they are written."""
    desk = Desk("""
limits:
  third: {match: {key: ci}, requests_per_minute: 5}
  first: {requests_per_minute: 9}
  second: {match: {OR: [{tenant: acme}, {tenant: other}]}, requests_per_minute: 7}
  never: {match: {tenant: somebody}, requests_per_minute: 7}
""")
    record = desk.record(key="ci", tenant="acme")
    await desk.admit(record)
    assert [check.rule for check in record.limits] == [
        "policy.limits.third",
        "policy.limits.first",
        "policy.limits.second",
    ]


VALUES = st.sampled_from(["a", "b", "5", "c*"])
LEAVES = st.one_of(
    st.dictionaries(st.sampled_from(["key", "tenant", "user"]), VALUES, min_size=1, max_size=3),
    st.just({"chars": "> 3"}),
    st.just(True),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"OR": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"AND": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"NOT": part}, inner),
    ),
    max_leaves=8,
)
REQUESTS = st.builds(
    Facts,
    key=st.sampled_from([None, "a", "b", "5", "cd"]),
    tenant=st.sampled_from([None, "a", "b", "5"]),
    user=st.sampled_from([None, "a", "cd"]),
    characters=st.integers(0, 6),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(CONDITIONS, max_size=6), REQUESTS)
def test_the_index_never_loses_a_rule_that_matches(raw: list[object], facts: Facts) -> None:
    """Whatever the conditions: what matches is found, in its order, and nothing twice."""
    conditions = [compile_condition(one, REQUEST_FIELDS, "x") for one in raw]
    index = RuleIndex((at, tuple(pins(one.tree))) for at, one in enumerate(conditions))
    found = list(index.of(facts))
    matching = [at for at, one in enumerate(conditions) if one.matches(facts)]
    assert found == sorted(set(found))
    assert [at for at in found if conditions[at].matches(facts)] == matching
