"""After a crash, what was under way counts in the rules of its plan too."""

from pathlib import Path

from journal_entries import make_begin, open_writer
from pointsman.app.past_calls import past_of
from pointsman.core.clock import ManualClock
from pointsman.core.facts import Facts
from pointsman.journal.recovery import recover
from policy_rules import Desk

POLICY = """
plans: {free: {daily_usd: 1}}
"""


def test_a_crashed_call_is_charged_to_the_budget_of_its_plan(tmp_path: Path):
    """Invariant 11: the begin knows the plan, since nobody could ask for it any more."""
    root, clock = tmp_path / "journal", ManualClock()
    writer = open_writer(root / "0", segment_bytes=3_000)
    writer.begin(make_begin(1, plan="free"))
    writer.begin(make_begin(2))
    writer.close()
    desk = Desk(POLICY, clock)

    recovery = recover(root, clock, past=past_of(desk.admissions, clock))

    assert {record.plan for record in recovery.crashed} == {"free", None}
    facts = Facts(model="auto", tenant="acme", tier="free")
    (line,) = desk.admissions._rules.budgets.lines(facts, clock.unix_ns())
    assert line.budget.rule == "policy.plans.free.daily_usd"
    assert line.counter.spent == 5_000
