"""A scripted Anthropic: `/v1/messages`, `/v1/messages/count_tokens`, `/v1/models`.

Owns the endpoints, authentication, headers and the choice of answer. Two things differ from the
service, on purpose: answers do not depend on the prompt, and a scenario that finds its request
wanting fails the test.
"""

from typing import Any

from vendors.anthropic_bodies import ERRORS, error_body, events, message, sse
from vendors.anthropic_requests import (
    VERSIONS,
    blocks_of,
    present_in,
    refusal_of_count,
    refusal_of_message,
)
from vendors.scenarios import Scenario
from vendors.vectors import tokens_of
from vendors.vendor_server import Received, RefusedError, Reply, VendorServer, json_reply

_MODELS = ("claude-opus-4-8", "claude-sonnet-4-6", "claude-haiku-4-5")
_RESET = "2026-11-21T12:00:00Z"


class AnthropicApi(VendorServer):
    """The scripted service; `url` is the SDK's `base_url`."""

    default_key = "sk-ant-test"

    def __enter__(self) -> "AnthropicApi":
        super().__enter__()
        return self

    def answer(self, received: Received) -> Reply:
        """Return the answer for one request."""
        self._authenticate(received)
        route = (received.method, received.path.rstrip("/"))
        if route == ("POST", "/v1/messages"):
            return self._messages(received)
        if route == ("POST", "/v1/messages/count_tokens"):
            return self._count(received)
        if received.method == "GET" and received.path.startswith("/v1/models"):
            return self._models(received)
        raise RefusedError(self._error(404, "not_found_error", "Not found", received))

    def broken(self, message: str) -> Reply:
        """Return an invalid_request_error."""
        return self._error(400, "invalid_request_error", message, self.last)

    def _authenticate(self, received: Received) -> None:
        bearer = received.headers.get("authorization", "").removeprefix("Bearer ")
        key = received.headers.get("x-api-key") or bearer
        if self.key and not key:
            raise RefusedError(
                self._error(401, "authentication_error", "x-api-key header is required", received)
            )
        if self.key and key != self.key:
            raise RefusedError(
                self._error(401, "authentication_error", "invalid x-api-key", received)
            )
        if "anthropic-version" not in received.headers:
            raise RefusedError(self.broken("anthropic-version: header is required"))
        if received.headers["anthropic-version"] not in VERSIONS:
            version = received.headers["anthropic-version"]
            raise RefusedError(
                self.broken(f'anthropic-version: "{version}" is not a valid version')
            )

    def _refuse(self, said: str | None, received: Received) -> None:
        if said:
            raise RefusedError(self._error(400, "invalid_request_error", said, received))
        model = received.model
        if self.models and model not in self.models:
            raise RefusedError(self._error(404, "not_found_error", f"model: {model}", received))

    def _messages(self, received: Received) -> Reply:
        self._refuse(
            refusal_of_message(received.json, received.headers["anthropic-version"]), received
        )
        scenario = self.scenario_for(received, received.model)
        is_stream = received.json.get("stream", False)
        if scenario.error or (scenario.error_after is not None and not is_stream):
            return self._failed(scenario, received)
        self.expect(scenario, present_in(received.json))
        whole = message(received, scenario)
        if not is_stream:
            reply = json_reply(200, whole, self._headers(received))
            return Reply(200, reply.body, reply.headers, scenario.cut_after, scenario.hold_after)
        sent = events(whole)
        if scenario.error_after is not None:
            overloaded = error_body("overloaded_error", "Overloaded")
            sent = [*sent[: scenario.error_after], overloaded]
        headers = {
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-cache",
            **self._headers(received),
        }
        pieces = [sse(event) for event in sent]
        return Reply(200, pieces, headers, scenario.cut_after, scenario.hold_after)

    def _count(self, received: Received) -> Reply:
        self._refuse(refusal_of_count(received.json), received)
        scenario = self.scenario_for(received, received.model)
        if scenario.error:
            return self._failed(scenario, received)
        counted = _text_of(received.json)
        return json_reply(200, {"input_tokens": tokens_of(counted)}, self._headers(received))

    def _failed(self, scenario: Scenario, received: Received) -> Reply:
        status, kind, text = ERRORS[scenario.error or "500"]
        if status == 404:
            text = f"model: {received.model}"
        return self._error(status, kind, text, received, scenario.retry_after_s)

    def _error(
        self, status: int, kind: str, text: str, received: Received, retry_after: int | None = None
    ) -> Reply:
        headers = self._headers(received, is_limited=status == 429)
        headers["x-should-retry"] = "true" if status in (429, 500, 529) else "false"
        if retry_after is not None:
            headers["retry-after"] = str(retry_after)
        return json_reply(status, error_body(kind, text, headers["request-id"]), headers)

    def _headers(self, received: Received, *, is_limited: bool = False) -> dict[str, str]:
        found = {
            "request-id": received.identifier("req_011", 21),
            "anthropic-organization-id": "0f1e2d3c-0000-4000-8000-000000000000",
        }
        limits = {"requests": 50, "input-tokens": 30000, "output-tokens": 8000, "tokens": 38000}
        for name, limit in limits.items():
            prefix = f"anthropic-ratelimit-{name}"
            found[f"{prefix}-limit"] = str(limit)
            found[f"{prefix}-remaining"] = "0" if is_limited else str(limit - 1)
            found[f"{prefix}-reset"] = _RESET
        return found

    def _models(self, received: Received) -> Reply:
        names = self.models or list(_MODELS)
        wanted = received.path.removeprefix("/v1/models").strip("/")
        if not wanted:
            found = [_model(name) for name in names]
            page = {"data": found, "has_more": False, "first_id": names[0], "last_id": names[-1]}
            return json_reply(200, page, self._headers(received))
        if wanted not in names:
            return self._error(404, "not_found_error", f"model: {wanted}", received)
        return json_reply(200, _model(wanted), self._headers(received))


def _model(name: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": name,
        "display_name": name.replace("-", " ").title(),
        "created_at": "2026-02-04T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": 200000,
        "max_tokens": 64000,
    }


def _text_of(body: dict[str, Any]) -> str:
    return "".join(
        block.get("text", "") for message in body["messages"] for block in blocks_of(message)
    )
