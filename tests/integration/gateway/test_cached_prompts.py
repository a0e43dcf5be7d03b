"""A prompt that the provider keeps in its cache: counts in each dialect, and the exact bill."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import msgspec
import openai
import pytest

from pointsman.core.records import CallRecord
from pointsman.store.charge_of_call import charge_rows
from vendors.anthropic_api import AnthropicApi
from vendors.scenarios import CACHED, Usage

from running_gateway import running_gateway

CONFIG = """
providers: {{claude: {{kind: anthropic, base_url: "{url}", api_key: "{key}"}}}}
targets: {{t: {{provider: claude, model: claude-haiku-4-5}}}}
"""
KEPT = CACHED.but(usage=Usage(9, 1024, 128, 12, cache_write_1h_tokens=100))
MESSAGES: Any = [{"role": "user", "content": "Hello"}]
EXPLAIN = {"x-pointsman-explain": "true"}
BILL = {
    # Claude Haiku 4.5 in nano-dollars: 1,000 a token in, 5,000 out, a tenth for what is read from
    # the cache, 1.25 times for what is written to it, twice for what is to stay an hour.
    "cache_read_tokens": 1024 * 100,
    "cache_write_1h_tokens": 100 * 2_000,
    "cache_write_tokens": 28 * 1_250,
    "input_tokens": 9 * 1_000,
    "output_tokens": 12 * 5_000,
}


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A gateway before a vendor that answers once, about a cached prompt."""
    with AnthropicApi() as vendor:
        vendor.next(KEPT)
        config = CONFIG.format(url=vendor.url, key=vendor.key)
        with running_gateway(tmp_path, config=config) as gateway:
            yield gateway.url


def assert_billed(told: Any) -> None:
    """Check the record's bill, and what a store keeps of it, to the nano-dollar."""
    record = msgspec.convert(told["decision"], CallRecord)
    assert record.cost is not None
    assert {line.unit: line.nano_usd for line in record.cost.lines} == BILL
    assert record.cost.total_nano_usd == sum(BILL.values()) == 406_400
    [charge] = charge_rows(record)
    assert charge.cost_nano_usd == 406_400
    assert (charge.cache_write_tokens, charge.cache_write_1h_tokens) == (128, 100)


def test_a_client_of_anthropic_sees_its_counts_and_the_bill_is_exact(url: str):
    """OBS-21, OBS-24: cache tokens beside the input, written ones by how long they stay."""
    with anthropic.Anthropic(base_url=url, api_key="any", max_retries=0) as client:
        message = client.messages.create(
            model="t", max_tokens=99, messages=MESSAGES, extra_headers=EXPLAIN
        )

    usage = message.usage
    assert (usage.input_tokens, usage.output_tokens) == (9, 12)
    assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (1024, 128)
    assert usage.cache_creation is not None
    assert usage.cache_creation.ephemeral_1h_input_tokens == 100
    assert usage.cache_creation.ephemeral_5m_input_tokens == 28
    assert_billed((message.model_extra or {})["pointsman"])


def test_a_client_of_openai_sees_its_counts_and_the_bill_is_exact(url: str):
    """OBS-24: what was cached is part of the prompt there, and priced once."""
    with openai.OpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0) as client:
        answer = client.chat.completions.create(model="t", messages=MESSAGES, extra_headers=EXPLAIN)

    usage = answer.usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (1161, 12)
    assert usage.total_tokens == 1173
    assert usage.prompt_tokens_details is not None
    assert usage.prompt_tokens_details.cached_tokens == 1024
    assert_billed((answer.model_extra or {})["pointsman"])
