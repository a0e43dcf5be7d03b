"""A stream let through no faster than it can be judged: what is split leaks no more than whole."""

import itertools
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.facts import Facts
from pointsman.core.records import Rule
from pointsman.core.redaction.detectors import DETECTORS
from pointsman.core.redaction.engine import Redactor
from pointsman.policy.prompt.examination import Examination
from pointsman.policy.prompt.rule import ANSWER, PromptRule
from pointsman.policy.prompt.window import TextWindow

SECRETS = {
    "card": "4111 1111 1111 1111",
    "iban": "DE89 3704 0044 0532 0130 00",
    "email": "jane.doe+test@mail.example.org",
    "key": "sk-proj-Ab3dEf6hIj9lMn2pQr5tUv8xYz1",
    "order": "ORD-123456",
    "phone": "phone number: (212) 555-0187",
    "authorization": "Authorization: Bearer abcdefghijklmnop12345678",
}
PRIVATE_KEY = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    + "\n".join("MIIEpAIBAAKCAQEA7bq0Zk3Vh2" + "Qx9" * 12 for _ in range(40))
    + "\n-----END RSA PRIVATE KEY-----"
)
PROSE = "The train to Oslo leaves at nine and the buffet car is closed on Sundays. "


def window(hold: int = 128, action: str = "redact") -> TextWindow:
    redactor = Redactor(DETECTORS, {"order_id": r"ORD-\d{6}"})
    rule = PromptRule(rule=Rule("policy.rules.r"), action=action, redactor=redactor)
    examination = Examination((rule,), ANSWER, Facts())
    return TextWindow(partial(examination.scan, role="assistant"), hold)


def through(text: str, cuts: list[int], hold: int = 128) -> tuple[list[str], dict[str, int]]:
    """Feed a text in pieces; return what came out, piece by piece, and what was counted."""
    one = window(hold)
    released, counts = [], {}
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    for start, end in itertools.pairwise(edges):
        released.append(one.feed(text[start:end]))
        add(counts, one.found)
    released.append(one.flush())
    add(counts, one.found)
    return released, counts


def add(counts: dict[str, int], found: dict[int, dict[str, int]]) -> None:
    for kinds in found.values():
        for name, count in kinds.items():
            counts[name] = counts.get(name, 0) + count


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_a_value_split_over_chunks_comes_out_as_if_it_were_whole(secret: str, size: int):
    """PO-04: whatever the pieces, the text is that of redacting the whole, and counted once."""
    text = f"{PROSE * 3}It is {secret}, as you know. {PROSE * 3}"
    whole = Redactor(DETECTORS, {"order_id": r"ORD-\d{6}"}).redact(text)

    released, counts = through(text, list(range(0, len(text), size)))

    assert "".join(released) == whole.text
    assert counts == whole.counts
    assert counts


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_rule_that_changes_nothing_is_told_of_a_value_in_one_piece(secret: str):
    """A block comes before any part of the value, though its text stays as it is."""
    one = window(hold=64, action="block")
    text = f"{PROSE}It is {secret}, as you know. {PROSE * 3}"
    released = ""
    for start in range(0, len(text), 3):
        piece = one.feed(text[start : start + 3])
        if one.found:
            break
        released += piece

    value = secret.rpartition(": ")[2]
    assert one.found
    assert text.partition(value)[0].startswith(released)


@settings(max_examples=150, deadline=None)
@given(
    words=st.lists(st.sampled_from([PROSE, *SECRETS.values(), "and", "\n", "12"]), max_size=12),
    cuts=st.lists(st.integers(0, 5000), max_size=60),
)
def test_no_way_of_cutting_lets_a_value_through(words: list[str], cuts: list[int]):
    """A property: nothing that redacting the whole would hide is ever sent."""
    text = " ".join(words)
    hidden = [value for value in SECRETS.values() if value in text]

    released, _ = through(text, cuts)

    told = "".join(released)
    assert all(value not in told for value in hidden if ":" not in value)


def test_what_is_longer_than_the_window_is_held_until_it_ends():
    """A private key shows itself at its begin and is one marker, however long it is."""
    text = f"{PROSE}{PRIVATE_KEY}\n{PROSE}"

    released, counts = through(text, list(range(0, len(text), 11)), hold=64)

    assert "".join(released) == f"{PROSE}[redacted: private_key]\n{PROSE}"
    assert counts == {"private_key": 1}


def test_clean_text_is_held_back_by_the_window_and_no_more():
    """A reader waits for so many characters, not for the end."""
    one = window(hold=100)
    released = "".join(one.feed(word + " ") for word in (PROSE * 10).split())

    assert len(PROSE * 10) - len(released) < 120
    assert (PROSE * 10).startswith(released)


def test_a_word_is_not_cut_in_two():
    """The rest of a long number alone might look like something else."""
    one = window(hold=64)
    pieces = [one.feed(character) for character in f"{PROSE}98{'4111111111111111'} {PROSE}"]
    pieces.append(one.flush())

    assert all(piece.endswith((" ", "\n")) for piece in pieces if piece)
    assert "".join(pieces) == f"{PROSE}98{'4111111111111111'} {PROSE}"


def test_text_without_spaces_is_let_through_too():
    """Not every language has them."""
    one = window(hold=64)
    released = "".join(one.feed("電車は九時に出発します。") for _ in range(50))

    assert 50 * 12 - 140 < len(released) <= 50 * 12 - 64


def test_a_value_without_an_end_does_not_hold_the_stream_for_ever():
    """Memory is bounded: what was held is replaced and the rest goes on."""
    one = window(hold=64)
    released = one.feed("-----BEGIN PRIVATE KEY-----\n")
    for _ in range(2000):
        released += one.feed("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo ")

    assert "[redacted: private_key]" in released
    assert "BEGIN" not in released
