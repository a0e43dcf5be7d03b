"""Answers that no vendor documents: read as far as they can be, never a fault of the gateway."""

from functools import partial

import msgspec
import pytest

from pointsman.core.canonical.parts import ToolCallPart
from pointsman.core.clock import ManualClock
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.provider import Completion, StreamChunk
from pointsman.providers.answer_stream import AnswerStream
from pointsman.providers.anthropic import decode as anthropic
from pointsman.providers.anthropic.stream import NativeReader
from pointsman.providers.anthropic.whole import chunks_of as message_chunks
from pointsman.providers.gemini import decode as gemini
from pointsman.providers.judge import Judge
from pointsman.providers.ollama import decode as ollama
from pointsman.providers.openai import canonical as openai
from pointsman.providers.openai.responses import ResponseReader
from pointsman.providers.openai.whole import chunks_of as completion_chunks
from pointsman.resilience.classify import classify
from pointsman.wire.sse import EventDecoder
from provider_requests import request_in
from scripted_http import WrittenResponse

JUDGE = Judge("p", "openai", classify)
ODD_ARGUMENTS = [b'{"a":"\xff"}', b'"\xff"']


def anthropic_answer(body: bytes):
    return anthropic.decode_answer(body, 200, JUDGE, 1)


def gemini_answer(body: bytes):
    return gemini.decode_answer(body, 200, JUDGE, unix_s=1, fallback_id="x")


def ollama_answer(body: bytes):
    return ollama.decode_answer(body, 200, JUDGE, call_id="x", unix_s=1)


def openai_answer(body: bytes):
    return openai.decode_canonical(body, fallback_id="x", unix_s=1)


@pytest.mark.parametrize("odd", ODD_ARGUMENTS)
@pytest.mark.parametrize(
    ("read", "body"),
    [
        (anthropic_answer, b'{"content":[{"type":"tool_use","id":"t","name":"f","input":%s}]}'),
        (
            gemini_answer,
            b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":%s}}]}}]}',
        ),
        (
            ollama_answer,
            b'{"done":true,"message":{"tool_calls":[{"function":{"name":"f","arguments":%s}}]}}',
        ),
        (
            openai_answer,
            b'{"choices":[{"message":{"tool_calls":[{"function":{"name":"f","arguments":%s}}]}}]}',
        ),
    ],
    ids=["anthropic", "gemini", "ollama", "openai"],
)
def test_arguments_in_broken_characters_are_handed_on_to_be_judged(read, body: bytes, odd: bytes):
    """They are no text, but the call was made: the check of tool calls says what is wrong."""
    (call,) = read(body % odd).choices[0].parts

    assert isinstance(call, ToolCallPart)
    assert (call.name, isinstance(call.arguments, str)) == ("f", True)


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (anthropic_answer, b'{"content":[],"usage":{"input_tokens":5,"cache_creation":%s}}'),
        (gemini_answer, b'{"candidates":[{"content":%s}]}'),
        (ollama_answer, b'{"done":true,"message":{"tool_calls":[{"function":%s}]}}'),
        (openai_answer, b'{"choices":[{"message":{"tool_calls":[{"function":%s}]}}]}'),
    ],
    ids=["anthropic", "gemini", "ollama", "openai"],
)
@pytest.mark.parametrize("odd", [b"[]", b"[{}]", b"5"])
def test_a_list_where_an_object_belongs_counts_as_absent(read, body: bytes, odd: bytes):
    """Or the first look into it would be a fault of the gateway, and no other target be asked."""
    assert len(read(body % odd).choices) == 1


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (anthropic_answer, b'{"content":[{"type":"text","text":"hi"}],"usage":{},"id":5}'),
        (gemini_answer, b'{"candidates":[{"content":{"parts":{}}}]}'),
        (ollama_answer, b'{"done":true,"message":{"tool_calls":{}}}'),
        (openai_answer, b'{"choices":[{"message":{"tool_calls":{},"content":{}}}]}'),
    ],
    ids=["anthropic", "gemini", "ollama", "openai"],
)
def test_an_object_where_a_list_belongs_counts_as_absent(read, body: bytes):
    """As above."""
    assert len(read(body).choices) == 1


def test_log_probabilities_that_cannot_be_read_are_left_out():
    """They are an extra; the answer is what was asked for."""
    body = b'{"done":true,"message":{"content":"hi"},"logprobs":[{"token":5}]}'

    assert ollama_answer(body).choices[0].logprobs is None


@pytest.mark.parametrize(
    ("reader", "kind"),
    [
        (NativeReader(JUDGE, 200), b"content_block_delta"),
        (ResponseReader(JUDGE, 200), b"response.output_text.delta"),
        (ResponseReader(JUDGE, 200), b"x"),
    ],
)
def test_the_name_of_an_event_cannot_hold_further_lines(reader, kind: bytes):
    """Lines of its own would be events that no prompt rule has read."""
    chunks: list[StreamChunk] = []

    reader.read([b'{"type":"' + kind + b'\\ndata: smuggled"}'], chunks, is_last=False)

    assert [chunk.event for chunk in chunks] == [""]


class _Unforeseen:
    """A reader that meets what it did not foresee."""

    is_done = is_complete = has_token = False

    def read(self, payloads: list[bytes], into: list[StreamChunk], *, is_last: bool) -> None:
        msgspec.json.decode(b"[" * 50_000)


async def test_a_payload_that_breaks_its_reader_is_the_fault_of_the_provider():
    """So that another target is asked, as after any answer that is none."""
    stream = AnswerStream(
        WrittenResponse([b"data: {}\n\n"]),
        request_in("openai.chat", b"{}", stream=True),
        decoder=EventDecoder(),
        reader=_Unforeseen(),
        judge=JUDGE,
        clock=ManualClock(),
    )

    with pytest.raises(UpstreamError) as failed:
        await stream.next_chunks()

    assert failed.value.failure_class is FailureClass.PROTOCOL


@pytest.mark.parametrize(
    "chunks_of", [message_chunks, partial(completion_chunks, client_wants_usage=True)]
)
def test_a_whole_answer_that_cannot_be_told_as_a_stream_is_the_providers_fault(chunks_of):
    """A part that nobody looks at in a whole answer has to be read to be cut up."""
    with pytest.raises(UpstreamError) as failed:
        chunks_of(Completion(body=b'{"odd":"\xff"}'))

    assert failed.value.failure_class is FailureClass.PROTOCOL
