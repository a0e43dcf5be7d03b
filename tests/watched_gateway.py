"""A gateway in this process on a real socket, scripted upstreams on theirs, and what was recorded.

What a client sees is read through the official SDK; what a provider saw is counted where it stands.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import msgspec
import openai

from pointsman.app.gateway import Gateway
from pointsman.config.data_folder import DataFolder
from pointsman.config.loader import load
from pointsman.core.clock import Clock, SystemClock
from pointsman.core.records import CallRecord
from pointsman.gateway.content import Captured
from pointsman.providers.kinds import KEYLESS_KINDS, KNOWN_KINDS
from pointsman.providers.mock.player import ScriptPlayer
from pointsman.providers.mock.script import parse_script
from pointsman.providers.mock.server import MockServer

MESSAGES = [{"role": "user", "content": "Say hello to the people on the platform"}]


class WatchedGateway(Gateway):
    """A gateway that also keeps its records here."""

    def __init__(self, *args, **kwargs) -> None:
        self.records: list[CallRecord] = []
        self.watch: Callable[[CallRecord], None] = self.records.append
        super().__init__(*args, **kwargs)

    def _journal_end(self, record: CallRecord, captured: Captured | None) -> None:
        # Through the form in which it is stored, so that only what is written counts.
        self.watch(msgspec.json.decode(msgspec.json.encode(record), type=CallRecord))
        super()._journal_end(record, captured)


class Upstream:
    """A scripted provider on a port."""

    def __init__(self, script: object) -> None:
        self.player = ScriptPlayer(parse_script(script))
        self.server = MockServer(self.player, SystemClock())

    @property
    def calls(self) -> int:
        """How many requests it has got."""
        return self.player.counters.requests

    def play(self, *steps: Mapping[str, object], repeat: bool = False) -> None:
        """Play other steps from now on; the counters begin anew."""
        script = {"rules": [{"steps": list(steps), "repeat": repeat}]} if steps else {}
        self.player = self.server.player = ScriptPlayer(parse_script(script))


def dead_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def upstreams(*names: str) -> AsyncIterator[dict[str, Upstream]]:
    """Scripted providers by name; they answer plainly until told otherwise."""
    found = {name: Upstream({}) for name in names}
    async with contextlib.AsyncExitStack() as stack:
        for upstream in found.values():
            await upstream.server.start()
            stack.push_async_callback(upstream.server.close)
        yield found


@contextlib.asynccontextmanager
async def watched_gateway(
    folder: Path, config: str, *, clock: Clock | None = None
) -> AsyncIterator[WatchedGateway]:
    """A gateway that listens; stopped at the end."""
    opened = DataFolder.open(folder)
    try:
        loaded = load(
            "pointsman.yaml",
            environment={},
            known_kinds=KNOWN_KINDS,
            keyless_kinds=KEYLESS_KINDS,
            text=config,
        )
        gateway = WatchedGateway(loaded, opened, clock=clock)
        bound = socket.create_server(("127.0.0.1", 0))
        await gateway.start(bound)
        try:
            yield gateway
        finally:
            await gateway.stop(2.0)
            bound.close()
    finally:
        opened.close()


def client_of(gateway: Gateway, **options: object) -> openai.AsyncOpenAI:
    """The official client, as an application would make it."""
    return openai.AsyncOpenAI(
        base_url=f"http://127.0.0.1:{gateway.port}/v1", api_key="any", timeout=20.0, **options
    )


async def plain(client: openai.AsyncOpenAI, model: str, **options: object) -> str:
    """Ask for a whole answer; return who answered, or the status and code of the error."""
    try:
        answer = await client.chat.completions.create(model=model, messages=MESSAGES, **options)
    except openai.APIStatusError as error:
        return f"{error.status_code} {error.code}"
    return f"answer of {answer.model}"


async def streamed(client: openai.AsyncOpenAI, model: str, **options: object) -> str:
    """Ask for a stream; return who answered, or where and how it broke."""
    said, finish, who = 0, None, ""
    try:
        stream = await client.chat.completions.create(
            model=model, messages=MESSAGES, stream=True, **options
        )
        async with stream:
            async for chunk in stream:
                who = chunk.model or who
                for choice in chunk.choices:
                    said += bool(choice.delta.content)
                    finish = choice.finish_reason or finish
    except openai.APIStatusError as error:
        return f"{error.status_code} {error.code}"
    except openai.APIError as error:
        return f"{said} chunks of {who}, then error {error.code}"
    return f"answer of {who}" if finish else f"{said} chunks of {who}, then nothing"


def story(record: CallRecord) -> str:
    """Tell a record's attempts, its outcome and, for a stream, how that ended, in one line."""
    attempts = ", ".join(
        f"{attempt.target} {attempt.kind} {attempt.failure_class or 'ok'}"
        for attempt in record.attempts
    )
    end = f" ({record.stream.terminal})" if record.stream is not None else ""
    return f"{attempts or 'nobody'}: {record.outcome}{end}"


async def until(condition, limit_s: float = 5.0) -> None:
    """Poll until something holds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not condition():
        assert loop.time() - began < limit_s, "it did not happen"
        await asyncio.sleep(0.002)
