"""Asking the gateway about breakers, by target and by request (GB-15)."""

import asyncio
from pathlib import Path

import httpx
import msgspec

from pointsman.gateway.breaker_report import BreakerReport
from watched_gateway import client_of, plain, until, upstreams, watched_gateway

from running_gateway import run_command

CONFIG = """
providers:
  pa: {{kind: openai, base_url: "http://127.0.0.1:{a}/v1", api_key: key-of-a}}
  pb: {{kind: openai, base_url: "http://127.0.0.1:{b}/v1", api_key: key-of-b}}
targets:
  a: {{provider: pa, model: m-a}}
  b: {{provider: pb, model: m-b}}
routes: {{chat: {{targets: [a, b], timeout: 4s}}}}
resilience:
  retry: {{max_retries: 0}}
  min_attempt: 200ms
  breaker: {{failures: 3, open_for: 200ms, ramp: 1ms}}
"""
KEYS = """
keys:
  app: {key: "key-of-an-application"}
  ops: {key: "key-of-the-operators", scopes: [call, explain]}
"""


def config_for(providers) -> str:
    return CONFIG.format(**{name: upstream.server.port for name, upstream in providers.items()})


async def ask(gateway, key: str = "any", **question: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{gateway.port}") as client:
        headers = {"authorization": f"Bearer {key}"}
        return await client.get("/v1/breakers", params=question, headers=headers)


async def report(gateway, **question: str) -> BreakerReport:
    answer = await ask(gateway, **question)
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=BreakerReport)


async def test_an_opening_is_told_by_target_and_by_every_request_that_had_a_part(tmp_path: Path):
    """Field notes 8.7: who opened it, whom it diverted, who tried in vain, who closed it."""
    async with upstreams("a", "b") as providers:
        a = providers["a"]
        a.play({"status": 503, "times": 4}, {})
        async with (
            watched_gateway(tmp_path, config_for(providers)) as gateway,
            client_of(gateway) as client,
        ):
            states = gateway.protection.breakers.states
            for _ in range(6):
                await plain(client, "chat")
            open_now = await report(gateway)
            for _ in range(2):
                await until(lambda: states().get("pa/m-a") == "half_open")
                await plain(client, "chat")
            ids = [record.request_id for record in gateway.records]
            by_target = [await report(gateway, target=name) for name in ("a", "pa/m-a", "pa")]
            by_request = [await report(gateway, request=each) for each in ids]
            elsewhere = await report(gateway, target="b")
            told = await asyncio.to_thread(
                run_command,
                "breakers",
                "--gateway",
                f"http://127.0.0.1:{gateway.port}",
                "--request",
                ids[4],
            )

    assert open_now.states == {"pa/m-a": "open"}
    assert open_now.episodes[0].episode.closed_by is None
    [part] = by_target[0].episodes
    episode = part.episode
    assert (episode.scope, episode.name, episode.cause) == ("target", "pa/m-a", "failures_in_a_row")
    assert (episode.observed, episode.limit) == (3, 3)
    assert (episode.opened_by, episode.closed_by) == (ids[2], ids[7])
    assert (episode.diverted, episode.diverted_count) == (ids[3:6], 3)
    assert episode.tried == [ids[6]]
    assert by_target[1] == by_target[0]
    assert by_target[2].episodes == elsewhere.episodes == []
    parts = [[each.part for each in found.episodes] for found in by_request]
    assert parts == [[], [], ["opened"], *[["diverted"]] * 3, ["tried"], ["closed"]]
    assert told.returncode == 0, told.stderr
    assert "it was turned away by target pa/m-a" in told.stdout
    assert ids[2] in told.stdout


async def test_it_takes_the_scope_that_explaining_takes(tmp_path: Path):
    """It shows endpoints and counters: not every caller's business."""
    async with upstreams("a", "b") as providers:
        text = config_for(providers) + KEYS
        async with watched_gateway(tmp_path, text) as gateway:
            answers = [
                await ask(gateway, key)
                for key in ("nobody-s-key", "key-of-an-application", "key-of-the-operators")
            ]

    assert [answer.status_code for answer in answers] == [401, 403, 200]
    assert answers[1].json()["error"]["code"] == "permission_denied"
