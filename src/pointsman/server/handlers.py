"""The routes of the gateway: from ASGI to `Arrival`, from `Reply` to ASGI. Decides nothing."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from pointsman.core.clock import Clock
from pointsman.core.dialect import Dialect
from pointsman.core.errors import (
    CallError,
    InvalidRequestError,
    PermissionDeniedError,
    PointsmanError,
)
from pointsman.core.identity import Principal
from pointsman.core.records import SCHEMA, CallRecord
from pointsman.gateway.breaker_report import BreakerQuestion, BreakerReport
from pointsman.gateway.call import Reply, StreamReply
from pointsman.gateway.faults import fault_of, wire_error
from pointsman.gateway.model_list import models_body
from pointsman.gateway.pipeline import Arrival, Pipeline
from pointsman.gateway.runtime import Runtime
from pointsman.server.exchange import ClientConnection
from pointsman.server.guard import Guard, require_json
from pointsman.server.headers import ResponseHeaders

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]

_encode = msgspec.json.Encoder().encode
_JSON = (b"content-type", b"application/json")
_MODEL = "/v1/models/"
_LOOPBACK_PEERS = ("127.", "::1", "::ffff:127.")


class Serving(Struct):
    """What the handlers serve with. `runtime` is replaced as a whole on reload."""

    pipeline: Pipeline
    runtime: Runtime
    guard: Guard
    dialects: Mapping[str, Dialect]
    """Path -> what clients speak there. The first one is spoken on every other path."""
    headers: ResponseHeaders
    clock: Clock
    readiness: Callable[[], dict[str, object]]
    """State for `/ready`; its `ready` key decides the status."""
    health: dict[str, object]
    """The body of `/health`."""
    breakers: Callable[[BreakerQuestion], BreakerReport]
    """Answers `/v1/breakers`."""
    scrape: Callable[[], Awaitable[bytes]]
    """Returns the metrics of all workers as text."""


class Visit:
    """One request and how to answer it."""

    __slots__ = (
        "_guard",
        "_receive",
        "connection",
        "headers",
        "method",
        "path",
        "peer",
        "query",
        "raw_headers",
        "send",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, guard: Guard) -> None:
        self._guard = guard
        self._receive = receive
        self.send = send
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        client = scope.get("client")
        self.peer: str = client[0] if client else ""
        self.connection: ClientConnection = scope["extensions"]["pointsman.connection"]
        self.raw_headers: dict[bytes, bytes] = dict(scope["headers"])
        """Of a repeated header the last value; enough for the guard."""
        self.headers = _joined(scope["headers"])

    async def body(self) -> bytes:
        """Return the whole body. The protocol has bounded it."""
        message = await self._receive()
        body: bytes = message.get("body", b"")
        if not message.get("more_body"):
            return body
        parts = [body]
        while message.get("more_body"):
            message = await self._receive()
            parts.append(message.get("body", b""))
        return b"".join(parts)

    async def answer(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Send a whole answer."""
        await self.start(status, headers)
        await self.send({"type": "http.response.body", "body": body})

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Send the head of an answer, readable for a web page if its origin is allow-listed."""
        headers += self._guard.answer_headers(self.raw_headers.get(b"origin"))
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes) -> None:
        """Send a piece of a stream."""
        await self.send({"type": "http.response.body", "body": data, "more_body": True})


class GatewayApp:
    """The ASGI application of a gateway worker."""

    def __init__(self, serving: Serving) -> None:
        self.serving = serving
        self._routes: dict[str, tuple[str, Callable[[Visit], Awaitable[None]]]] = {
            **dict.fromkeys(serving.dialects, ("POST", self._call)),
            "/v1/route": ("POST", self._route),
            "/v1/models": ("GET", self._models),
            "/v1/breakers": ("GET", self._breakers),
            "/health": ("GET", self._health),
            "/ready": ("GET", self._ready),
            "/metrics": ("GET", self._metrics),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        visit = Visit(scope, receive, send, self.serving.guard)
        try:
            await self._handle(visit)
        except PointsmanError as error:
            await self._refuse(visit, error)

    async def _handle(self, visit: Visit) -> None:
        guard = self.serving.guard
        if visit.method == "OPTIONS":
            await visit.answer(204, guard.preflight_headers(visit.raw_headers), b"")
            return
        if not self.serving.runtime.authenticator.has_keys:
            guard.check(visit.raw_headers)
        method, handler = self._route_of(visit)
        if visit.method != method:
            raise MethodNotAllowedError(f"{visit.path} takes {method}, not {visit.method}")
        if method == "POST":
            require_json(visit.raw_headers)
        await handler(visit)

    def _route_of(self, visit: Visit) -> tuple[str, Callable[[Visit], Awaitable[None]]]:
        route = self._routes.get(visit.path)
        if route is None and visit.path.startswith(_MODEL):
            return "GET", self._models
        if route is None:
            known = ", ".join(self._routes)
            raise UnknownRouteError(f"{visit.path} is not a route of this gateway ({known})")
        return route

    async def _call(self, visit: Visit) -> None:
        arrival = await self._arrival(visit, self.serving.dialects[visit.path])
        reply = await self.serving.pipeline.answer(self.serving.runtime, arrival)
        await self._send(visit, reply)

    async def _route(self, visit: Visit) -> None:
        arrival = await self._arrival(visit, self._dialect_named(visit))
        reply = await self.serving.pipeline.preview(self.serving.runtime, arrival)
        await self._send(visit, reply)

    def _dialect_named(self, visit: Visit) -> Dialect:
        """Return the dialect that the body of a dry run is in: chat completions unless it says."""
        dialects = self.serving.dialects.values()
        header = f"x-{self.serving.runtime.metadata_key}-dialect"
        name = visit.headers.get(header)
        if name is None:
            return self._default_dialect()
        for dialect in dialects:
            if dialect.name == name:
                return dialect
        known = ", ".join(each.name for each in dialects)
        raise InvalidRequestError(f"{header} names none of {known}", param=header)

    def _default_dialect(self) -> Dialect:
        return next(iter(self.serving.dialects.values()))

    async def _models(self, visit: Visit) -> None:
        principal = self._authenticate(visit)
        name = visit.path.removeprefix(_MODEL) if visit.path.startswith(_MODEL) else None
        body = _encode(models_body(self.serving.runtime, principal, visit.headers, name))
        await self._plain(visit, 200, body)

    async def _breakers(self, visit: Visit) -> None:
        """Tell of breakers to who may see endpoints and counters."""
        if not self._authenticate(visit).allows("explain"):
            raise PermissionDeniedError("this key lacks the scope `explain`")
        asked = dict(parse_qsl(visit.query.decode("latin-1")))
        question = BreakerQuestion(asked.get("target"), asked.get("request"))
        await self._plain(visit, 200, _encode(self.serving.breakers(question)))

    async def _health(self, visit: Visit) -> None:
        await self._plain(visit, 200, _encode(self.serving.health))

    async def _ready(self, visit: Visit) -> None:
        state = self.serving.readiness()
        await self._plain(visit, 200 if state.get("ready") else 503, _encode(state))

    async def _metrics(self, visit: Visit) -> None:
        if not visit.peer.startswith(_LOOPBACK_PEERS):
            principal = self._authenticate(visit)
            if not principal.allows("explain"):
                raise PermissionDeniedError("metrics need a key with the scope `explain`")
        body = await self.serving.scrape()
        headers = [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")]
        await visit.answer(200, [*headers, _length(body)], body)

    async def _arrival(self, visit: Visit, dialect: Dialect) -> Arrival:
        body = await visit.body()
        connection = visit.connection
        return Arrival(
            request_id=connection.request_id,
            dialect=dialect,
            headers=visit.headers,
            body=body,
            abort=connection.abort,
            received_ns=connection.received_ns,
        )

    async def _send(self, visit: Visit, reply: Reply | StreamReply) -> None:
        names = self.serving.headers
        if isinstance(reply, Reply):
            headers = names.of_json(reply.record, reply.body, reply.headers)
            await visit.answer(reply.status, headers, reply.body)
            return
        await visit.start(200, names.of_stream(reply.record, reply.headers))
        await reply.pump(visit.write)
        await visit.send({"type": "http.response.body", "body": b""})

    async def _refuse(self, visit: Visit, error: PointsmanError) -> None:
        """Answer a request that never reached the pipeline."""
        record = self._empty_record(visit)
        fault = fault_of(error, record)
        dialect = self.serving.dialects.get(visit.path) or self._default_dialect()
        body = dialect.encode_error(wire_error(fault, record.request_id))
        headers = self.serving.headers.of_json(record, body, fault.headers)
        await visit.answer(fault.status, headers, body)

    async def _plain(self, visit: Visit, status: int, body: bytes) -> None:
        headers = self.serving.headers.of_json(self._empty_record(visit), body)
        await visit.answer(status, headers, body)

    def _authenticate(self, visit: Visit) -> Principal:
        headers = visit.headers
        return self.serving.runtime.authenticator.authenticate(
            headers.get("authorization"), headers.get("x-api-key")
        )

    def _empty_record(self, visit: Visit) -> CallRecord:
        return CallRecord(
            schema=SCHEMA,
            request_id=visit.connection.request_id,
            trace_id="0" * 32,
            span_id="0" * 16,
            started_unix_ns=self.serving.clock.unix_ns(),
            config_version=self.serving.runtime.config_version,
        )


class MethodNotAllowedError(CallError):
    """The path is a route and takes another method."""

    code = "method_not_allowed"
    http_status = 405


class UnknownRouteError(CallError):
    """The path is not a route."""

    code = "unknown_route"
    http_status = 404


def _length(body: bytes) -> tuple[bytes, bytes]:
    return (b"content-length", b"%d" % len(body))


def _joined(raw: list[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Return headers by lower-case name; a repeated one is joined, as RFC 9110 says."""
    headers: dict[str, str] = {}
    for name_bytes, value_bytes in raw:
        name = name_bytes.decode("latin-1")
        value = value_bytes.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
