"""A client's dialect that its provider does not speak: translated, told, never altered."""

from collections.abc import Sequence

import msgspec
import pytest

from pointsman.core.canonical.answer import Answer, AnswerChoice
from pointsman.core.canonical.conversation import Conversation, Turn
from pointsman.core.canonical.embedding import EmbeddingAnswer, EmbeddingRequest
from pointsman.core.canonical.events import (
    Event,
    EventStream,
    Finished,
    Started,
    TextDelta,
    UsageReported,
)
from pointsman.core.canonical.parts import TextPart
from pointsman.core.dialect import Asked, Frame, Operation, StreamEncoder, WireError
from pointsman.core.errors import InvalidRequestError, UpstreamError
from pointsman.core.failures import FailureClass
from pointsman.core.provider import (
    Completion,
    CompletionStream,
    ProviderRequest,
    StreamChunk,
)
from pointsman.core.usage import Usage
from pointsman.gateway.translation import TranslatingProvider
from provider_requests import request_in

USAGE = Usage(input_tokens=3, output_tokens=2)


class Sung:
    """A dialect of one word per line."""

    name = "sung"
    operation: Operation = "chat"
    closing_frames = b""
    passed_headers = ()

    def read(self, body: bytes) -> Asked:
        raise AssertionError("the provider's side reads nothing")

    def decode(self, body: bytes) -> Conversation:
        if body == b"mumble":
            raise InvalidRequestError("cannot be sung", param="verse")
        return Conversation(
            dialect=self.name, turns=[Turn("user", [TextPart(body.decode())])], tools=[]
        )

    def encode(self, answer: Answer, conversation: Conversation) -> bytes:
        part = answer.choices[0].parts[0]
        assert isinstance(part, TextPart)
        return b"la " + part.text.encode()

    def stream_encoder(self, conversation: Conversation, *, wants_usage: bool) -> StreamEncoder:
        return Singing()

    def encode_count(self, input_tokens: int) -> bytes:
        return b"%d" % input_tokens

    def encode_error(self, error: WireError) -> bytes:
        return b""

    def error_frame(self, error: WireError) -> Frame:
        return Frame(b"")

    def assemble(self, payloads: Sequence[bytes]) -> bytes:
        return b""


class Counted(Sung):
    """The same, asking for a number only."""

    name = "counted"
    operation: Operation = "count_tokens"


class Singing:
    """Says text and how it ended; keeps the rest to itself."""

    def encode(self, events: Sequence[Event]) -> list[Frame]:
        return [Frame(event.text.encode(), "note") for event in events if type(event) is TextDelta]

    def end(self) -> list[Frame]:
        return [Frame(b"fine", "end")]


class Played:
    """Events that are given out one read at a time."""

    def __init__(self, reads: list[list[Event]]) -> None:
        self._reads = reads
        self.is_closed = False

    async def next_events(self) -> list[Event]:
        return self._reads.pop(0) if self._reads else []

    def close(self) -> None:
        self.is_closed = True


class Choir:
    """A provider that speaks `hummed` itself."""

    name = kind = telemetry_name = "choir"
    is_mock = False
    dialects = frozenset({"hummed"})

    def __init__(self) -> None:
        self.asked: list[Conversation] = []
        self.played = Played([])
        self.tokens: int | None = None

    async def complete(self, request: ProviderRequest) -> Completion:
        return Completion(body=request.body)

    async def stream(self, request: ProviderRequest) -> CompletionStream:
        raise AssertionError("not streamed here")

    async def answer(self, request: ProviderRequest, conversation: Conversation) -> Answer:
        self.asked.append(conversation)
        choice = AnswerChoice(parts=[TextPart("ωέλ")], finish_reason="length")
        return Answer(id="a1", model="m", created_unix_s=1, choices=[choice], usage=USAGE)

    async def answer_stream(
        self, request: ProviderRequest, conversation: Conversation
    ) -> EventStream:
        return self.played

    async def embed(self, request: ProviderRequest, texts: EmbeddingRequest) -> EmbeddingAnswer:
        raise AssertionError("not embedded here")

    async def count_tokens(
        self, request: ProviderRequest, conversation: Conversation
    ) -> int | None:
        return self.tokens

    async def close(self) -> None:
        pass


def provider(choir: Choir) -> TranslatingProvider:
    return TranslatingProvider(choir, {"sung": Sung(), "counted": Counted()})


async def test_what_a_provider_speaks_itself_is_passed_through():
    """The bytes of the client are left alone."""
    completion = await provider(Choir()).complete(request_in("hummed", b"{ odd }"))

    assert completion.body == b"{ odd }"


async def test_an_answer_comes_back_in_the_clients_words_with_what_it_says_of_itself():
    """Usage, model and reason reach the record; text reaches the client."""
    choir = Choir()
    completion = await provider(choir).complete(request_in("sung", b"hello"))

    assert completion == Completion(
        body="la ωέλ".encode(),
        response_id="a1",
        model="m",
        finish_reasons=["length"],
        usage=USAGE,
        output_characters=3,
    )
    assert choir.asked[0].turns[0].parts == [TextPart("hello")]


async def test_a_body_that_cannot_be_decoded_is_the_callers_fault_and_calls_nobody():
    """400 in the client's dialect, no failover, no call counted."""
    choir = Choir()
    request = request_in("sung", b"mumble")
    with pytest.raises(UpstreamError) as raised:
        await provider(choir).complete(request)

    assert raised.value.failure_class is FailureClass.CALLER_FAULT
    assert raised.value.upstream_status == 400
    said = msgspec.json.decode(raised.value.upstream_body)
    assert said["error"]["param"] == "verse"
    assert (choir.asked, request.attempt.sends) == ([], 0)


async def test_events_become_frames_and_what_they_say_stays_with_them():
    """Events without a frame still tell characters, usage and the reason to the gateway."""
    choir = Choir()
    choir.played = Played(
        [
            [Started("a1", "m", 1)],
            [TextDelta("lo"), TextDelta("ng")],
            [Finished("stop"), UsageReported(USAGE)],
        ]
    )
    stream = await provider(choir).stream(request_in("sung", b"hello"))

    assert await stream.next_chunks() == [
        StreamChunk(b"lo", 2, model="m", response_id="a1", event="note"),
        StreamChunk(b"ng", 2, model="m", response_id="a1", event="note"),
    ]
    assert await stream.next_chunks() == [
        StreamChunk(b"", finish_reason="stop", for_gateway_only=True),
        StreamChunk(b"", usage=USAGE, for_gateway_only=True),
    ]
    assert await stream.next_chunks() == [StreamChunk(b"fine", event="end")]
    assert await stream.next_chunks() == []
    stream.close()
    assert choir.played.is_closed


@pytest.mark.parametrize(("tokens", "answered", "sends"), [(7, b"7", 1), (None, b"2", 0)])
async def test_tokens_are_counted_by_the_provider_or_estimated(
    tokens: int | None, answered: bytes, sends: int
):
    """An estimate says so in the attempt; counting costs nothing."""
    choir = Choir()
    choir.tokens = tokens
    request = request_in("counted", b"hello")
    completion = await provider(choir).complete(request)

    assert completion.body == answered
    assert completion.usage == Usage(input_tokens=0, output_tokens=0)
    assert request.attempt.sends == sends
    assert bool(request.attempt.parameters_changed) is (tokens is None)


async def test_a_count_that_is_estimated_is_the_target_models():
    """The same numbers as elsewhere: by what its provider reported of that model before."""
    asked: list[tuple[str, int]] = []

    def estimate(model: str, characters: int) -> int:
        asked.append((model, characters))
        return 41

    translating = TranslatingProvider(Choir(), {"counted": Counted()}, estimate)

    completion = await translating.complete(request_in("counted", b"hello", model="llama3.1"))

    assert completion.body == b"41"
    assert asked == [("llama3.1", 5)]


class Dizzy(Choir):
    """Cannot write what is nested so deeply."""

    async def answer(self, request: ProviderRequest, conversation: Conversation) -> Answer:
        raise RecursionError

    async def answer_stream(
        self, request: ProviderRequest, conversation: Conversation
    ) -> EventStream:
        raise RecursionError

    async def count_tokens(
        self, request: ProviderRequest, conversation: Conversation
    ) -> int | None:
        raise RecursionError


@pytest.mark.parametrize("dialect", ["sung", "counted", "streamed"])
async def test_a_body_nested_too_deeply_to_be_translated_is_the_callers_fault(dialect: str):
    """It could just be read; that it cannot be written is no fault of the gateway."""
    is_streamed = dialect == "streamed"
    request = request_in("sung" if is_streamed else dialect, b"hello", stream=is_streamed)
    ask = provider(Dizzy()).stream if is_streamed else provider(Dizzy()).complete

    with pytest.raises(UpstreamError) as refused:
        await ask(request)

    assert refused.value.failure_class is FailureClass.CALLER_FAULT
    assert (refused.value.upstream_status, request.attempt.sends) == (400, 0)
