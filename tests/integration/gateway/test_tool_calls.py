"""Tool calls that break what was declared: told, or asked for once more, over real sockets."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from sdk_clients import TOOL
from vendors import scenarios
from vendors.openai_api import OpenaiApi
from vendors.said import WEATHER_SCHEMA
from vendors.scenarios import ToolCall

from running_gateway import running_gateway

CONFIG = """
providers: {{p: {{kind: openai, base_url: "{url}/v1", api_key: "{key}"}}}}
targets: {{t: {{provider: p, model: gpt-4o-mini}}}}
tool_calls: {{on_invalid: {on_invalid}}}
"""
INVENTED = scenarios.TOOLS.but(
    parts=(ToolCall("get_weather", {"city": "Oslo", "unit": "celsius", "mood": "gloomy"}),)
)
MESSAGES: Any = [{"role": "user", "content": "hello"}]
TOOLS: Any = [TOOL]


@contextmanager
def served(folder: Path, on_invalid: str) -> Iterator[tuple[str, OpenaiApi]]:
    """Start a vendor and a gateway before it."""
    with OpenaiApi() as vendor:
        config = CONFIG.format(url=vendor.url, key=vendor.key, on_invalid=on_invalid)
        with running_gateway(folder, config=config) as gateway:
            yield gateway.url, vendor


def ask(url: str) -> tuple[Any, str | None]:
    """Return the decoded answer with its record, and the header about tool calls."""
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0)
    with client:
        raw = client.chat.completions.with_raw_response.create(
            model="t",
            messages=MESSAGES,
            tools=TOOLS,
            extra_headers={"x-pointsman-explain": "true"},
        )
    return raw.parse(), raw.headers.get("x-pointsman-tool-calls")


def attempts_of(answer: Any) -> list[dict[str, Any]]:
    """Return the attempts of the record in an answer."""
    return list(answer.pointsman["decision"]["attempts"])


def test_a_bad_call_is_passed_on_with_a_flag(tmp_path: Path):
    """MM-06: the client gets what the model wrote, and is told what is wrong with it."""
    with served(tmp_path, "flag") as (url, vendor):
        vendor.next(INVENTED)
        answer, flag = ask(url)

    [attempt] = attempts_of(answer)
    assert flag == "invented_parameter"
    assert attempt["tool_calls"] == [
        {"name": "get_weather", "outcome": "invented_parameter", "violations": ["mood"]}
    ]
    assert "gloomy" in answer.choices[0].message.tool_calls[0].function.arguments


def test_a_good_call_has_no_flag(tmp_path: Path):
    """Silence means that all is well, and the record says it was looked at."""
    with served(tmp_path, "repair") as (url, vendor):
        vendor.next(scenarios.TOOLS)
        answer, flag = ask(url)

    assert flag is None
    assert [each["outcome"] for each in attempts_of(answer)[0]["tool_calls"]] == ["ok"]
    assert len(vendor.received) == 1


@pytest.mark.parametrize("bad", [INVENTED, scenarios.MALFORMED_TOOLS, scenarios.UNKNOWN_TOOL])
def test_a_bad_call_is_asked_for_again_with_what_was_wrong(tmp_path: Path, bad):
    """One repair, an attempt of its own; the request costs what both answers cost."""
    with served(tmp_path, "repair") as (url, vendor):
        vendor.next(bad, scenarios.TOOLS)
        answer, flag = ask(url)

    first, second = attempts_of(answer)
    assert ("kind" in first, second["kind"]) == (False, "repair")
    assert flag is None
    assert answer.choices[0].message.tool_calls[0].function.name == "get_weather"
    asked = vendor.last.json["messages"]
    assert [message["role"] for message in asked] == ["user", "assistant", "tool"]
    assert asked[2]["tool_call_id"] == asked[1]["tool_calls"][0]["id"]
    assert "Invalid call" in asked[2]["content"]
    costs = [each["cost"]["total_nano_usd"] for each in (first, second)]
    assert answer.pointsman["decision"]["cost"]["total_nano_usd"] == sum(costs)


def test_what_is_still_wrong_after_the_repair_is_flagged(tmp_path: Path):
    """A model is asked once more, not for ever."""
    with served(tmp_path, "repair") as (url, vendor):
        vendor.next(INVENTED, INVENTED)
        _, flag = ask(url)

    assert flag == "invented_parameter"
    assert len(vendor.received) == 2


def test_a_repair_that_fails_leaves_the_first_answer(tmp_path: Path):
    """The client is not worse off for the gateway having tried."""
    with served(tmp_path, "repair") as (url, vendor):
        vendor.next(INVENTED, scenarios.ERROR_400)
        answer, flag = ask(url)

    assert flag == "invented_parameter"
    assert answer.choices[0].message.tool_calls[0].function.name == "get_weather"
    first = attempts_of(answer)[0]
    assert answer.pointsman["decision"]["cost"] == first["cost"]


def test_a_stream_is_judged_at_its_end(tmp_path: Path):
    """Its calls have reached the client by then; the metric tells."""
    with served(tmp_path, "flag") as (url, vendor):
        vendor.next(INVENTED)
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0)
        with client:
            stream = client.chat.completions.create(
                model="t", messages=MESSAGES, tools=TOOLS, stream=True
            )
            assert list(stream)
            told = 'pointsman_tool_calls_total{outcome="invented_parameter",target="t"} 1.0'
            deadline = time.monotonic() + 5
            # The stream is recorded right after its last byte.
            while told not in client._client.get(f"{url}/metrics").text:
                assert time.monotonic() < deadline


def test_a_repair_speaks_the_clients_dialect(tmp_path: Path):
    """Messages to a chat provider: the feedback is a result with an error in both."""
    with served(tmp_path, "repair") as (url, vendor):
        vendor.next(INVENTED, scenarios.TOOLS)
        with anthropic.Anthropic(base_url=url, api_key="any", max_retries=0) as client:
            message = client.messages.create(
                model="t",
                max_tokens=99,
                messages=MESSAGES,
                tools=[{"name": "get_weather", "input_schema": WEATHER_SCHEMA}],
            )

    assert message.content[0].model_dump()["input"] == {"city": "Oslo", "unit": "celsius"}
    assert [each["role"] for each in vendor.last.json["messages"]] == ["user", "assistant", "tool"]
