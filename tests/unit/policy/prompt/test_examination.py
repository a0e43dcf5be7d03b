"""One side of one call under the rules: order, roles, dry runs, detours, and what is told."""

from pointsman.core.conditions import REQUEST_FIELDS, compile_condition
from pointsman.core.facts import Facts
from pointsman.core.records import Rule
from pointsman.core.redaction.detectors import select
from pointsman.core.redaction.engine import Redactor
from pointsman.policy.prompt.examination import Examination
from pointsman.policy.prompt.rule import PROMPT, PromptRule

TEXT = "Write to jane@example.org"


def rule(name: str, action: str, *find: str, match: object = None, **more) -> PromptRule:
    condition = None if match is None else compile_condition(match, REQUEST_FIELDS, "match")
    redactor = Redactor(select(find)) if find else None
    place = Rule(f"policy.rules.{name}", "pointsman.yaml", 7)
    return PromptRule(rule=place, action=action, condition=condition, redactor=redactor, **more)


def examine(*rules: PromptRule, role: str = "user", **facts) -> tuple[Examination, str]:
    """Return the examination of one text, and the text after it."""
    one = Examination(rules, PROMPT, Facts(**facts))
    scanned = one.scan(TEXT, role)
    one.note(scanned.found)
    return one, scanned.text


def told(one: Examination) -> list[str]:
    return [outcome.outcome for outcome in one.outcomes]


def test_a_later_rule_sees_what_an_earlier_one_left():
    """Redact first, and there is nothing left to block."""
    one, text = examine(rule("a", "redact", "email"), rule("b", "block", "email"))

    assert told(one) == ["redacted", "passed"]
    assert one.blocking() is None
    assert text == "Write to [redacted: email]"


def test_a_dry_run_leaves_the_text_to_the_next_rule():
    """It records what it would do, and the next one does it."""
    one, text = examine(rule("a", "redact", "email", dry_run=True), rule("b", "redact", "email"))

    assert told(one) == ["redacted", "redacted"]
    assert [outcome.dry_run for outcome in one.outcomes] == [True, False]
    assert text == "Write to [redacted: email]"


def test_a_dry_block_blocks_nothing_and_changes_nothing():
    """So the stream of its answers is not held back either."""
    one, _ = examine(rule("a", "block", "email", dry_run=True))

    assert one.blocking() is None
    assert not one.may_change


def test_a_rule_reads_only_the_roles_it_names():
    """What a system prompt may say, a user may not."""
    only_users = rule("a", "block", "email", roles=frozenset({"user"}))

    assert examine(only_users, role="system")[0].blocking() is None
    assert examine(only_users, role="user")[0].blocking() is only_users


def test_a_condition_that_does_not_hold_is_recorded_with_its_values():
    """Why a rule did not act is part of the explanation."""
    one, _ = examine(rule("a", "block", "email", match={"tenant": "acme"}), tenant="other")

    (outcome,) = one.outcomes
    assert outcome.outcome == "not_matched"
    assert outcome.condition.result is False
    assert not one.reads_text


def test_a_rule_without_anything_to_find_acts_on_its_condition():
    """Images of free users need no text to be looked at."""
    blocks = rule("a", "block", match={"tenant": "acme"})
    one, _ = examine(blocks, tenant="acme")

    assert one.blocking() is blocks
    assert one.outcomes[0].counts == {}


def test_the_first_detour_wins_and_the_other_is_told():
    """A request goes to one place."""
    one, _ = examine(
        rule("a", "reroute", "email", use="house", dry_run=True),
        rule("b", "reroute", "email", use="llama"),
        rule("c", "reroute", "email", use="cloud"),
    )

    detour = one.detour()

    assert (detour.rule, detour.use) == ("policy.rules.b", "llama")
    assert told(one) == ["rerouted", "rerouted", "overruled"]


def test_escapes_in_json_hide_nothing():
    """`\\u0040` is an at sign to whoever reads the arguments."""
    one = Examination((rule("a", "redact", "email"),), PROMPT, Facts())

    scanned = one.scan('{"to": "jane\\u0040example.org"}', "assistant", is_json=True)

    assert scanned.text == '{"to":"[redacted: email]"}'


def test_the_error_names_rule_and_counts_and_never_the_value():
    """PO-04: what the caller needs to mend the prompt."""
    blocks = rule("a", "block", "email")
    one, _ = examine(blocks)

    error = one.error(blocks)

    assert error.metadata == {"rule": "policy.rules.a", "side": "prompt", "found": {"email": 1}}
    assert "jane" not in f"{error}{error.metadata}"
    assert not error.should_retry
