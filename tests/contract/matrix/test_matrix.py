"""Every client with every provider family, over real sockets and the clients' own code (MG-01)."""

import json

import pytest

from compatibility import CLIENTS, FAMILIES, FEATURES, PAGE, Feature, page, remark
from matrix_field import Field
from sdk_clients import Ask, Seen, StatusSeenError
from vendors.scenarios import Reasoning, Scenario, Text, ToolCall


@pytest.mark.parametrize("feature", FEATURES, ids=lambda each: each.name)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_sees_what_the_provider_said(
    client: str, family: str, feature: Feature, field: Field, request: pytest.FixtureRequest
):
    """GB-01, MG-01: only the base URL changed; nothing of the answer is lost or made up."""
    ask: Ask = CLIENTS[client] or request.getfixturevalue("vercel")
    vendor = field.vendors[family]
    vendor.forget()  # a cell that failed must not answer for this one
    vendor.next(feature.scenario)

    if feature.status is not None:
        with pytest.raises(StatusSeenError) as raised:
            ask(field.url, family, feature.wish)
        assert raised.value.status == feature.status
        return
    seen = ask(field.url, family, feature.wish)

    assert vendor.failures == []
    wanted = _wanted(feature.scenario)
    if remark(client, family, feature) is not None:
        wanted.reasoning = ""
    assert (seen.text, seen.calls, seen.reasoning) == (wanted.text, wanted.calls, wanted.reasoning)
    assert (seen.input_tokens, seen.output_tokens) == (wanted.input_tokens, wanted.output_tokens)


def test_the_page_says_what_the_tests_prove():
    """MG-14: compatibility is verified, not assumed."""
    assert PAGE.read_text() == page(), "run `make contract`"


def _wanted(scenario: Scenario) -> Seen:
    usage = scenario.usage
    return Seen(
        "".join(part.text for part in scenario.parts if isinstance(part, Text)),
        [
            (part.name, json.loads(part.arguments_text))
            for part in scenario.parts
            if isinstance(part, ToolCall)
        ],
        "".join(part.text for part in scenario.parts if isinstance(part, Reasoning)),
        usage.all_input_tokens,
        usage.all_output_tokens,
    )
