"""Streams: every end is told apart, and nothing that came is lost."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.clock import ManualClock
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.providers.answer_stream import AnswerStream
from pointsman.providers.judge import Judge
from pointsman.providers.openai.stream import ChunkReader, without_usage
from pointsman.resilience.classify import classify
from pointsman.transport.exchange import TransportError
from pointsman.wire.sse import EventDecoder
from provider_scenarios import CLOCK, call, text_of
from scripted_http import WrittenResponse

F = FailureClass
JUDGE = Judge("p", "openai", classify)


def open_stream(response, request, judge, clock) -> AnswerStream:
    reader = ChunkReader(judge, response.status, wants_usage=request.client_wants_usage)
    return AnswerStream(
        response, request, decoder=EventDecoder(), reader=reader, judge=judge, clock=clock
    )


def event(payload: object) -> bytes:
    return b"data: " + json.dumps(payload, ensure_ascii=False).encode() + b"\n\n"


def chunk(text: str | None = None, finish: str | None = None, index: int = 0, **more) -> bytes:
    delta = {} if text is None else {"content": text}
    return event({"choices": [{"index": index, "delta": delta, "finish_reason": finish}], **more})


DONE = b"data: [DONE]\n\n"


async def play(*pieces: bytes | TransportError, wants_usage: bool = False):
    """Return chunks, the failure or None, and the response that was read."""
    response = WrittenResponse(list(pieces))
    request = call(stream=True, wants_usage=wants_usage, first_token_s=1e6)
    stream = open_stream(response, request, JUDGE, CLOCK)
    chunks = []
    try:
        while more := await stream.next_chunks():
            chunks.extend(more)
    except UpstreamError as error:
        return chunks, error, response
    return chunks, None, response


@pytest.mark.parametrize(
    "end",
    [
        DONE,
        b"data:[DONE]\n\n",
        b"data: [DONE]",
        b"data:  [DONE] \n\n",
        b'data: "[DONE]"\n\n',
        event({"data": "[DONE]"}),
        event({"choices": [], "object": "[DONE]"}),
        b"event: done\ndata: [DONE]\n\n",
    ],
)
async def test_the_end_marker_is_known_in_every_form(end: bytes):
    """MM-01: none is taken for a broken chunk, and none cuts the answer before it."""
    chunks, failure, _ = await play(chunk("hi", "stop"), end)

    assert failure is None
    assert text_of(chunks) == "hi"


@pytest.mark.parametrize("glue", [b"", b" ", b"\ndata: "])
async def test_a_marker_behind_a_chunk_does_not_swallow_it(glue: bytes):
    """MM-01: embedded in the payload, or in the same event for want of a blank line."""
    last = chunk("end", "stop").rstrip()

    chunks, failure, _ = await play(chunk("the "), last + glue + b"[DONE]\n\n")

    assert failure is None
    assert text_of(chunks) == "the end"


async def test_text_that_looks_like_the_marker_is_text():
    """MM-01: a model may write [DONE]; the stream goes on."""
    chunks, failure, _ = await play(chunk("[DONE]"), chunk(" not yet", "stop"), DONE)

    assert failure is None
    assert text_of(chunks) == "[DONE] not yet"


@pytest.mark.parametrize(
    "pieces",
    [
        [DONE],
        [event({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 0}}), DONE],
        [chunk("a"), DONE],
        [chunk("a", index=0), chunk("b", "stop", index=1), DONE],
    ],
    ids=["nothing", "usage_only", "no_finish_reason", "one_choice_unfinished"],
)
async def test_a_marker_does_not_make_a_cut_answer_whole(pieces: list[bytes]):
    """OBS-03, MM-01: an end without the finish reason of every choice is a truncation."""
    _, failure, _ = await play(*pieces)

    assert failure is not None
    assert failure.failure_class is F.TRUNCATED


async def test_a_failure_before_the_first_token_outranks_what_came_with_it():
    """Nothing has to be sent yet, so another target can still answer."""
    role = event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})

    chunks, failure, _ = await play(role + event({"error": {"message": "no capacity"}}))

    assert chunks == []
    assert failure is not None


async def test_a_stream_without_marker_is_complete_after_its_finish_reason():
    """MM-02: some servers send no marker."""
    _, failure, _ = await play(chunk("a"), chunk(finish="stop"))

    assert failure is None


async def test_a_marker_cut_by_the_end_of_the_body_costs_nothing():
    """The answer was complete before it."""
    _, failure, _ = await play(chunk("a", "stop"), b"data: [DO")

    assert failure is None


async def test_a_stream_is_complete_only_when_every_choice_is():
    """With `n` of two, one finish reason is half the answer."""
    both = chunk("a", index=0) + chunk("b", index=1) + chunk(finish="stop", index=0)

    _, cut, _ = await play(both)
    _, whole, _ = await play(both + chunk(finish="length", index=1))

    assert cut is not None
    assert cut.failure_class is F.TRUNCATED
    assert whole is None


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([], F.TRUNCATED),
        ([b": ping\n\n"], F.TRUNCATED),
        ([chunk("a")], F.TRUNCATED),
        ([chunk("a"), b'data: {"choices":[{"de'], F.TRUNCATED),
        ([chunk("a"), b"data: oops\n\n", chunk("b", "stop"), DONE], F.PROTOCOL),
        ([chunk("a"), b"data: [1]\n\n"], F.PROTOCOL),
        ([chunk("a"), b"data: " + b"[" * 100_000 + b"\n\n"], F.PROTOCOL),
        ([chunk("a"), b"data: \xff\n\n"], F.PROTOCOL),
        ([chunk("a"), b"data: " + b"x" * (5 << 20)], F.PROTOCOL),
        ([chunk("a"), TransportError("reset", "broke")], F.CONNECTION),
        ([chunk("a"), TransportError("truncated", "early")], F.TRUNCATED),
        ([chunk("a"), TransportError("aborted", "left")], F.CLIENT_LEFT),
        ([chunk("a"), TransportError("protocol", "not HTTP")], F.PROTOCOL),
        ([chunk("a"), event({"error": {"message": "x", "type": "server_error"}})], F.SERVER_ERROR),
        ([chunk("a"), event({"error": "boom"})], F.PROTOCOL),
        ([chunk("a"), event({"detail": "boom"})], F.PROTOCOL),
        ([chunk("a"), b'event: error\ndata: {"message":"x","code":"429"}\n\n'], F.RATE_LIMITED),
        (
            [event({"error": {"code": 502, "message": "x"}, "choices": [{"delta": {}}]}), DONE],
            F.SERVER_ERROR,
        ),
    ],
)
async def test_every_broken_stream_is_told_by_its_cause(pieces, expected: FailureClass):
    """MM-02, MM-05, AP-05: never silently ended, and the connection is let go at once."""
    chunks, failure, response = await play(*pieces)

    assert failure is not None
    assert failure.failure_class is expected
    assert text_of(chunks) == "".join("a" for piece in pieces if piece == chunk("a"))
    assert response.is_closed


async def test_chunks_before_a_failure_in_the_same_piece_come_first():
    """What was produced was paid for."""
    chunks, failure, _ = await play(chunk("a") + chunk("b") + b"data: oops\n\n" + chunk("c"))

    assert text_of(chunks) == "ab"
    assert failure is not None


async def test_a_failed_stream_fails_again_when_asked_again():
    """No second read can make a broken stream look complete."""
    stream = open_stream(WrittenResponse([b"data: oops\n\n"]), call(stream=True), JUDGE, CLOCK)

    for _ in range(2):
        with pytest.raises(UpstreamError):
            await stream.next_chunks()


async def test_a_chunk_is_forwarded_as_the_bytes_it_came_in():
    """Unknown fields and spacing survive."""
    payload = b'{ "choices":[{"delta":{"content":"x"}}], "obfuscation" : "abc" }'

    chunks, _, _ = await play(b"data: " + payload + b"\n\n", chunk(finish="stop"), DONE)

    assert chunks[0].data == payload


async def test_a_chunk_over_several_lines_is_handed_on_as_one():
    """MM-02: a line end inside the payload would end the client's event too early."""
    lines = json.dumps({"choices": [{"delta": {"content": "a\n"}}]}, indent=1).splitlines()
    body = b"".join(b"data: " + line.encode() + b"\n" for line in lines) + b"\n"

    chunks, failure, _ = await play(body, chunk(finish="stop"), DONE)

    assert failure is None
    assert b"\n" not in chunks[0].data
    assert text_of(chunks) == "a\n"


async def test_usage_that_nobody_asked_for_is_hidden_in_content_chunks_too():
    """AP-15: OpenAI writes `"usage":null` on every chunk once usage is asked for."""
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    pieces = [chunk("a", usage=None), chunk("b", "stop", usage=usage), DONE]

    hidden, _, _ = await play(*pieces)
    shown, _, _ = await play(*pieces, wants_usage=True)

    assert ["usage" in json.loads(one.data) for one in hidden] == [False, False]
    assert ["usage" in json.loads(one.data) for one in shown] == [True, True]
    assert hidden[1].usage is not None
    assert hidden[1].usage.output_tokens == 2


async def test_azures_opening_chunk_without_choices_passes():
    """Results of the prompt filter come with empty choices and no usage."""
    opening = {"choices": [], "prompt_filter_results": [{}]}

    chunks, failure, _ = await play(event(opening), chunk("a", "stop"), DONE)

    assert failure is None
    assert not chunks[0].for_gateway_only


async def test_events_that_are_nothing_of_the_answer_are_skipped():
    """A ping in JSON or an empty event does no harm."""
    pieces = [event({"type": "ping"}), b"data:\n\n", b"data: \n\n", chunk("a", "stop"), DONE]

    chunks, failure, _ = await play(*pieces)

    assert failure is None
    assert len(chunks) == 1


async def test_a_chunk_with_surprising_types_is_still_a_chunk():
    """Mistral's reasoning models stream text in parts."""
    odd = event(
        {
            "id": 7,
            "choices": [
                {"delta": {"content": [{"type": "text", "text": "x"}]}, "finish_reason": "stop"}
            ],
        }
    )

    chunks, failure, _ = await play(odd)

    assert failure is None
    assert chunks[0].finish_reason == "stop"


async def test_nothing_after_the_marker_counts():
    """The stream is over when the server says so."""
    chunks, failure, _ = await play(chunk("a", "stop") + DONE + chunk("b") + b"data: oops\n\n")

    assert failure is None
    assert text_of(chunks) == "a"


async def test_the_end_of_the_body_is_read_so_that_the_connection_serves_again():
    """What breaks behind the marker breaks no answer."""
    _, failure, response = await play(chunk("a", "stop"), DONE, TransportError("reset", "late"))

    assert failure is None
    assert response._pieces == []


async def test_the_first_token_is_the_first_content_not_the_role():
    """AP-23, MM-07: a chunk with the role alone is no token."""
    clock = ManualClock()
    request = call(stream=True, start_ns=7_000_000, first_token_s=60)
    response = WrittenResponse(
        [event({"choices": [{"delta": {"role": "assistant", "content": ""}}]}), chunk("a")],
        started_ns=clock.monotonic_ns(),
    )
    stream = open_stream(response, request, JUDGE, clock)

    clock.advance_s(1)
    await stream.next_chunks()
    assert request.attempt.first_token_ns is None
    clock.advance_s(1)
    await stream.next_chunks()

    assert request.attempt.first_token_ns == 2_007_000_000


async def test_heartbeats_do_not_stretch_the_limit_of_the_first_chunk():
    """AP-02: comments keep a connection alive, not a promise."""
    clock = ManualClock()
    request = call(stream=True, first_token_s=10)
    response = WrittenResponse([b": ping\n\n"] * 100, started_ns=clock.monotonic_ns())
    response.read_some = _advancing(clock, response.read_some)
    stream = open_stream(response, request, JUDGE, clock)

    with pytest.raises(UpstreamError) as caught:
        await stream.next_chunks()

    assert caught.value.failure_class is F.TIMEOUT
    assert caught.value.phase == "first_token"
    assert response.is_closed


def _advancing(clock: ManualClock, read_some):
    async def read():
        clock.advance_s(3)
        return await read_some()

    return read


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b'{"a":1,"usage":null}', b'{"a":1}'),
        (b'{"usage":null,"a":1.50}', b'{"a":1.50}'),
        (b'{"a":{"b":1,"usage":null}}', b'{"a":{"b":1,"usage":null}}'),
        (b'{"a":"usage"}', b'{"a":"usage"}'),
        (b'{"usage":{"x":1}}', b"{}"),
    ],
)
def test_only_the_outermost_usage_is_taken_out(payload: bytes, expected: bytes):
    """What a tool argument calls usage is not ours to remove."""
    assert without_usage(payload) == expected


texts = st.lists(st.text(max_size=6), min_size=1, max_size=6)


@given(texts, st.lists(st.integers(0, 2000), max_size=10), st.sampled_from([DONE, b""]))
async def test_the_chunks_are_the_same_however_the_bytes_are_cut(parts, cuts, end):
    """MM-02: text, characters and end do not depend on the network."""
    body = b"".join(chunk(part) for part in parts) + chunk(finish="stop") + end
    places = sorted(min(cut, len(body)) for cut in cuts)
    pieces = [body[a:b] for a, b in zip([0, *places], [*places, len(body)], strict=True)]

    chunks, failure, _ = await play(*[piece for piece in pieces if piece])

    assert failure is None
    assert text_of(chunks) == "".join(parts)
    assert sum(one.output_characters for one in chunks) == len("".join(parts))


@given(st.integers(0, 400))
async def test_a_stream_cut_anywhere_before_its_finish_is_never_complete(cut: int):
    """MM-02: truncation cannot pass for success, wherever it strikes."""
    body = b"".join(chunk(text) for text in ("one", "two", "three", "four", "five"))

    _, failure, _ = await play(*([body[:cut]] if cut else []))

    assert failure is not None
    assert failure.failure_class is F.TRUNCATED
