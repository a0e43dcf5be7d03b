"""A prompt rule at work, told where people look: the SDK's error, `why`, the trace, the console."""

from collections.abc import Iterator

import openai
import pytest

from pointsman.config.data_folder import read_token
from running_instance import RunningInstance, running_instance, until

from running_gateway import get, run_command

CONFIG = """
providers: {mock: {kind: mock, default: true}}
targets:
  cloud: {provider: mock, model: gpt-4o}
  house: {provider: mock, model: llama3.1}
routes: {auto: {targets: [cloud]}}
policy:
  rules:
    secrets-at-home: {do: reroute, find: [secrets], use: house}
    personal: {do: redact, find: [email]}
    no-cards: {do: block, find: [credit_card], match: {NOT: {tier: internal}}}
"""
CARD, EMAIL, KEY = "4111 1111 1111 1111", "jane@example.org", "sk-proj-Ab3dEf6hIj9lMn2pQr5tUv8xY"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInstance]:
    with running_instance(tmp_path_factory.mktemp("guarded"), config=CONFIG) as running:
        running.wait_all_up()
        yield running


def ask(instance: RunningInstance, text: str) -> str:
    """Ask once; return the request id, of an error too."""
    with openai.OpenAI(base_url=f"{instance.url}/v1", api_key="any") as client:
        try:
            raw = client.chat.completions.with_raw_response.create(
                model="auto", messages=[{"role": "user", "content": text}]
            )
        except openai.BadRequestError as error:
            return str(error.response.headers["x-pointsman-request-id"])
        return str(raw.headers["x-pointsman-request-id"])


def why(instance: RunningInstance, request_id: str) -> str:
    told = run_command("why", request_id, "--data-dir", instance.data_dir, cwd=instance.data_dir)
    assert told.returncode == 0, told.stderr
    return " ".join(told.stdout.split())


def test_why_tells_what_each_rule_did_and_never_what_it_found(instance: RunningInstance):
    """PO-04: rule, place in the file, outcome and counts, for a detour with redaction."""
    request_id = ask(instance, f"Mail {EMAIL} that {KEY} is lost")

    told = why(instance, request_id)

    assert "because a prompt rule sends such requests there" in told
    assert "secrets-at-home" in told
    assert "rerouted the prompt to house (api_key 1)" in told
    assert "redacted the prompt (email 1)" in told
    assert "it is not the one asked for since a guardrail changed it" in told
    assert "pointsman.yaml:10" in told
    assert EMAIL not in told
    assert KEY not in told


def test_why_tells_of_a_block_with_both_values_of_its_condition(instance: RunningInstance):
    """A refused request has the same record as a served one."""
    told = why(instance, ask(instance, f"My card is {CARD}"))

    assert "no-cards blocked the prompt (credit_card 1)" in told
    assert "guardrail_blocked" in told
    assert "tier is internal, there was none" in told
    assert CARD not in told


def test_what_is_kept_of_a_redacted_prompt_is_what_was_sent(instance: RunningInstance):
    """Invariant 12: neither the record nor the content has the value."""
    request_id = ask(instance, f"Write to {EMAIL}")
    headers = {"authorization": f"Bearer {read_token(instance.data_dir, 'admin')}"}
    detail = f"{instance.collector_url}/api/v1/requests/{request_id}"
    until(lambda: get(detail, headers)[0] == 200, "the request is in the store")

    content = get(f"{detail}/content", headers)[2].decode()

    assert "[redacted: email]" in content
    assert EMAIL not in content
    assert EMAIL not in get(detail, headers)[2].decode()
