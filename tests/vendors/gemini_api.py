"""A scripted Gemini API: generate, stream, count, embed, models.

Owns the endpoints, authentication, errors and the choice of answer. Answers do not depend on the
prompt. Functions calls have ids and signatures from the models called gemini-3 on.
"""

import re
from typing import Any

from vendors import gemini_bodies as bodies
from vendors.gemini_requests import (
    BatchEmbedContentsRequest,
    CountTokensRequest,
    EmbedContentRequest,
    GenerateContentRequest,
    canonical,
    present_in,
    refusal_of,
)
from vendors.scenarios import Scenario
from vendors.vectors import tokens_of, vector_of
from vendors.vendor_server import Received, RefusedError, Reply, VendorServer, json_reply

_CALL = re.compile(r"/v1(?:beta|alpha)?/models/([^:/]+):(\w+)")
_MODELS = ("gemini-2.5-flash", "gemini-3-pro-preview", "gemini-embedding-001")
_DIMENSIONS = 8


class GeminiApi(VendorServer):
    """The scripted service; `url` is the SDK's `http_options.base_url`."""

    default_key = "AIza-test"

    def __enter__(self) -> "GeminiApi":
        super().__enter__()
        return self

    def answer(self, received: Received) -> Reply:
        """Return the answer for one request."""
        self._authenticate(received)
        found = _CALL.fullmatch(received.path)
        if found is None:
            return self._models(received)
        model, method = found.groups()
        methods = {
            "generateContent": self._generate,
            "streamGenerateContent": self._generate,
            "countTokens": self._count,
            "embedContent": self._embed,
            "batchEmbedContents": self._embed,
        }
        if received.method != "POST" or method not in methods:
            raise RefusedError(self._error(404, "NOT_FOUND", "Method not found.", received))
        if self.models and model not in self.models:
            raise RefusedError(self._failed("404", received, model))
        return methods[method](received, model, method)

    def broken(self, message: str) -> Reply:
        """Return an INVALID_ARGUMENT."""
        return self._error(400, "INVALID_ARGUMENT", message, self.last)

    def _authenticate(self, received: Received) -> None:
        key = received.headers.get("x-goog-api-key") or received.query.get("key")
        if self.key and not key:
            text = (
                "Method doesn't allow unregistered callers (callers without established "
                "identity). Please use API Key or other form of API consumer identity to call "
                "this API."
            )
            raise RefusedError(self._error(403, "PERMISSION_DENIED", text, received))
        if self.key and key != self.key:
            text = "API key not valid. Please pass a valid API key."
            details = bodies.bad_key()
            raise RefusedError(self._error(400, "INVALID_ARGUMENT", text, received, details))

    def _chosen(self, received: Received, schema: Any, model: str) -> Scenario:
        """Refuse, or return the scenario; one that is an error is raised as such."""
        received.json = canonical(received.json, schema)
        refusal = refusal_of(received.json, schema, model)
        if refusal is not None:
            text = refusal.message
            details = bodies.field_violation(refusal.field, text) if refusal.field else None
            raise RefusedError(self._error(400, "INVALID_ARGUMENT", text, received, details))
        scenario = self.scenario_for(received, model)
        streams = "streamGenerateContent" in received.path
        if scenario.error:
            raise RefusedError(
                self._failed(scenario.error, received, model, scenario.retry_after_s)
            )
        if scenario.error_after is not None and not streams:
            raise RefusedError(self._failed("500", received, model))
        return scenario

    def _generate(self, received: Received, model: str, method: str) -> Reply:
        scenario = self._chosen(received, GenerateContentRequest, model)
        self.expect(scenario, present_in(received.json))
        has_ids = model.startswith("gemini-3")
        whole = bodies.response(received, scenario, model, has_ids=has_ids)
        if method == "generateContent":
            return self._whole(whole, scenario)
        found = bodies.chunks(whole)
        if scenario.error_after is not None:
            status, code, text = bodies.ERRORS["503"]
            error = bodies.error_body(status, code, text, [])
            found = [*found[: scenario.error_after], error]
        is_sse = received.query.get("alt") == "sse"
        pieces = [bodies.sse(each) for each in found] if is_sse else bodies.array_pieces(found)
        kind = "text/event-stream" if is_sse else "application/json; charset=UTF-8"
        headers = {"content-type": kind, "server-timing": "gfet4t7; dur=42"}
        return Reply(200, pieces, headers, scenario.cut_after, scenario.hold_after)

    def _count(self, received: Received, model: str, method: str) -> Reply:
        scenario = self._chosen(received, CountTokensRequest, model)
        inner = received.json.get("generateContentRequest", received.json)
        counted = tokens_of("".join(_text_of(each) for each in inner.get("contents", ())))
        return self._whole({"totalTokens": counted}, scenario)

    def _embed(self, received: Received, model: str, method: str) -> Reply:
        if method == "embedContent":
            scenario = self._chosen(received, EmbedContentRequest, model)
            return self._whole({"embedding": _embedding(received.json)}, scenario)
        scenario = self._chosen(received, BatchEmbedContentsRequest, model)
        requests = received.json["requests"]
        if any(each.get("model") != f"models/{model}" for each in requests):
            text = "* BatchEmbedContentsRequest.requests[0].model: model does not match the parent"
            return self._error(400, "INVALID_ARGUMENT", text, received)
        return self._whole({"embeddings": [_embedding(each) for each in requests]}, scenario)

    def _models(self, received: Received) -> Reply:
        names = self.models or list(_MODELS)
        _, found, wanted = received.path.partition("/models")
        if received.method != "GET" or not found:
            return self._error(404, "NOT_FOUND", "Requested entity was not found.", received)
        wanted = wanted.strip("/")
        if not wanted:
            return json_reply(200, {"models": [_model(name) for name in names]})
        if wanted not in names:
            return self._failed("404", received, wanted)
        return json_reply(200, _model(wanted))

    def _whole(self, found: Any, scenario: Scenario) -> Reply:
        made = json_reply(200, found, {"content-type": "application/json; charset=UTF-8"})
        return Reply(200, made.body, made.headers, scenario.cut_after, scenario.hold_after)

    def _failed(
        self, name: str, received: Received, model: str, retry_after: int | None = None
    ) -> Reply:
        status, code, text = bodies.ERRORS[name]
        if status == 404:
            text = (
                f"models/{model} is not found for API version v1beta, or is not supported for "
                "generateContent. Call ListModels to see the list of available models and their "
                "supported methods."
            )
        details = bodies.details_of(name, model, retry_after)
        return self._error(status, code, text, received, details)

    def _error(
        self,
        status: int,
        code: str,
        text: str,
        received: Received,
        details: list[Any] | None = None,
    ) -> Reply:
        found: Any = bodies.error_body(status, code, text, details or [])
        is_array = "streamGenerateContent" in received.path and received.query.get("alt") != "sse"
        return json_reply(
            status,
            [found] if is_array else found,
            {"content-type": "application/json; charset=UTF-8"},
        )


def _model(name: str) -> dict[str, Any]:
    is_embedding = "embedding" in name
    methods = ["embedContent"] if is_embedding else ["generateContent", "countTokens"]
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name.replace("-", " ").title(),
        "description": "A scripted model",
        "inputTokenLimit": 2048 if is_embedding else 1048576,
        "outputTokenLimit": 1 if is_embedding else 65536,
        "supportedGenerationMethods": methods,
    }


def _embedding(request: dict[str, Any]) -> dict[str, Any]:
    size = request.get("outputDimensionality", _DIMENSIONS)
    return {"values": vector_of(_text_of(request["content"]), size)}


def _text_of(content: dict[str, Any]) -> str:
    return "".join(part.get("text", "") for part in content.get("parts", ()))
