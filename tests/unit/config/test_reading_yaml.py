"""What is taken from a YAML file, and what is refused."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from configuration_text import MOCK, config, loaded, paths, problems
from pointsman.config.findings import Findings
from pointsman.config.nodes import Mapping, plain_value
from pointsman.config.parse import MAX_DEPTH, MAX_VALUES, parse


def read(text: str) -> object:
    """Return the plain values of a text that must be readable."""
    findings = Findings("file")
    tree = parse(text, findings)
    assert findings.errors == []
    return plain_value(tree)


@pytest.mark.parametrize(
    "word",
    [
        "no", "yes", "on", "off", "y", "n", "12:30", "1_000", "0x10", "0o17", "2026-11-21", "=",
        ".inf", ".nan", "1e999", "1.2.3", "9" * 30, "True story", "nULL", "+", "1.e", "tRUE", "--",
    ],
)  # fmt: skip
def test_plain_words_stay_text(word: str) -> None:
    """What YAML 1.1 would turn into truth values, times or other bases is text."""
    assert {"key": word} == read(f"key: {word}")


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("true", True), ("False", False), ("null", None), ("~", None), ("", None), ("12", 12),
        ("-3", -3), ("+4", 4), ("0.5", 0.5), (".5", 0.5), ("1e3", 1000.0), ("007", 7),
    ],
)  # fmt: skip
def test_core_words_are_typed(word: str, value: object) -> None:
    """Numbers, truth values and nothing are what they look like."""
    assert {"key": value} == read(f"key: {word}")


@pytest.mark.parametrize("word", ["true", "12", "null", "0.5", ""])
def test_quotes_make_text(word: str) -> None:
    """Quoted words are text, block scalars too."""
    assert {"a": word, "b": word, "c": word} == read(f"a: '{word}'\nb: \"{word}\"\nc: |-\n  {word}")


def test_keys_are_text() -> None:
    """A key that looks like a number or truth value is its text."""
    assert read("1: 1\ntrue: 2\nno: 3") == {"1": 1, "true": 2, "no": 3}


@given(st.text(alphabet=st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1))
def test_quoted_text_comes_through_unchanged(text: str) -> None:
    """Whatever stands between single quotes is the value."""
    if any(character in text for character in "\x85\u2028\u2029\ufeff\ufffe\uffff"):
        return
    assert {"key": text} == read(f"key: '{text.replace(chr(39), chr(39) * 2)}'")


def test_duplicate_key_is_refused_with_both_lines() -> None:
    """The second key is the problem, and the first is named."""
    (problem,) = problems(MOCK + "server:\n  port: 1\n  port: 2\n")

    assert (problem.path, problem.line) == ("server.port", 4)
    assert "line 3" in (problem.hint or "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: &x 1", "anchors"),
        ("a: *x", "aliases"),
        ("a: {<<: {b: 1}}", "merge keys"),
        ("a: !!str 1", "tags"),
        ("a: !!python/object:os.system x", "tags"),
        ("a: 1\n---\nb: 2", "second document"),
        ("? {a: 1}\n: 2", "a key must be text"),
        ("- 1", "expected sections"),
        ("only words", "expected sections"),
        ("a: [1", "not valid YAML"),
        ("a: 'x", "not valid YAML"),
        ("a: b: c", "not valid YAML"),
        ('a: "\\UFFFFFFFF"', "out of range"),
        ('a: "\\ud800"', "surrogate"),
        ("a: \x07", "does not allow"),
        ("%YAML 1." + "9" * 5000 + "\n---\na: 1", "out of range"),
    ],
)
def test_what_hides_its_meaning_is_refused(text: str, says: str) -> None:
    """One clear problem with a line, and no crash."""
    (problem,) = problems(text)

    assert says in problem.message


def test_a_quoted_merge_key_is_an_ordinary_key() -> None:
    """Only the bare `<<` asks for a merge."""
    assert read("'<<': 1") == {"<<": 1}


def test_billion_laughs_are_refused_at_the_first_anchor() -> None:
    """Nothing is expanded, so nothing grows."""
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]

    assert [one.message for one in problems("\n".join(lines))] == ["anchors are not supported"]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_depth_is_bounded(opening: str) -> None:
    """A file cannot make the loader run out of stack."""
    (problem,) = problems("key:\n  " + opening * 5000)

    assert f"more than {MAX_DEPTH} levels" in problem.message


def test_number_of_values_is_bounded() -> None:
    """A file cannot hold more values than any configuration needs."""
    findings = Findings("file")

    parse("key: [" + "x," * MAX_VALUES + "]", findings)

    assert "values" in findings.errors[0].message


def test_lines_are_known_for_every_entry() -> None:
    """Records name the line of a rule."""
    text = (
        MOCK
        + "targets:\n  a: {provider: mock, model: m}\n"
        + "routes:\n  auto:\n    rules:\n      - use: a\n"
    )

    lines = loaded(text).lines

    assert (lines["targets.a"], lines["routes.auto"], lines["routes.auto.rules[0]"]) == (3, 5, 7)


def test_an_empty_section_is_as_if_absent() -> None:
    """A section whose entries are all commented out is not an error."""
    assert config(MOCK + "routes:\n").routes == {}


def test_an_empty_file_has_no_provider() -> None:
    """Nothing can be served without one."""
    assert paths("") == ["providers"]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
@example("\ufeff")
@example("a: \x85b")
@example("? ")
@example("- - - :")
@example("!<> a")
@example("%TAG ! tag:x,2000:\n--- a")
@example("a: |9\n b")
def test_arbitrary_text_loads_or_is_refused(text: str) -> None:
    """No text makes the loader fail in another way."""
    problems(text)


_KEYS = st.sampled_from(
    ["providers", "routes", "server", "a", "kind", "rules", "when", "use", "keys"]
)
_LEAVES = st.sampled_from(
    ["mock", "1", "true", "~", "'x'", "${A}", "$${", "${", "2s", "&a", "*a", "-1"]
)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.dictionaries(_KEYS, inner, max_size=4).map(
            lambda one: "{" + ", ".join(f"{key}: {value}" for key, value in one.items()) + "}"
        ),
        st.lists(inner, max_size=3).map(lambda one: f"[{', '.join(one)}]"),
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(_TREES)
def test_arbitrary_trees_load_or_are_refused(text: str) -> None:
    """Known keys in wrong places and shapes are problems, never crashes."""
    problems(text)
    problems(f"{MOCK}routes: {text}")
    problems(f"providers: {text}")


def test_parse_without_a_file_yields_an_empty_mapping() -> None:
    """A refused file has no entries that could be used by mistake."""
    assert Mapping(line=1) == parse("a: &x 1", Findings(None))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("providers:\n\topenai: {}", "spaces, not with tabs"),
        ("a:\n  b: 1\n    c: 2", "check the indentation"),
        ("a:\n  b: 1\n c: 2", "check the indentation"),
        ("a: {b: c", "quotes around it"),
    ],
)
def test_a_syntax_error_hints_at_what_it_mostly_is(text: str, hint: str) -> None:
    """The parser's own words help nobody who is new to YAML."""
    findings = Findings("file")
    parse(text, findings)

    [error] = findings.errors
    assert hint in str(error.hint)
