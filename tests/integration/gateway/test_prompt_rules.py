"""Prompt rules at a running gateway: what providers see, what clients get, what is recorded."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import anthropic
import msgspec
import openai
import pytest

from pointsman.core.explain import paragraph, tree
from pointsman.core.records import CallRecord
from watched_gateway import Upstream, WatchedGateway, client_of, until, upstreams, watched_gateway

from running_gateway import get, post

CARD = "4111 1111 1111 1111"
EMAIL = "jane.doe@mail.example.org"
KEY = "sk-proj-Ab3dEf6hIj9lMn2pQr5tUv8xYz1"
CONFIG = """
providers:
  cloud: {{kind: openai, base_url: "http://127.0.0.1:{cloud}/v1", default: true}}
  house: {{kind: openai, base_url: "http://127.0.0.1:{house}/v1"}}
targets:
  large: {{provider: cloud, model: gpt-4o}}
  llama: {{provider: house, model: llama3.1}}
  cheap: {{provider: cloud, model: gpt-4o-mini}}
routes:
  auto: {{targets: [large, cheap]}}
prices:
  models: {{llama3.1: {{input_usd_per_mtok: "5", output_usd_per_mtok: "10"}}}}
policy:
"""


class Scene:
    """A gateway with some rules, a provider far away and one in the house."""

    def __init__(self, gateway: WatchedGateway, cloud: Upstream, house: Upstream) -> None:
        self.gateway = gateway
        self.cloud = cloud
        self.house = house

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.port}"

    @property
    def record(self) -> CallRecord:
        """The last one; nothing that a rule looks for may be anywhere in it."""
        record = self.gateway.records[-1]
        text = msgspec.json.encode(record).decode()
        assert not any(value in text for value in (CARD, EMAIL, KEY))
        return record

    async def ask(self, text: str, model: str = "auto", **options) -> str:
        """Return the content of a whole answer."""
        async with client_of(self.gateway, max_retries=2) as client:
            answer = await client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": text}], **options
            )
        return answer.choices[0].message.content

    async def read(self, text: str, model: str = "auto") -> str:
        """Return the content of a streamed answer, in one piece."""
        async with client_of(self.gateway, max_retries=0) as client:
            stream = await client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": text}], stream=True
            )
            async with stream:
                return "".join(
                    [
                        choice.delta.content or ""
                        async for chunk in stream
                        for choice in chunk.choices
                    ]
                )


@contextlib.asynccontextmanager
async def scene(folder: Path, policy: str) -> AsyncIterator[Scene]:
    async with upstreams("cloud", "house") as up:
        ports = {name: one.server.port for name, one in up.items()}
        lines = "".join(f"  {line}\n" for line in policy.strip().splitlines())
        async with watched_gateway(folder, CONFIG.format(**ports) + lines) as gateway:
            yield Scene(gateway, up["cloud"], up["house"])


def outcomes(record: CallRecord) -> list[tuple[str, str, str, dict[str, int]]]:
    return [
        (made.rule.removeprefix("policy.rules."), made.side, made.outcome, made.counts)
        for made in record.policy
    ]


async def test_a_blocked_prompt_reaches_no_provider_and_is_not_tried_again(tmp_path: Path):
    """PO-04: 400 with the rule's name, no value; the SDK does not retry; the record says where."""
    async with scene(tmp_path, "rules: {no-cards: {do: block, find: [credit_card]}}") as here:
        with pytest.raises(openai.BadRequestError) as refused:
            await here.ask(f"My card is {CARD}, is it valid?")
        record = here.record

    error = refused.value
    assert error.code == "guardrail_blocked"
    assert error.body["metadata"] == {
        "rule": "policy.rules.no-cards",
        "side": "prompt",
        "found": {"credit_card": 1},
    }
    assert error.response.headers["x-should-retry"] == "false"
    assert error.response.headers["x-pointsman-policy"] == "no-cards=blocked"
    assert CARD not in str(error)
    assert here.cloud.calls == 0
    assert len(here.gateway.records) == 1
    assert (record.outcome, record.status, record.attempts) == ("refused", 400, [])
    assert outcomes(record) == [("no-cards", "prompt", "blocked", {"credit_card": 1})]
    assert (record.policy[0].file, record.policy[0].line) == ("pointsman.yaml", 14)
    assert "policy.rules.no-cards blocked the prompt (credit_card 1)" in paragraph(record)


async def test_a_redacted_prompt_is_what_the_provider_sees_and_what_is_kept(tmp_path: Path):
    """PO-04: markers in the place of values; the same text in the provider's body and on disk."""
    rules = """
rules:
  personal: {do: redact, find: [personal], patterns: {order_id: 'ORD-[0-9]{6}'}}
"""
    async with scene(tmp_path, rules) as here:
        echo = await here.ask(f"Write to {EMAIL} about ORD-123456.")
        record = here.record

    assert "Write to [redacted: email] about [redacted: order_id]." in echo
    assert outcomes(record) == [
        ("personal", "prompt", "redacted", {"email": 1, "order_id": 1}),
    ]
    assert record.outcome == "success"


async def test_a_flag_and_a_dry_run_change_nothing_and_are_told(tmp_path: Path):
    """PO-04: what a rule would do can be watched before it does it."""
    rules = """
rules:
  watch: {do: flag, find: [email]}
  later: {do: block, find: [email], dry_run: true}
  others: {do: block, match: {tenant: acme}}
"""
    async with scene(tmp_path, rules) as here:
        echo = await here.ask(f"Write to {EMAIL}.")
        metrics = (await asyncio.to_thread(get, f"{here.url}/metrics"))[2].decode()
        record = here.gateway.records[-1]

    assert EMAIL in echo
    assert [(made.outcome, made.dry_run) for made in record.policy] == [
        ("flagged", False),
        ("blocked", True),
        ("not_matched", False),
    ]
    assert record.policy[2].condition.parts or record.policy[2].condition.fact == "tenant"
    assert "would have blocked the prompt (email 1)" in paragraph(record)
    assert "tenant is acme" in tree(record)
    labels = 'outcome="dry_run",rule="policy.rules.later",side="prompt"'
    assert f"pointsman_prompt_rules_total{{{labels}}} 1.0" in metrics


async def test_a_rerouted_request_goes_where_the_rule_says_and_nowhere_else(tmp_path: Path):
    """PO-04: secrets stay in the house; when that fails, nobody else sees them."""
    rules = "rules: {secrets: {do: reroute, find: [secrets], use: llama}}"
    async with scene(tmp_path, rules) as here:
        await here.ask(f"What is wrong with {KEY}?")
        served = here.record
        assert here.cloud.calls == 0
        here.house.play({"status": 500}, repeat=True)
        with pytest.raises(openai.APIStatusError):
            await here.ask(f"What is wrong with {KEY}?")
        failed = here.record
        clean = await here.ask("What is wrong?")
        calls = here.cloud.calls

    assert (served.served_target, served.reason) == ("llama", "guardrail")
    assert served.requested_vs_served == "guardrail"
    assert [candidate.target for candidate in served.candidates] == ["llama"]
    assert {attempt.target for attempt in failed.attempts} == {"llama"}
    assert clean.startswith("Mock gateway response from gpt-4o")
    assert calls == 1


@pytest.mark.parametrize("named_models", ["refuse", "replace"])
async def test_a_model_that_the_caller_named_is_not_changed_silently(
    tmp_path: Path, named_models: str
):
    """CP-10, §19.4: refused, or replaced and told, as the rule says."""
    rules = (
        "rules: {secrets: {do: reroute, find: [secrets], use: llama,"
        f" named_models: {named_models}}}}}"
    )
    async with scene(tmp_path, rules) as here:
        if named_models == "refuse":
            with pytest.raises(openai.BadRequestError, match="sends this prompt to another model"):
                await here.ask(f"What is {KEY}?", model="gpt-4o")
        else:
            await here.ask(f"What is {KEY}?", model="gpt-4o")
        record = here.record

    assert here.cloud.calls == 0
    if named_models == "replace":
        assert record.override_rejected == "gpt-4o: guardrail"
        assert record.override_source is None
        assert record.requested_vs_served == "guardrail"
    else:
        assert record.error.code == "guardrail_blocked"


async def test_a_budget_does_not_undo_a_detour(tmp_path: Path):
    """A cheaper target may be cheaper because it is somewhere else."""
    rules = """
tenants: {acme: {budget_routes: true}}
budgets: {daily: {usd: 1, route_to: cheap, route_percent: 1, scope: gateway}}
rules: {secrets: {do: reroute, find: [secrets], use: llama}}
"""
    async with scene(tmp_path, rules) as here:
        acme = {"extra_headers": {"x-pointsman-tenant": "acme"}}
        await here.ask("What is this?", **acme)
        moved = here.record
        await here.ask(f"What is {KEY}?", **acme)
        record = here.record

    assert moved.reason == "budget_route"
    assert record.served_target == "llama"
    assert here.cloud.calls == 1
    assert [candidate.target for candidate in record.candidates] == ["llama"]


async def test_the_dry_run_of_a_request_shows_what_the_rules_would_do(tmp_path: Path):
    """PO-04: `/v1/route` asks nobody, counts nothing and still explains."""
    rules = "rules: {secrets: {do: reroute, find: [secrets], use: llama}}"
    async with scene(tmp_path, rules) as here:
        body = msgspec.json.encode(
            {"model": "auto", "messages": [{"role": "user", "content": f"What is {KEY}?"}]}
        )
        status, _, answer = await asyncio.to_thread(post, f"{here.url}/v1/route", body)
        record = msgspec.json.decode(answer, type=CallRecord)

    assert status == 200
    assert (record.outcome, record.reason) == ("preview", "guardrail")
    assert outcomes(record) == [("secrets", "prompt", "rerouted", {"api_key": 1})]
    assert record.candidates[0].target == "llama"
    assert here.cloud.calls == here.house.calls == 0
    assert here.gateway.records == []


async def test_an_answer_is_redacted_before_anyone_sees_it(tmp_path: Path):
    """PO-04: on whole answers, tool arguments included."""
    rules = "rules: {out: {do: redact, reads: answer, find: [email]}}"
    async with scene(tmp_path, rules) as here:
        here.cloud.play({"text": f"Her address is {EMAIL}."})
        said = await here.ask("Who?")
        here.cloud.play({"tool_call": {"name": "send", "arguments": f'{{"to": "{EMAIL}"}}'}})
        async with client_of(here.gateway) as client:
            answer = await client.chat.completions.create(
                model="auto", messages=[{"role": "user", "content": "Send"}]
            )
        record = here.record

    call = answer.choices[0].message.tool_calls[0]
    assert said == "Her address is [redacted: email]."
    assert msgspec.json.decode(call.function.arguments) == {"to": "[redacted: email]"}
    assert outcomes(record) == [("out", "answer", "redacted", {"email": 1})]


async def test_a_blocked_answer_is_an_error_and_still_costs(tmp_path: Path):
    """PO-04, invariant 11: the provider was paid, so the record and the budget say so."""
    rules = "rules: {out: {do: block, reads: answer, find: [credit_card]}}"
    async with scene(tmp_path, rules) as here:
        here.cloud.play({"text": f"It is {CARD}."})
        with pytest.raises(openai.BadRequestError) as refused:
            await here.ask("Which card?")
        record = here.record

    assert refused.value.code == "guardrail_blocked"
    assert "blocked the answer to this prompt" in str(refused.value)
    assert CARD not in str(refused.value)
    assert here.cloud.calls == 1
    assert (record.outcome, record.status) == ("blocked", 400)
    assert record.cost.total_nano_usd > 0
    assert record.attempts[0].failure_class is None
    assert here.gateway.ledger.outstanding() == 0


async def test_an_answer_that_cannot_be_read_is_not_let_through(tmp_path: Path):
    """Fail closed: what a rule cannot judge does not reach the client."""
    rules = "rules: {out: {do: redact, reads: answer, find: [email]}}"
    odd = f'{{"id":"x","choices":[{{"message":{{"content":"{EMAIL}"}},"n":1e999}}]}}'
    async with scene(tmp_path, rules) as here:
        here.cloud.play({"body": odd, "headers": {"content-type": "application/json"}})
        with pytest.raises(openai.APIStatusError) as refused:
            await here.ask("Who?")

    assert EMAIL not in str(refused.value)


async def test_a_refusal_can_take_the_place_of_a_blocked_answer(tmp_path: Path):
    """PO-04: an application that shows answers gets one."""
    rules = """
rules:
  out: {do: block, reads: answer, find: [credit_card], refusal: "I may not tell card numbers."}
"""
    async with scene(tmp_path, rules) as here:
        here.cloud.play({"text": f"It is {CARD}."})
        async with client_of(here.gateway) as client:
            answer = await client.chat.completions.create(
                model="auto", messages=[{"role": "user", "content": "Which card?"}]
            )
        record = here.record

    assert answer.choices[0].message.content == "I may not tell card numbers."
    assert answer.choices[0].finish_reason == "content_filter"
    assert answer.usage.total_tokens > 0
    assert (record.outcome, record.status) == ("blocked", 200)


async def test_a_value_split_over_chunks_does_not_leak_from_a_stream(tmp_path: Path):
    """PO-04: the end is held back until it can be judged; usage and finish stay what they were."""
    rules = "rules: {out: {do: redact, reads: answer, find: [credit_card, email]}}\n"
    rules += "hold_back_characters: 64"
    chunks = ["The card", " is 41", "11 1111", " 1111 1", "111, and ", "jane.doe@", "mail.exam"]
    chunks += ["ple.org", " is the owner. ", *(["Nothing more to say. "] * 20)]
    async with scene(tmp_path, rules) as here:
        here.cloud.play({"chunks": chunks})
        said = await here.read("Who?")
        await until(lambda: here.gateway.records)
        record = here.record

    assert said == (
        "The card is [redacted: credit_card], and [redacted: email] is the owner. "
        + "Nothing more to say. " * 20
    )
    assert outcomes(record) == [("out", "answer", "redacted", {"credit_card": 1, "email": 1})]
    assert (record.outcome, record.stream.terminal) == ("success", "done")
    assert record.finish_reasons == ["stop"]


async def test_a_blocked_stream_ends_with_one_error_and_no_part_of_the_value(tmp_path: Path):
    """PO-04: what came before was sent; the value was not; the upstream is let go."""
    rules = (
        "rules: {out: {do: block, reads: answer, find: [credit_card]}}\nhold_back_characters: 64"
    )
    chunks = ["Long before it. "] * 10 + ["It is 4111 ", "1111 1111", " 1111. "]
    chunks += ["And it goes on. "] * 30
    async with scene(tmp_path, rules) as here:
        here.cloud.play({"chunks": chunks})
        said: list[str] = []
        async with client_of(here.gateway, max_retries=0) as client:
            stream = await client.chat.completions.create(
                model="auto", messages=[{"role": "user", "content": "?"}], stream=True
            )
            with pytest.raises(openai.APIError) as broken:
                await collect(stream, said)
        await until(lambda: here.gateway.records)
        record = here.record

    text = "".join(said)
    assert text.startswith("Long before it. ")
    assert "4111" not in text
    assert broken.value.code == "guardrail_blocked"
    assert (record.outcome, record.status, record.stream.terminal) == ("blocked", 200, "blocked")
    assert record.cost.total_nano_usd is not None
    assert "The stream was stopped by a prompt rule" in paragraph(record)
    assert here.gateway.ledger.outstanding() == 0


async def collect(stream: openai.AsyncStream, said: list[str]) -> None:
    async for chunk in stream:
        said += [choice.delta.content or "" for choice in chunk.choices]


async def test_a_flag_does_not_hold_a_stream_back(tmp_path: Path):
    """Watching costs a reader no time: chunks pass as they came, and all is counted."""
    rules = "rules: {out: {do: flag, reads: answer, find: [email]}}"
    chunks = ["Write to jane", f".doe@{EMAIL.partition('@')[2]}", " soon."]
    async with scene(tmp_path, rules) as here:
        here.cloud.play({"chunks": chunks})
        async with client_of(here.gateway) as client:
            stream = await client.chat.completions.create(
                model="auto", messages=[{"role": "user", "content": "?"}], stream=True
            )
            async with stream:
                said = [choice.delta.content async for chunk in stream for choice in chunk.choices]
        await until(lambda: here.gateway.records)
        record = here.record

    assert [piece for piece in said if piece] == chunks
    assert outcomes(record) == [("out", "answer", "flagged", {"email": 1})]


async def test_tool_arguments_of_a_stream_come_whole_and_without_values(tmp_path: Path):
    """A number in them may be a card; as a marker it stays JSON."""
    rules = "rules: {out: {do: redact, reads: answer, find: [credit_card]}}"
    async with scene(tmp_path, rules) as here:
        arguments = '{"card": 4111111111111111, "note": "pay"}'
        here.cloud.play({"tool_call": {"name": "pay", "arguments": arguments}})
        told = ""
        async with client_of(here.gateway) as client:
            stream = await client.chat.completions.create(
                model="auto", messages=[{"role": "user", "content": "?"}], stream=True
            )
            async with stream:
                async for chunk in stream:
                    for choice in chunk.choices:
                        for call in choice.delta.tool_calls or ():
                            told += call.function.arguments or ""

    assert msgspec.json.decode(told) == {"card": "[redacted: credit_card]", "note": "pay"}


async def test_a_long_prompt_is_redacted_and_others_are_served_meanwhile(tmp_path: Path):
    """Design §3: long texts are read off the loop; short requests do not wait for them."""
    rules = "rules: {personal: {do: redact, find: [personal]}}"
    text = f"Write to {EMAIL} about {CARD}. " * 8000
    async with scene(tmp_path, rules) as here:
        long = asyncio.ensure_future(here.ask(text))
        short = [await here.ask(f"Write to {EMAIL}") for _ in range(3)]
        was_reading = not long.done()
        echo = await long
        records = here.gateway.records

    assert was_reading
    assert all("Write to [redacted: email]" in answer for answer in short)
    assert EMAIL not in echo
    assert CARD not in echo
    assert max(records[-1].policy[0].counts.values()) == 8000


async def test_messages_and_responses_are_guarded_as_their_own_clients_read_them(tmp_path: Path):
    """PO-04 in every dialect: whole and streamed, through the vendors' clients."""
    rules = """
hold_back_characters: 64
rules:
  personal: {do: redact, reads: both, find: [email]}
"""
    chunks = ["It is jane", ".doe@mail.exam", "ple.org. ", *(["Nothing more to say. "] * 9)]
    clean = "It is [redacted: email]. " + "Nothing more to say. " * 9
    async with scene(tmp_path, rules) as here:
        here.cloud.play({"chunks": chunks}, repeat=True)
        asked = [{"role": "user", "content": f"Who is {EMAIL}?"}]
        async with anthropic.AsyncAnthropic(base_url=here.url, api_key="any") as client:
            message = await client.messages.create(model="auto", max_tokens=99, messages=asked)
            async with client.messages.stream(
                model="auto", max_tokens=99, messages=asked
            ) as stream:
                streamed_message = await stream.get_final_message()
        async with client_of(here.gateway) as client:
            response = await client.responses.create(model="auto", input=f"Who is {EMAIL}?")
            async with client.responses.stream(model="auto", input=f"Who is {EMAIL}?") as stream:
                streamed_response = await stream.get_final_response()
        await until(lambda: len(here.gateway.records) == 4)
        records = here.gateway.records

    assert message.content[0].text == streamed_message.content[0].text == clean
    assert response.output_text == streamed_response.output_text == clean
    for record in records:
        assert [(made.side, made.outcome) for made in record.policy] == [
            ("prompt", "redacted"),
            ("answer", "redacted"),
        ]


async def test_without_rules_nothing_is_there_to_be_asked(tmp_path: Path):
    """A gateway that has no prompt rule pays one comparison."""
    async with scene(tmp_path, "rules: {}") as here:
        await here.ask(f"Write to {EMAIL}")
        guard = here.gateway.app.serving.runtime.guard
        record = here.gateway.records[-1]

    assert guard is None
    assert record.policy == []
