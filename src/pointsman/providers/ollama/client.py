"""The `ollama` kind: one call to a server of own hardware, by its own API.

Joins the parts: the context by `window`, bodies by `encode`, the exchange by `exchange`, what the
bytes say by `decode` and `stream`, models in memory by `residents`. Every client is translated:
nobody speaks this API but Ollama's own clients.
"""

from collections.abc import Mapping
from functools import partial

import msgspec
from msgspec import structs

from pointsman.config.section import Secret
from pointsman.core.canonical.answer import Answer
from pointsman.core.canonical.conversation import Conversation
from pointsman.core.canonical.embedding import EmbeddingAnswer, EmbeddingRequest
from pointsman.core.canonical.events import Event, EventStream
from pointsman.core.clock import Clock
from pointsman.core.errors import UpstreamError
from pointsman.core.failures import Classify, FailureClass
from pointsman.core.model_memory import Resident
from pointsman.core.provider import Completion, CompletionStream, ProviderRequest
from pointsman.core.usage import Usage
from pointsman.cost.token_estimator import TokenEstimator
from pointsman.providers.answer_stream import AnswerStream, ReadyStream
from pointsman.providers.exchange import Call, HttpSender, Upstream
from pointsman.providers.headers import bearer, request_headers
from pointsman.providers.judge import Judge
from pointsman.providers.ollama.decode import decode_answer, decode_embedding, usage_of
from pointsman.providers.ollama.encode import encode_conversation, encode_embedding
from pointsman.providers.ollama.residents import Residents
from pointsman.providers.ollama.stream import EventReader
from pointsman.providers.ollama.window import (
    Measured,
    TooLongError,
    Window,
    choose_window,
    estimate_tokens,
    limits_for,
    measure,
    teaches,
    was_cut,
)
from pointsman.providers.parameters import ParameterMode, Parameters
from pointsman.providers.whole_answer import events_of
from pointsman.transport.exchange import HttpResponse, TransportError
from pointsman.wire.ndjson import LineDecoder
from pointsman.wire.ollama.received import ChatAnswer, ResidentModel

KIND = "ollama"
BASE_URL = "http://localhost:11434"
_JSON_ANSWER = "application/json"
_encode = msgspec.json.Encoder().encode


class OllamaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One configured provider."""

    name: str
    origin: str
    """Scheme and authority that are called, for the record."""
    prefix: str = ""
    """What stands before `/api` in the path."""
    key: Secret | None = None
    """Only Ollama's cloud, or a proxy before the server, wants one."""
    headers: Mapping[str, Secret] = {}
    parameters: ParameterMode = "drop"
    max_resident: int | None = None
    """Models in memory at once; None leaves that to the server."""


class OllamaProvider:
    """A configured provider; see `core.provider.DialectProvider`. Opens nothing until called."""

    kind = KIND
    telemetry_name = KIND
    is_mock = False
    dialects: frozenset[str] = frozenset()

    def __init__(
        self, settings: OllamaSettings, http: HttpSender, clock: Clock, classify: Classify
    ) -> None:
        self.name = settings.name
        self._clock = clock
        self._mode = settings.parameters
        self._prefix = settings.prefix
        self._judge = Judge(settings.name, KIND, classify, settings.key)
        self._upstream = Upstream(self._judge, http, clock, settings.origin)
        credential = bearer(settings.key)
        self._headers = request_headers(credential, settings.headers, streams=False)
        # Of its own: in bytes of all that the model reads, where the accounts know characters of
        # the messages only.
        self._estimator = TokenEstimator()
        self._residents = Residents(
            http, clock, self._headers, settings.prefix, settings.max_resident
        )

    async def complete(self, request: ProviderRequest) -> Completion:
        """Refuse: no client speaks this API; see `dialects`."""
        raise self._unspoken(request)

    async def stream(self, request: ProviderRequest) -> CompletionStream:
        """Refuse: no client speaks this API; see `dialects`."""
        raise self._unspoken(request)

    async def answer(self, request: ProviderRequest, conversation: Conversation) -> Answer:
        """Ask and wait for the whole answer; see `DialectProvider.answer`."""
        measured = measure(conversation)
        window = self._window(request, conversation, measured)
        response = await self._ask(request, conversation, window)
        body = await self._upstream.read(request, response)
        answer = self._whole(request, body, response.status)
        self._note_read(request, window, measured, answer.usage)
        return answer

    async def answer_stream(
        self, request: ProviderRequest, conversation: Conversation
    ) -> EventStream:
        """Ask and return once the head is there; see `DialectProvider.answer_stream`."""
        measured = measure(conversation)
        window = self._window(request, conversation, measured)
        response = await self._ask(request, conversation, window)
        if response.headers.get("content-type", "").lower().startswith(_JSON_ANSWER):
            # A proxy that gathers streams.
            body = await self._upstream.read(request, response, in_stream=True)
            answer = self._whole(request, body, response.status)
            request.attempt.first_token_ns = request.attempt.end_ns
            return ReadyStream(events_of(answer))

        def note_end(line: ChatAnswer) -> None:
            self._note_read(request, window, measured, usage_of(line))

        reader = EventReader(
            self._judge,
            response.status,
            call_id=request.request_id,
            unix_s=self._unix_s(),
            at_end=note_end,
        )
        return AnswerStream[Event](
            response,
            _with_limits(request, conversation, window),
            decoder=LineDecoder(),
            reader=reader,
            judge=self._judge,
            clock=self._clock,
        )

    async def embed(self, request: ProviderRequest, texts: EmbeddingRequest) -> EmbeddingAnswer:
        """Turn texts into vectors; see `DialectProvider.embed`."""
        target = request.target
        body = encode_embedding(texts, target.model, target.local, self._parameters(request))
        call = Call(f"{self._prefix}/api/embed", self._headers, body)
        response = await self._upstream.send(request, call)
        received = await self._upstream.read(request, response)
        return decode_embedding(received, response.status, self._judge)

    async def count_tokens(
        self, request: ProviderRequest, conversation: Conversation
    ) -> int | None:
        """Return None: this API cannot count without answering."""
        del request, conversation
        return None

    async def resident_models(self) -> list[Resident] | None:
        """Return the models in memory now; see `ModelMemory.resident_models`."""
        try:
            models = await self._residents.list_models()
        except TransportError:
            return None
        return None if models is None else [_resident(each) for each in models]

    async def unload(self, model: str) -> None:
        """Have a model leave the memory.

        Raises:
            TransportError: The server cannot be reached.
        """
        await self._residents.unload(model)

    async def close(self) -> None:
        """Close idle connections. Calls in flight are aborted."""
        await self._upstream.close()

    def _window(
        self, request: ProviderRequest, conversation: Conversation, measured: Measured
    ) -> Window:
        """Choose the context, or refuse a prompt that would be cut."""
        learnt = partial(self._estimator.input_tokens, request.target.model)
        prompt_tokens = estimate_tokens(measured, learnt)
        try:
            return choose_window(prompt_tokens, conversation, request.target.local)
        except TooLongError as error:
            request.attempt.sends = 0
            message = (
                f"the prompt has about {error.prompt_tokens} tokens, more than the "
                f"{error.largest} of the largest num_ctx of {request.target.name}"
            )
            said = {
                "message": message,
                "type": "invalid_request_error",
                "param": "messages",
                "code": "context_length_exceeded",
            }
            raise UpstreamError(
                message,
                FailureClass.CONTEXT_TOO_LONG,
                upstream_status=400,
                upstream_code="context_length_exceeded",
                upstream_body=_encode({"error": said}),
            ) from error

    async def _ask(
        self, request: ProviderRequest, conversation: Conversation, window: Window
    ) -> HttpResponse:
        target = request.target
        parameters = self._parameters(request)
        body = encode_conversation(conversation, target.model, window, target.local, parameters)
        for model in await self._residents.make_room(target.model):
            parameters.note("max_resident", f"{model} unloaded before")
        call = Call(f"{self._prefix}/api/chat", self._headers, body)
        return await self._upstream.send(_with_limits(request, conversation, window), call)

    def _whole(self, request: ProviderRequest, body: bytes, status: int) -> Answer:
        return decode_answer(
            body, status, self._judge, call_id=request.request_id, unix_s=self._unix_s()
        )

    def _note_read(
        self, request: ProviderRequest, window: Window, measured: Measured, usage: Usage | None
    ) -> None:
        """Learn from what was read; tell in the record when the prompt seems to have been cut."""
        read_tokens = usage.input_tokens if usage is not None else None
        if was_cut(window, read_tokens):
            self._parameters(request).note(
                "messages",
                f"about {window.prompt_tokens} tokens sent, {read_tokens} read of a context of "
                f"{window.size}: probably cut by the server",
            )
        elif usage is not None and teaches(measured):
            self._estimator.observe(request.target.model, measured.size_bytes, 0, usage)

    def _parameters(self, request: ProviderRequest) -> Parameters:
        return Parameters(self._mode, self.name, request.attempt.parameters_changed)

    def _unspoken(self, request: ProviderRequest) -> UpstreamError:
        return self._parameters(request).refusal("body", f"in {request.dialect} is not spoken")

    def _unix_s(self) -> int:
        return self._clock.unix_ns() // 1_000_000_000


def _resident(model: ResidentModel) -> Resident:
    return Resident(
        model=model.model,
        context_tokens=model.context_length,
        size_bytes=model.size,
        vram_bytes=model.size_vram,
        expires_at=model.expires_at or None,
    )


def _with_limits(
    request: ProviderRequest, conversation: Conversation, window: Window
) -> ProviderRequest:
    """Return the request with the limits that the rate of the hardware asks for."""
    local = request.target.local
    if local is None or local.tokens_per_second is None:
        return request
    target = request.target
    limits = limits_for(target.timeouts, window, conversation, local)
    return structs.replace(request, target=structs.replace(target, timeouts=limits))
