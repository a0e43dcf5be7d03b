"""The price book against the library that its rates come from."""

import subprocess
import sys
from datetime import UTC, datetime
from decimal import ROUND_CEILING

import genai_prices
import pytest
from genai_prices.data import providers
from genai_prices.types import ModelPrice
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.config.price import PriceConfig, PricesConfig, RatesConfig
from pointsman.core.errors import ConfigError
from pointsman.core.usage import Usage
from pointsman.cost.catalogue import PRICE_PROVIDERS
from pointsman.cost.prices import DEFAULT_OUTPUT_TOKENS, PriceBook

AT = 1_790_000_000_000_000_000
TELEMETRY_NAMES = {ids[0]: name for name, ids in PRICE_PROVIDERS.items() if len(ids) == 1}
TOKEN_KEYS = {
    "input_mtok",
    "output_mtok",
    "cache_read_mtok",
    "cache_write_mtok",
    "cache_write_1h_mtok",
    "output_reasoning_mtok",
    "requests_kcount",
}
IGNORED_KEYS = {"web_searches_kcount", "storage_searches_kcount"}


def blocks(model):
    return (
        [model.prices]
        if isinstance(model.prices, ModelPrice)
        else [entry.prices for entry in model.prices]
    )


def is_priced_by_tokens(model) -> bool:
    keys = [{k for k, v in block.__dict__.items() if v is not None} for block in blocks(model)]
    wanted = {"input_mtok", "output_mtok"}
    return all(wanted <= each <= TOKEN_KEYS | IGNORED_KEYS for each in keys)


MODELS = [
    (provider.id, model.id)
    for provider in providers
    if provider.id in TELEMETRY_NAMES
    for model in provider.models
    if (found := provider.find_model(model.id)) is not None and is_priced_by_tokens(found)
]
small = st.integers(0, 3_000_000)
BOOK = PriceBook(PricesConfig(), "test")


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return BOOK


def theirs(provider: str, model: str, usage: Usage, at_unix_ns: int) -> int:
    """What the library's own calculation gives, in nano-USD rounded up."""
    counts = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "cache_write_1h_tokens": usage.cache_write_1h_tokens,
        "output_reasoning_tokens": usage.reasoning_tokens,
    }
    price = genai_prices.calc_price(
        genai_prices.Usage(**counts),
        model,
        provider_id=provider,
        genai_request_timestamp=datetime.fromtimestamp(at_unix_ns // 10**9, UTC),
    )
    return int((price.total_price * 10**9).to_integral_value(rounding=ROUND_CEILING))


def test_the_sample_of_models_is_a_real_one():
    """The property below would prove nothing about an empty list."""
    assert len(MODELS) > 500
    assert ("openai", "gpt-4o-mini") in MODELS
    assert ("deepseek", "deepseek-chat") in MODELS


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(MODELS),
    small,
    small,
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(1_700_000_000, 1_800_000_000),
)
def test_our_bill_equals_the_librarys_rounded_up(model, i, o, read, write, kept, reason, at_s):
    """Same usage, same moment: same money, at most one nano-USD more per line."""
    provider, name = model
    cached = int(i * read)
    written = int((i - cached) * write)
    usage = Usage(i, o, cached, written, int(o * reason), cache_write_1h_tokens=int(written * kept))
    at_unix_ns = at_s * 10**9

    cost = BOOK.cost_of(TELEMETRY_NAMES[provider], name, usage, at_unix_ns)

    expected = theirs(provider, name, usage, at_unix_ns)
    assert cost.total_nano_usd is not None
    # A few published rates are finer than a nano-USD per million: up to one more per million.
    slack = sum(1 + line.quantity // 1_000_000 for line in cost.lines)
    assert expected <= cost.total_nano_usd <= expected + slack


def test_a_known_model_costs_what_its_price_list_says(book):
    """GPT-4o mini: $0.15 in, $0.60 out, $0.075 cached, per million tokens."""
    cost = book.cost_of("openai", "gpt-4o-mini", Usage(1_000_000, 1_000_000, 400_000), AT)

    assert cost.total_nano_usd == 600_000_000 + 90_000_000 + 30_000_000
    assert cost.price_version == f"genai-prices {genai_prices.__version__}"


def test_a_dated_name_is_the_same_model(book):
    """Providers answer with the dated name."""
    dated = book.cost_of("openai", "gpt-4o-mini-2024-07-18", Usage(10, 10), AT)

    assert dated == book.cost_of("openai", "gpt-4o-mini", Usage(10, 10), AT)


@pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "nobody-knows"), ("my-vllm", "gpt-4o-mini"), ("openai", ""), ("openai", "g" * 999)],
)
def test_an_unknown_model_has_no_cost(book, provider, model):
    """AP-18: unknown is unknown, never 0, and also not a bound."""
    cost = book.cost_of(provider, model, Usage(10, 10), AT)

    assert cost.total_nano_usd is None
    assert cost.lines == []
    assert book.upper_bound(provider, model, 10, 10, AT) is None


def test_a_model_with_an_empty_price_list_is_unknown_unless_its_name_says_free(book):
    """The data writes both `free` and `no longer listed` as no prices at all."""
    unlisted = book.cost_of("cerebras", "qwen-3-coder-480b", Usage(10, 10), AT)
    free = book.cost_of("openrouter", "agentica-org/deepcoder-14b-preview:free", Usage(10, 10), AT)

    assert unlisted.total_nano_usd is None
    assert free.total_nano_usd == 0


def test_an_unknown_provider_is_matched_by_model_only_when_that_was_asked_for():
    """A stranger with a familiar model name may charge anything."""
    matching = PriceBook(PricesConfig(), "test", match_any_provider=True)

    assert matching.cost_of("my-proxy", "gpt-4o-mini", Usage(10, 10), AT).total_nano_usd == 7_500


def test_a_mock_call_costs_what_the_named_model_would():
    """The demo shows money; the record says that it is a mock."""
    mock = BOOK.cost_of("mock", "gpt-4o-mini", Usage(10, 10), AT)
    claude = BOOK.cost_of("mock", "claude-sonnet-4-5", Usage(10, 10), AT)

    assert mock == BOOK.cost_of("openai", "gpt-4o-mini", Usage(10, 10), AT)
    assert claude == BOOK.cost_of("anthropic", "claude-sonnet-4-5", Usage(10, 10), AT)
    assert claude.total_nano_usd


def test_an_override_wins_and_names_the_configuration():
    """AP-18: prices are configuration, changed without a deployment."""
    price = PriceConfig(
        input_usd_per_mtok="1", output_usd_per_mtok=2.5, request_usd_per_kcount="0.5"
    )
    book = PriceBook(PricesConfig(models={"gpt-4o-mini": price}), "abc")

    cost = book.cost_of("openai", "gpt-4o-mini", Usage(1000, 1000), AT)

    assert cost.total_nano_usd == 1_000_000 + 2_500_000 + 500_000
    assert cost.price_version == "config abc"


def test_an_override_for_one_provider_wins_over_one_for_the_model():
    """`provider/model` is the more exact name; the configured provider name works too."""
    cheap = PriceConfig(input_usd_per_mtok=1, output_usd_per_mtok=1)
    dear = PriceConfig(input_usd_per_mtok=9, output_usd_per_mtok=9)
    book = PriceBook(
        PricesConfig(models={"llama": cheap, "nim/llama": dear}),
        "abc",
        telemetry_names={"nim": "openai"},
    )

    assert book.cost_of("nim", "llama", Usage(1, 0), AT).total_nano_usd == 9000
    assert book.cost_of("groq", "llama", Usage(1, 0), AT).total_nano_usd == 1000


def test_a_configured_provider_name_is_priced_as_its_vendor():
    """Callers may pass the name that the configuration gives."""
    book = PriceBook(PricesConfig(), "abc", telemetry_names={"work": "openai"})

    assert book.cost_of("work", "gpt-4o-mini", Usage(10, 10), AT).total_nano_usd == 7_500


def test_every_bad_override_is_reported():
    """A configuration lists all its problems."""
    bad = PriceConfig(input_usd_per_mtok="cheap", output_usd_per_mtok=-1)

    with pytest.raises(ConfigError) as raised:
        PriceBook(PricesConfig(models={"m": bad}), "abc")

    assert [problem.path for problem in raised.value.problems] == [
        "prices.models.m.input_usd_per_mtok",
        "prices.models.m.output_usd_per_mtok",
    ]


def test_history_can_be_priced_again_with_other_rates():
    """AP-19: raw counts are enough to re-cost."""
    usage = Usage(1000, 500, cache_read_tokens=100)
    dearer = PriceConfig(input_usd_per_mtok="0.30", output_usd_per_mtok="1.20")

    before = BOOK.cost_of("openai", "gpt-4o-mini", usage, AT).total_nano_usd
    after = PriceBook(PricesConfig(models={"openai/gpt-4o-mini": dearer}), "next")

    assert before == 135_000 + 7_500 + 300_000
    assert after.cost_of("openai", "gpt-4o-mini", usage, AT).total_nano_usd == 900_000


def test_prices_by_hour_of_the_day_are_honoured(book):
    """DeepSeek is cheaper off peak; 00:30 to 16:30 UTC was the dearer time in March 2025."""
    noon = int(datetime(2025, 3, 1, 12, tzinfo=UTC).timestamp()) * 10**9
    night = int(datetime(2025, 3, 1, 20, tzinfo=UTC).timestamp()) * 10**9
    usage = Usage(1_000_000, 0)

    by_day = book.cost_of("deepseek", "deepseek-reasoner", usage, noon).total_nano_usd
    by_night = book.cost_of("deepseek", "deepseek-reasoner", usage, night).total_nano_usd

    assert by_day == theirs("deepseek", "deepseek-reasoner", usage, noon)
    assert by_night == theirs("deepseek", "deepseek-reasoner", usage, night)


def test_an_estimate_is_marked_on_its_cost(book):
    """AP-17: estimated usage gives an estimated cost, known model or not."""
    assert book.cost_of("openai", "gpt-4o-mini", Usage(1, 1, estimated=True), AT).estimated
    assert book.cost_of("openai", "nobody", Usage(1, 1, estimated=True), AT).estimated


def test_the_upper_bound_takes_the_requests_own_limit_or_the_default(book):
    """Without a bound of the request, 4096 tokens are assumed, or what the context leaves."""
    bounded = book.upper_bound("openai", "gpt-4o-mini", 1000, 100, AT)
    open_ended = book.upper_bound("openai", "gpt-4o-mini", 1000, None, AT)
    full = book.upper_bound("openai", "gpt-4o-mini", 10**6, None, AT)

    assert bounded == 150_000 + 60_000
    assert open_ended == 150_000 + DEFAULT_OUTPUT_TOKENS * 600
    assert full == 150_000_000


def test_the_memory_of_models_is_bounded_whatever_names_are_asked_for():
    """Names come from callers: known and unknown ones share one bound."""
    book = PriceBook(PricesConfig(), "test", max_compiled=3)

    for number in range(10):
        book.cost_of("openai", f"nobody-{number}", Usage(1, 1), AT)
        book.cost_of("openai", f"gpt-4o-mini-{number}", Usage(1, 1), AT)

    assert len(book._compiled) == 3


def test_warming_compiles_the_named_models_before_the_first_request():
    """The price data is read at start, not on the path of a request."""
    book = PriceBook(PricesConfig(), "test")

    book.warm([("openai", "gpt-4o-mini"), ("openai", "nobody")])

    assert list(book._compiled) == [("openai", "gpt-4o-mini"), ("openai", "nobody")]
    assert book._catalogue is not None


def test_an_override_without_context_is_bounded_by_the_default():
    """An override has no context size; 4096 tokens are assumed."""
    price = PriceConfig(input_usd_per_mtok=1, output_usd_per_mtok=1)
    book = PriceBook(PricesConfig(models={"mine": price}), "test")

    assert book.upper_bound("openai", "mine", 10, None, AT) == 10_000 + 4_096_000


def test_importing_the_room_reads_no_price_data():
    """Importing opens nothing and costs nothing; `warm` does, when it is called."""
    code = "import sys, pointsman.cost.prices; print('genai_prices' in sys.modules)"

    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert result.stdout.strip() == "False"


def day_ns(text: str) -> int:
    """Return the first nanosecond of a day in UTC."""
    return int(datetime.fromisoformat(f"{text}T00:00:00+00:00").timestamp()) * 1_000_000_000


def test_rates_with_a_first_day_hold_from_then_on():
    """Before it, earlier rates of the file count, and before those the bundled data (AP-18)."""
    older = RatesConfig(input_usd_per_mtok=2, output_usd_per_mtok=2, valid_from="2026-06-01")
    newer = PriceConfig(
        input_usd_per_mtok=5, output_usd_per_mtok=5, valid_from="2026-11-01", earlier=[older]
    )
    dated = PriceBook(PricesConfig(models={"gpt-4o-mini": newer}), "test")
    usage = Usage(input_tokens=1_000, output_tokens=0)

    def cost_at(day):
        return dated.cost_of("openai", "gpt-4o-mini", usage, day_ns(day))

    assert cost_at("2026-11-01").total_nano_usd == 5_000_000
    assert cost_at("2026-10-31").total_nano_usd == 2_000_000
    assert cost_at("2026-05-31") == BOOK.cost_of("openai", "gpt-4o-mini", usage, 0)
    assert cost_at("2026-11-02").price_version == "config test"
    assert dated.upper_bound("openai", "gpt-4o-mini", 1_000, 0, day_ns("2026-07-01")) == 2_000_000


def test_rates_with_a_first_day_leave_what_was_unknown_before_unknown():
    """A price of tomorrow says nothing about yesterday."""
    rates = PriceConfig(input_usd_per_mtok=5, output_usd_per_mtok=5, valid_from="2026-11-01")
    dated = PriceBook(PricesConfig(models={"in-house": rates}), "test")
    usage = Usage(input_tokens=10, output_tokens=10)

    assert dated.cost_of("local", "in-house", usage, day_ns("2026-10-31")).total_nano_usd is None
    assert dated.upper_bound("local", "in-house", 10, 10, day_ns("2026-10-31")) is None
    assert dated.cost_of("local", "in-house", usage, day_ns("2026-11-01")).total_nano_usd == 100_000


def test_a_first_day_must_be_one():
    """The configuration is refused."""
    rates = PriceConfig(input_usd_per_mtok=5, output_usd_per_mtok=5, valid_from="soon")

    with pytest.raises(ConfigError, match="not a day"):
        PriceBook(PricesConfig(models={"m": rates}), "test")


def test_a_book_says_which_prices_it_has():
    """The operator's by the configuration, the bundled ones by their release."""
    assert BOOK.version == f"config test, genai-prices {genai_prices.__version__}"
