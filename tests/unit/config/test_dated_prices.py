"""Prices with a first day."""

from configuration_text import MOCK, loaded, problems

_MODEL = "prices: {models: {m: {input_usd_per_mtok: 1, output_usd_per_mtok: 2"
_END = "}}}\n"


def test_a_day_stays_text_in_the_file():
    """YAML would make a date of it."""
    price = loaded(f"{MOCK}\n{_MODEL}, valid_from: 2026-11-01{_END}").config.prices.models["m"]

    assert price.valid_from == "2026-11-01"


def test_what_is_no_day_and_what_never_counts_is_refused():
    """With the place in the file."""
    odd = problems(f"{MOCK}\n{_MODEL}, valid_from: 2026-13-01{_END}")
    earlier = "earlier: [{input_usd_per_mtok: 1, output_usd_per_mtok: x}]"
    never = problems(f"{MOCK}\n{_MODEL}, {earlier}{_END}")

    assert [each.path for each in odd] == ["prices.models.m.valid_from"]
    assert sorted(each.path for each in never) == [
        "prices.models.m.earlier",
        "prices.models.m.earlier[0].output_usd_per_mtok",
    ]
