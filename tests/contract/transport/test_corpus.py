"""The kept answers, hand made or found by fuzzing, beside aiohttp's client; and mutations of them.

A file's name begins with what must become of it: `ok`, `protocol`, `reset` or `truncated`. What a
fuzzer finds is added as a file.
"""

import asyncio
import zlib
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.transport.client import HttpClient
from pointsman.transport.settings import TransportSettings, parse_base_url
from raw_http_server import Peer, RawServer
from transport_requests import CLOCK, ask, whole

CORPUS = {
    path.stem: path.read_bytes()
    for path in sorted((Path(__file__).parents[2] / "fuzz_corpus" / "http_answers").glob("*.bin"))
}

STRICTER = (
    "aiohttp's parser is lenient with servers; a provider that sends this is broken or hostile"
)
SHORT = "aiohttp takes what was decoded as the whole; we call it truncated"
UNASKED = "no transfer coding was asked for, so aiohttp's reading of the bytes is a guess"
AIOHTTP_DIFFERS = {
    "ok-surplus-junk": "the answer was complete before the junk; it costs only the connection",
    "ok-x-gzip": "RFC 9110 §8.4.1.3: the same as gzip; aiohttp hands out the compressed bytes",
    "protocol-bare-line-feeds": STRICTER,
    "protocol-chunk-size-space": STRICTER,
    "protocol-empty-line-first": STRICTER,
    "protocol-folded": STRICTER,
    "protocol-http-0.9": STRICTER,
    "protocol-http-2.0": STRICTER,
    "protocol-nine-informational": "aiohttp bounds them by time only",
    "protocol-rtsp": STRICTER,
    "protocol-space-before-colon": STRICTER,
    "protocol-status-099": STRICTER,
    "protocol-switching": "aiohttp leaves a switch to its caller; ours never asks for one",
    "protocol-transfer-chunked-twice": UNASKED,
    "protocol-transfer-gzip": UNASKED,
    "protocol-transfer-gzip-chunked": UNASKED,
    "protocol-transfer-identity": UNASKED,
    "truncated-gzip": SHORT,
    "truncated-gzip-until-close": SHORT,
}
"""Where the two clients differ on purpose, and why."""


def _then_closes(answer: bytes, cuts: tuple[int, ...] = ()):
    places = [0, *cuts, len(answer)]
    pieces = [answer[start:end] for start, end in pairwise(places)]

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(*pieces)

    return script


async def _ours(url: str):
    client = HttpClient(parse_base_url(url)[0], TransportSettings(), CLOCK)
    try:
        return await whole(client, ask(total_s=5))
    finally:
        await client.close()
        assert client.pool.open_count == 0


async def _theirs(url: str):
    timeout = aiohttp.ClientTimeout(total=5)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(url, allow_redirects=False) as response,
        ):
            return response.status, await response.read()
    except (aiohttp.ClientError, OSError, zlib.error):
        return None


@pytest.mark.parametrize("name", CORPUS)
async def test_each_kept_answer_ends_as_its_name_says(name):
    """Never a hang, never another exception."""
    async with RawServer(_then_closes(CORPUS[name])) as server:
        result = await _ours(server.url)
    kind = "ok" if isinstance(result, tuple) else result
    assert kind == name.split("-")[0]


@pytest.mark.parametrize("name", CORPUS)
async def test_aiohttp_reads_the_same_or_fails_as_well(name):
    """An independent client agrees on status and body, but for listed differences."""
    async with RawServer(_then_closes(CORPUS[name])) as server:
        ours, theirs = await _ours(server.url), await _theirs(server.url)
    agrees = (ours if isinstance(ours, tuple) else None) == theirs
    assert agrees != (name in AIOHTTP_DIFFERS), (ours, theirs)


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(CORPUS)), at=st.data())
async def test_an_answer_is_the_same_however_its_bytes_are_cut(name, at):
    """Up to six cuts anywhere."""
    answer = CORPUS[name]
    places = st.lists(st.integers(0, len(answer)), max_size=6)
    cuts = tuple(sorted(at.draw(places)))
    async with RawServer(_then_closes(answer, cuts)) as server:
        result = await _ours(server.url)
    kind = "ok" if isinstance(result, tuple) else result
    assert kind == name.split("-")[0]


@settings(max_examples=100, deadline=None)
@given(name=st.sampled_from(sorted(CORPUS)), at=st.data())
async def test_a_damaged_answer_gives_an_answer_or_a_clear_error(name, at):
    """Some bytes replaced by others: never a hang, never anything but the four outcomes."""
    answer = bytearray(CORPUS[name])
    for _ in range(at.draw(st.integers(1, 3))):
        start = at.draw(st.integers(0, len(answer)))
        length = at.draw(st.integers(0, 8))
        answer[start : start + length] = at.draw(st.binary(max_size=8))
    async with RawServer(_then_closes(bytes(answer))) as server:
        async with asyncio.timeout(3):
            result = await _ours(server.url)
    assert isinstance(result, tuple) or result in ("protocol", "reset", "truncated")
