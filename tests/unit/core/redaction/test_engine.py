"""The engine: markers, idempotence, linear time, JSON."""

import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.redaction.detectors import DETECTORS
from pointsman.core.redaction.engine import (
    MAX_JSON_BYTES,
    MAX_JSON_DEPTH,
    Redacted,
    Redactor,
    marker,
)

REDACTOR = Redactor()
PIECES = [
    "bob@example.com",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
    "192.168.1.77",
    "fe80::1ff:fe23:4567:890a",
    "+14155550100",
    "123-45-6789",
    "sk-proj-aB3dE5gH7jK9mN1pQ3sT5",
    "Authorization: Bearer ",
    "Cookie: a=b",
    "://u:p@",
    "phone ",
    "eyJhbGciOiJI.eyJzdWIiOi",
    "-----BEGIN PRIVATE KEY-----",
    "[redacted: email]",
    "[redacted: ",
    *" .,:;-_@+=()[]\"'\n\\nA1z",
]
FOUND = [piece for piece in PIECES if len(piece) > 8 and REDACTOR.redact(piece).counts]
busy_text = st.lists(
    st.sampled_from(PIECES) | st.text(max_size=3) | st.text("0123456789.-: ", max_size=8),
    max_size=24,
).map("".join)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | busy_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


def test_redaction_counts_by_type_and_never_shows_a_value():
    """OBS-07: several types in one text, counted."""
    redacted = REDACTOR.redact("bob@a.io wrote to eve@b.io from 10.1.2.3")

    assert redacted == Redacted(
        "[redacted: email] wrote to [redacted: email] from [redacted: ip_address]",
        {"email": 2, "ip_address": 1},
    )


def test_clean_text_is_handed_back_as_it_is():
    """No copy is made of what needs no change."""
    text = "Nothing to see here, but a well-known story: read on."

    assert REDACTOR.redact(text).text is text


def test_own_patterns_are_redacted_under_their_own_name():
    """OBS-07 names `order_id`: what is personal differs by business."""
    redactor = Redactor(patterns={"order_id": r"ORD-\d{6}"})

    assert redactor.redact("where is ORD-123456?").text == "where is [redacted: order_id]?"


@pytest.mark.parametrize(
    "patterns", [{"Order": "x"}, {"a b": "x"}, {"a": "("}, {"a": "x*"}, {"a": "^"}, {"": "x"}]
)
def test_a_bad_pattern_is_refused_when_the_redactor_is_made(patterns):
    """A configuration fails at start, not at the first prompt."""
    with pytest.raises(ValueError, match="must"):
        Redactor(patterns=patterns)


@settings(max_examples=300, deadline=None)
@given(busy_text)
def test_redacting_twice_changes_nothing(text):
    """A record may pass the engine in the gateway and again in the collector."""
    once = REDACTOR.redact(text)
    twice = REDACTOR.redact(once.text)

    assert twice.text == once.text
    assert twice.counts == {}
    assert sum(once.counts.values()) == 0 or once.text != text


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([*PIECES[:8], "order 7"]), st.sampled_from("(,;<>|\n \t!?"), busy_text)
def test_an_own_pattern_that_matches_everything_does_not_reach_into_markers(piece, border, text):
    """Markers are never looked into, whatever the patterns are."""
    redactor = Redactor(patterns={"anything": r"[a-z]+"})

    once = redactor.redact(text + border + piece)

    assert redactor.redact(once.text).text == once.text


@settings(max_examples=200, deadline=None)
@given(busy_text, st.sampled_from("(,;<>|\n \t!?"))
def test_an_email_does_not_survive_whatever_stands_before_it(text, border):
    """What stands elsewhere in the text must not hide it."""
    assert "bob@example.com" not in REDACTOR.redact(f"{text}{border}bob@example.com").text


def seconds_for(text: str) -> float:
    best = 1e9
    for _ in range(3):
        started = time.process_time()
        REDACTOR.redact(text)
        best = min(best, time.process_time() - started)
    return best


NASTY = [
    "a",
    "1",
    "1 ",
    "4111 ",
    "4 ",
    "AB12 ",
    "DE89 3704 ",
    "1.",
    "1.2.",
    "a:",
    "::",
    "1:a",
    "@",
    "a@",
    "a@b.",
    "a.b@c.d ",
    "+1",
    "+1 (",
    "(555) ",
    "555-",
    "tel 1 ",
    "phone ",
    "sk-",
    "sk-a",
    "eyJ",
    "eyJa-",
    "eyJaaaaaa.",
    "://",
    "://a:",
    "://a:b",
    "-----BEGIN ",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----a-",
    "Authorization: ",
    "Authorization: Digest ",
    "Cookie: a=",
    "Cookie: ",
    "bearer ",
    "api-key=",
    "[redacted: ",
    "[redacted: email]",
    "[redacted: email]@a.b ",
    "ghp_",
    "AKIA",
    "\\n1",
    " ",
    "\n",
]


@pytest.mark.parametrize("unit", NASTY)
def test_the_time_grows_linearly_on_hostile_text(unit):
    """A caller must not be able to hold the loop: four times the text, about four times as long."""
    small, large = unit * (10_000 // len(unit)), unit * (40_000 // len(unit))

    assert seconds_for(large) < 10 * seconds_for(small) + 0.01
    # 40 kB of the worst text known; the bound is a second per megabyte and a wide margin.
    assert seconds_for(large) < 0.5


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(NASTY) | st.text("a1.:@-_+= /", max_size=4), min_size=1, max_size=4)
)
def test_no_mixture_of_hostile_pieces_is_slow(pieces):
    """Growth again, over repetitions that nobody thought of."""
    unit = "".join(pieces) or "x"
    text = unit * (20_000 // len(unit))

    assert seconds_for(text) < 0.5


def test_json_values_are_redacted_and_keys_are_not():
    """Content is stored as JSON: every string value, at any depth, and long numbers."""
    raw = (
        b'{"a@b.io": "bob@a.io", "n": [1, 4111111111111111, 1.5, null, true, '
        b'{"deep": "10.1.2.3"}], "ok": "fine"}'
    )

    redacted, counts = REDACTOR.redact_json(raw)

    assert msgspec.json.decode(redacted) == {
        "a@b.io": "[redacted: email]",
        "n": [1, "[redacted: credit_card]", 1.5, None, True, {"deep": "[redacted: ip_address]"}],
        "ok": "fine",
    }
    assert counts == {"email": 1, "credit_card": 1, "ip_address": 1}


@pytest.mark.parametrize(
    "raw",
    [
        b'{"x": "bob\\u0040a.io"}',
        b'{"x": "bob@a.io", "x": "fine"}',
        b'{"x": "\\nbob@a.io"}',
        b'"bob@a.io"',
        b'{"x": "bob@a.io"',
        b'{"x": "bob\\u0040a.io',
        b"bob@a.io\xff\xfe",
        b"[" * 100_000 + b'"bob@a.io"',
        b"[" * 900 + b'"bob@a.io"' + b"]" * 900,
        b'{"x": "\\ud83d bob@a.io"}',
    ],
)
def test_no_way_of_writing_it_hides_a_value(raw):
    """Escapes, repeated keys, broken and deep documents; nothing raises."""
    redacted, _ = REDACTOR.redact_json(raw)

    assert b"bob" not in redacted
    assert b"a.io" not in redacted


def test_a_document_that_is_too_deep_or_too_large_is_replaced_not_passed_on():
    """Bounded work, and closed when the bound is met."""
    deep = b"[" * (MAX_JSON_DEPTH + 5) + b"1" + b"]" * (MAX_JSON_DEPTH + 5)

    redacted, counts = REDACTOR.redact_json(deep)

    assert marker("too_deep").encode() in redacted
    assert counts == {"too_deep": 1}
    large = b'"' + b"x" * MAX_JSON_BYTES + b'"'
    assert REDACTOR.redact_json(large) == (b'"[redacted: too_large]"', {"too_large": 1})


@settings(max_examples=150, deadline=None)
@given(json_values)
def test_json_keeps_its_shape_and_redacting_twice_changes_nothing(value):
    """Only leaves change, and only once."""
    once, _ = REDACTOR.redact_json(msgspec.json.encode(value))
    twice, counts = REDACTOR.redact_json(once)

    assert twice == once
    assert counts == {}
    assert shape(msgspec.json.decode(once)) == shape(value)


@settings(max_examples=300, deadline=None)
@given(json_values, st.lists(st.sampled_from(FOUND) | st.text('a1.:@-_+="\\ /\n', max_size=6)))
def test_searching_all_texts_at_once_finds_what_searching_each_does(value, pieces):
    """The fast way may only be taken where the slow one would change nothing."""
    raw = msgspec.json.encode(
        [value, "".join(pieces), pieces, "plain words " * 9 + "".join(pieces)]
    )
    # Rows that are not those of the table are never read joined.
    one_by_one = Redactor([msgspec.structs.replace(row) for row in DETECTORS])

    assert REDACTOR.redact_json(raw) == one_by_one.redact_json(raw)


@pytest.mark.parametrize("found", FOUND)
def test_a_text_that_ends_where_its_secret_ends_is_found_among_others(found):
    """Beside other texts stands a quote, not the end."""
    texts = ["plain words", found, "more"]
    redacted, counts = REDACTOR.redact_json(msgspec.json.encode(texts))

    assert found.encode() not in redacted
    assert counts


@pytest.mark.parametrize("found", FOUND)
def test_a_secret_at_the_end_of_prose_is_found_beside_names(found):
    """Long texts are searched apart from short ones, and neither is left out."""
    texts = ["gpt-4o-mini-2024-07-18", "plain words " * 9 + found]
    redacted, counts = REDACTOR.redact_json(msgspec.json.encode(texts))

    assert found.encode() not in redacted
    assert counts


def shape(value):
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return [shape(inner) for inner in value] if isinstance(value, list) else None


def test_the_table_has_no_name_that_would_break_its_marker():
    """Markers are found again by their names."""
    for row in DETECTORS:
        assert REDACTOR._marker.fullmatch(marker(row.name))
