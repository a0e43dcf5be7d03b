"""A scripted Ollama: chat, embed, and the models that are there and that are loaded.

Owns the endpoints, the models in memory and the choice of answer. As the real one it streams
unless it is told not to, loads a model with the window that a request names, forgets it when
`keep_alive` is 0, and cuts a prompt that is longer than the window without a word.
"""

from collections.abc import Sequence
from typing import Any

from vendors import ollama_bodies as bodies
from vendors.ollama_requests import (
    ChatRequest,
    EmbedRequest,
    ShowRequest,
    present_in,
    refusal_of,
)
from vendors.scenarios import Scenario
from vendors.vectors import tokens_of, vector_of
from vendors.vendor_server import Received, RefusedError, Reply, VendorServer, json_reply

_MODELS = ("llama3.1:8b", "qwen3:8b", "nomic-embed-text:latest")
_CAPABILITIES = ("completion", "tools", "thinking", "vision")


class OllamaApi(VendorServer):
    """The scripted service; `url` is the SDK's `host`. It has no keys."""

    default_key = ""

    def __init__(
        self,
        *,
        models: Sequence[str] = (),
        capabilities: Sequence[str] = _CAPABILITIES,
        default_context: int = 4096,
        tokens_per_second: float = 50.0,
        tool_call_ids: bool = False,
        dimensions: int = 8,
        **rest: Any,
    ) -> None:
        super().__init__(models=models, **rest)
        self.capabilities = list(capabilities)
        """What every model can; a chat that needs more is refused."""
        self.default_context = default_context
        """The window of a request that names none."""
        self.tokens_per_second = tokens_per_second
        self.tool_call_ids = tool_call_ids
        """Newer servers give calls an id and an index, which the SDK's types do not know."""
        self.dimensions = dimensions
        self.resident: dict[str, int] = {}
        """The loaded models and their windows, as `/api/ps` lists them."""

    def __enter__(self) -> "OllamaApi":
        super().__enter__()
        return self

    def answer(self, received: Received) -> Reply:
        """Return the answer for one request."""
        routes = {
            ("POST", "/api/chat"): self._chat,
            ("POST", "/api/embed"): self._embed,
            ("POST", "/api/show"): self._show,
            ("GET", "/api/ps"): self._loaded,
            ("GET", "/api/tags"): self._listed,
            ("GET", "/api/version"): self._version,
        }
        route = (received.method, received.path.rstrip("/"))
        if route not in routes:
            return Reply(404, b"404 page not found", {"content-type": "text/plain"})
        return routes[route](received)

    def broken(self, message: str) -> Reply:
        """Return a 400."""
        return json_reply(400, {"error": message})

    def _known(self, received: Received, schema: Any) -> str:
        """Refuse, or return the model's name."""
        said = refusal_of(received.json, schema)
        if said:
            raise RefusedError(self.broken(said))
        model = received.model
        if not model:
            raise RefusedError(self.broken("model is required"))
        if self.models and model not in self.models:
            raise RefusedError(json_reply(404, {"error": f"model '{model}' not found"}))
        return model

    def _chosen(self, received: Received, model: str, *, streams: bool) -> Scenario:
        scenario = self.scenario_for(received, model)
        failed = scenario.error
        if scenario.error_after is not None and not streams:
            failed = "500"
        if failed:
            status, text = bodies.ERRORS[failed]
            text = text or f"model '{model}' not found"
            raise RefusedError(json_reply(status, {"error": text}))
        return scenario

    def _chat(self, received: Received) -> Reply:
        model = self._known(received, ChatRequest)
        self._check_capabilities(received, model)
        body = received.json
        if not body.get("messages"):
            return json_reply(200, bodies.loaded(model, self._load(model, body)))
        streams = body.get("stream") is not False
        scenario = self._chosen(received, model, streams=streams)
        self.expect(scenario, present_in(body))
        context = (body.get("options") or {}).get("num_ctx") or self.default_context
        if body.get("truncate") is False and bodies.prompt_tokens(received, scenario) > context:
            raise RefusedError(self.broken(bodies.ERRORS["context"][1]))
        self._load(model, body)
        whole = bodies.chat(
            received,
            scenario,
            context=context,
            rate=self.tokens_per_second,
            has_ids=self.tool_call_ids,
        )
        if not streams:
            return self._whole(whole, scenario)
        found = bodies.lines(whole)
        if scenario.error_after is not None:
            found = [*found[: scenario.error_after], {"error": bodies.ERRORS["500"][1]}]
        headers = {"content-type": "application/x-ndjson"}
        pieces = [bodies.line(each) for each in found]
        return Reply(200, pieces, headers, scenario.cut_after, scenario.hold_after)

    def _check_capabilities(self, received: Received, model: str) -> None:
        body = received.json
        if body.get("tools") and "tools" not in self.capabilities:
            text = f"registry.ollama.ai/library/{model} does not support tools"
            raise RefusedError(self.broken(text))
        if body.get("think") and "thinking" not in self.capabilities:
            raise RefusedError(self.broken(f'"{model}" does not support thinking'))

    def _load(self, model: str, body: dict[str, Any]) -> str:
        """Load or unload the model; return which it was."""
        if body.get("keep_alive") in (0, "0", "0s"):
            self.resident.pop(model, None)
            return "unload"
        context = (body.get("options") or {}).get("num_ctx") or self.default_context
        self.resident[model] = context
        return "load"

    def _embed(self, received: Received) -> Reply:
        model = self._known(received, EmbedRequest)
        scenario = self._chosen(received, model, streams=False)
        given = received.json["input"]
        texts = [given] if isinstance(given, str) else given
        size = received.json.get("dimensions") or self.dimensions
        self._load(model, received.json)
        found = {
            "model": model,
            "embeddings": [vector_of(text, size) for text in texts],
            "total_duration": 14_143_917,
            "load_duration": 1_019_500,
            "prompt_eval_count": sum(tokens_of(text) for text in texts),
        }
        return self._whole(found, scenario)

    def _show(self, received: Received) -> Reply:
        model = self._known(received, ShowRequest)
        return json_reply(200, bodies.shown(model, self.capabilities, 131072))

    def _loaded(self, received: Received) -> Reply:
        found = [
            {
                **bodies.described(model),
                "expires_at": bodies.EXPIRES_AT,
                "size_vram": bodies.described(model)["size"],
                "context_length": context,
            }
            for model, context in self.resident.items()
        ]
        return json_reply(200, {"models": found})

    def _listed(self, received: Received) -> Reply:
        names = self.models or list(_MODELS)
        found = [{**bodies.described(name), "modified_at": bodies.CREATED_AT} for name in names]
        return json_reply(200, {"models": found})

    def _version(self, received: Received) -> Reply:
        return json_reply(200, {"version": "0.13.5"})

    def _whole(self, found: Any, scenario: Scenario) -> Reply:
        made = json_reply(200, found, {"content-type": "application/json; charset=utf-8"})
        return Reply(200, made.body, made.headers, scenario.cut_after, scenario.hold_after)
