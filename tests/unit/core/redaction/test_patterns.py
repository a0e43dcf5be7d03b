"""Expressions that operators write: found in a time that no prompt can bend."""

import time

import pytest

from pointsman.core.redaction.detectors import DETECTORS, ENTITY_TYPES, GROUPS, select
from pointsman.core.redaction.engine import Redactor
from pointsman.core.redaction.patterns import MAX_EXPRESSION_CHARACTERS, WrittenPattern

HOSTILE = ["(a+)+$", "(a|aa)+$", "(.*)*x$", r"(\w+\s?)*!$", "([a-z]+)*[0-9]{50}$"]


@pytest.mark.parametrize("expression", HOSTILE)
def test_no_text_makes_an_expression_hang(expression: str):
    """The classic traps, on a text of 100 kB, within a second."""
    pattern = WrittenPattern(f"z{expression}")
    began = time.process_time()

    list(pattern.spans("z" + "a" * 100_000 + "!"))

    assert time.process_time() - began < 1.0


def test_many_finds_take_time_in_proportion_to_the_text():
    """One pass for all of them, also where characters are longer than a byte."""
    redactor = Redactor((), {"order_id": r"ORD-\d{6}"})
    began = time.process_time()

    redacted = redactor.redact("é ORD-123456 " * 8000)

    assert redacted.counts == {"order_id": 8000}
    assert time.process_time() - began < 1.0


def test_positions_are_those_of_characters():
    """Text is not bytes."""
    assert list(WrittenPattern("b+").spans("äöü bb 電 b")) == [(4, 6), (9, 10)]


def test_a_marker_is_not_looked_into():
    """Redacting twice changes nothing, whatever an operator looks for."""
    redactor = Redactor(select(["email"]), {"word": "redacted|email"})

    once = redactor.redact("jane@example.org has email").text

    assert once == "[redacted: email] has [redacted: word]"
    assert redactor.redact(once).text == once


def test_an_expression_has_a_bounded_length():
    """What is compiled is held in memory."""
    with pytest.raises(ValueError, match="at most"):
        WrittenPattern("a" * (MAX_EXPRESSION_CHARACTERS + 1))


def test_groups_stand_for_all_of_a_kind_and_together_for_everything():
    """`secrets` and `personal` leave nothing out."""
    assert select(GROUPS) == DETECTORS
    assert {row.name for row in select(["personal"])} == GROUPS["personal"]
    assert {row.name for row in select(["email", "jwt"])} == {"email", "jwt"}
    assert select(["nothing"]) == ()
    assert {row.name for row in DETECTORS} == ENTITY_TYPES
