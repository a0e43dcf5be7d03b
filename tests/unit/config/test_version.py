"""The version of a configuration."""

import re

from configuration_text import MOCK, loaded

TEXT = MOCK + "targets: {a: {provider: mock, model: m}, b: {provider: mock, model: m}}\n"


def test_the_version_is_sixteen_hex_digits_and_always_the_same() -> None:
    """Records name it, so it must not depend on the process."""
    assert re.fullmatch("[0-9a-f]{16}", loaded(TEXT).version)
    assert loaded(TEXT).version == loaded(TEXT).version


def test_comments_layout_and_written_out_defaults_do_not_change_it() -> None:
    """Only what decides does."""
    same = "# hello\nserver:\n    port:  3100 # the default\n" + TEXT

    assert loaded(TEXT).version == loaded(same).version


def test_a_changed_value_changes_it() -> None:
    """Also the smallest."""
    assert loaded(TEXT).version != loaded(TEXT + "server: {port: 3101}").version


def test_the_order_of_targets_changes_it() -> None:
    """A model of several targets is served by the first."""
    other = MOCK + "targets: {b: {provider: mock, model: m}, a: {provider: mock, model: m}}\n"

    assert loaded(TEXT).version != loaded(other).version


def test_a_rotated_secret_changes_it() -> None:
    """A reload must notice."""
    text = 'providers: {o: {kind: openai, api_key: "${KEY}"}}'

    assert loaded(text, KEY="one").version != loaded(text, KEY="two").version
    assert loaded(text, KEY="one").version == loaded(text, KEY="one").version
