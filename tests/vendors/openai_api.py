"""A scripted OpenAI: chat completions, responses, embeddings, models; also its compatible kin.

Owns the endpoints, authentication, headers, errors and the choice of answer. Paths are matched by
their ends, so `/v1`, `/openai/v1` and other prefixes all work. Answers do not depend on the prompt.
"""

from collections.abc import Sequence
from typing import Any

from vendors import openai_chat_bodies as chat
from vendors import openai_response_bodies as responses
from vendors.openai_flavors import OPENAI, Flavor
from vendors.openai_requests import (
    Refusal,
    present_in_chat,
    present_in_response,
    refusal_of_chat,
    refusal_of_embedding,
    refusal_of_response,
)
from vendors.scenarios import Scenario
from vendors.vectors import packed, tokens_of, vector_of
from vendors.vendor_server import Received, RefusedError, Reply, VendorServer, json_reply

_MODELS = ("gpt-4o-mini", "gpt-5-mini", "text-embedding-3-small")
_OOPS = "The server had an error while processing your request. Sorry about that!"
_INVALID = "invalid_request_error"
_ERRORS: dict[str, tuple[int, str, str | None, str | None]] = {
    # Status, type, code, message; no message is made up where the request matters.
    "400": (400, _INVALID, "invalid_value", "Invalid value for 'messages[0].content'."),
    "401": (401, _INVALID, "invalid_api_key", None),
    "403": (403, _INVALID, "model_not_found", "Project `proj_test` does not have access to model."),
    "404": (404, _INVALID, "model_not_found", None),
    "413": (413, _INVALID, None, "Request body is too large."),
    "429": (
        429,
        "tokens",
        "rate_limit_exceeded",
        (
            "Rate limit reached for gpt-4o-mini in organization org-test on tokens per min (TPM): "
            "Limit 200000, Used 199500, Requested 1000. Please try again in 7s."
        ),
    ),
    "429_quota": (
        429,
        "insufficient_quota",
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    "500": (500, "server_error", None, _OOPS),
    "503": (
        503,
        "server_error",
        None,
        "The engine is currently overloaded, please try again later",
    ),
    # OpenAI has no 529.
    "529": (
        503,
        "server_error",
        None,
        "The engine is currently overloaded, please try again later",
    ),
    "context": (
        400,
        _INVALID,
        "context_length_exceeded",
        (
            "This model's maximum context length is 128000 tokens. However, your messages "
            "resulted in 130000 tokens. Please reduce the length of the messages."
        ),
    ),
    "blocked_prompt": (
        400,
        _INVALID,
        "invalid_prompt",
        "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
    ),
}


class OpenaiApi(VendorServer):
    """The scripted service; `base_url` is the SDK's."""

    default_key = "sk-test"

    def __init__(
        self,
        flavor: Flavor = OPENAI,
        *,
        dimensions: int = 8,
        models: Sequence[str] = (),
        **rest: Any,
    ) -> None:
        super().__init__(models=models, **rest)
        self.flavor = flavor
        self.dimensions = dimensions
        """Numbers in a vector for which the request names no length."""

    @property
    def base_url(self) -> str:
        """What the SDK wants as `base_url`."""
        return f"{self.url}/v1"

    def __enter__(self) -> "OpenaiApi":
        super().__enter__()
        return self

    def answer(self, received: Received) -> Reply:
        """Return the answer for one request."""
        self._authenticate(received)
        path = received.path.rstrip("/")
        posts = {
            "/chat/completions": self._chat,
            "/responses": self._responses,
            "/embeddings": self._embeddings,
        }
        for end, method in posts.items():
            if path.endswith(end) and received.method == "POST":
                return method(received)
        if received.method == "GET" and "/models" in path:
            return self._models(received)
        text = f"Invalid URL ({received.method} {received.path})"
        return self._error(404, _INVALID, None, text, received)

    def broken(self, message: str) -> Reply:
        """Return an invalid_request_error."""
        return self._error(400, _INVALID, None, message, self.last)

    def _authenticate(self, received: Received) -> None:
        headers = received.headers
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        # Azure's own header.
        key = bearer or headers.get("api-key", "")
        if self.key and not key:
            text = "You didn't provide an API key."
            raise RefusedError(self._error(401, _INVALID, None, text, received))
        if self.key and key != self.key:
            raise RefusedError(self._failed("401", received))

    def _chosen(self, refusal: Refusal | None, received: Received) -> Scenario:
        """Refuse, or return the scenario; one that is an error is raised as such."""
        if refusal is not None:
            raise RefusedError(
                self._error(
                    400, _INVALID, refusal.code, refusal.message, received, param=refusal.param
                )
            )
        if self.models and received.model not in self.models:
            raise RefusedError(self._failed("404", received))
        scenario = self.scenario_for(received, received.model)
        streams = received.json.get("stream", False)
        if scenario.error:
            raise RefusedError(self._failed(scenario.error, received, scenario.retry_after_s))
        if scenario.finish == "blocked_prompt":
            raise RefusedError(self._failed("blocked_prompt", received))
        if scenario.error_after is not None and not streams:
            raise RefusedError(self._failed("500", received))
        return scenario

    def _chat(self, received: Received) -> Reply:
        body = received.json
        refusal = refusal_of_chat(body, self.flavor.extra_parameters)
        scenario = self._chosen(refusal, received)
        self.expect(scenario, present_in_chat(body))
        whole = chat.completion(received, scenario, self.flavor)
        if not body.get("stream"):
            return self._whole(whole, scenario, received)
        found = chat.chunks(whole, self.flavor, body.get("stream_options") or {})
        pieces = [chat.sse(each) for each in found]
        if scenario.error_after is not None:
            error = {"message": _OOPS, "type": "server_error", "param": None, "code": None}
            pieces = [*pieces[: scenario.error_after], chat.sse({"error": error})]
        else:
            pieces.append(chat.DONE)
        return self._stream(pieces, scenario, received)

    def _responses(self, received: Received) -> Reply:
        body = received.json
        scenario = self._chosen(refusal_of_response(body), received)
        self.expect(scenario, present_in_response(body))
        whole = responses.response(received, scenario)
        if not body.get("stream"):
            return self._whole(whole, scenario, received)
        found = responses.events(whole)
        if scenario.error_after is not None:
            last = responses.failure(whole, "server_error", _OOPS)
            if scenario.name == "error_event":
                last = responses.error_event("server_error", _OOPS)
            found = responses.numbered([*found[: scenario.error_after], last])
        return self._stream([responses.sse(each) for each in found], scenario, received)

    def _embeddings(self, received: Received) -> Reply:
        body = received.json
        scenario = self._chosen(refusal_of_embedding(body), received)
        texts = _inputs(body["input"])
        size = body.get("dimensions", self.dimensions)
        vectors = [vector_of(text, size) for text in texts]
        is_packed = body.get("encoding_format") == "base64"
        counted = sum(tokens_of(text) for text in texts)
        found = {
            "object": "list",
            "data": [
                {
                    "object": "embedding",
                    "index": index,
                    "embedding": packed(vector) if is_packed else vector,
                }
                for index, vector in enumerate(vectors)
            ],
            "model": body["model"],
            "usage": {"prompt_tokens": counted, "total_tokens": counted},
        }
        return self._whole(found, scenario, received)

    def _models(self, received: Received) -> Reply:
        names = self.models or list(_MODELS)
        wanted = received.path.rpartition("/models")[2].strip("/")
        entries = [
            {"id": name, "object": "model", "created": chat.CREATED, "owned_by": "system"}
            for name in names
        ]
        if not wanted:
            found = {"object": "list", "data": entries}
            return json_reply(200, found, self._headers(received))
        if wanted not in names:
            text = f"The model '{wanted}' does not exist"
            return self._error(404, _INVALID, "model_not_found", text, received, param="model")
        return json_reply(200, entries[names.index(wanted)], self._headers(received))

    def _whole(self, found: Any, scenario: Scenario, received: Received) -> Reply:
        made = json_reply(200, found, self._headers(received))
        return Reply(200, made.body, made.headers, scenario.cut_after, scenario.hold_after)

    def _stream(self, pieces: list[bytes], scenario: Scenario, received: Received) -> Reply:
        headers = {"content-type": "text/event-stream; charset=utf-8", **self._headers(received)}
        return Reply(200, pieces, headers, scenario.cut_after, scenario.hold_after)

    def _failed(self, name: str, received: Received, retry_after: int | None = None) -> Reply:
        status, kind, code, text = _ERRORS[name]
        if text is None:
            text = f"The model `{received.model}` does not exist or you do not have access to it."
            if name == "401":
                text = "Incorrect API key provided: sk-w****ong."
        return self._error(
            status,
            kind,
            code,
            text,
            received,
            param="messages" if name == "context" else None,
            retry_after=retry_after,
        )

    def _error(
        self,
        status: int,
        kind: str,
        code: str | None,
        text: str,
        received: Received,
        *,
        param: str | None = None,
        retry_after: int | None = None,
    ) -> Reply:
        headers = self._headers(received, is_limited=code == "rate_limit_exceeded")
        if retry_after is not None and code == "rate_limit_exceeded":
            headers["retry-after"] = str(retry_after)
            headers["retry-after-ms"] = str(retry_after * 1000)
        error = {"message": text, "type": kind, "param": param, "code": code}
        return json_reply(status, {"error": error}, headers)

    def _headers(self, received: Received, *, is_limited: bool = False) -> dict[str, str]:
        return {
            "x-request-id": received.identifier("req_", 32),
            "openai-processing-ms": "42",
            "openai-version": "2020-10-01",
            "openai-organization": "org-test",
            "x-ratelimit-limit-requests": "10000",
            "x-ratelimit-limit-tokens": "200000",
            "x-ratelimit-remaining-requests": "9999",
            "x-ratelimit-remaining-tokens": "0" if is_limited else "199979",
            "x-ratelimit-reset-requests": "8.64s",
            "x-ratelimit-reset-tokens": "7s" if is_limited else "6ms",
        }


def _inputs(given: Any) -> list[str]:
    """Return each input as text; token numbers are texts of their own kind."""
    if isinstance(given, str):
        return [given]
    if isinstance(given[0], int):
        return [str(given)]
    return [each if isinstance(each, str) else str(each) for each in given]
