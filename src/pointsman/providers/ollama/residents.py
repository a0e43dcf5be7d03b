"""The models in the server's memory: listed, and unloaded to make room for another.

Two large models at once push each other to the processor, where both are slow. Only where
`max_resident` says so is the server asked before a call.
"""

import msgspec

from pointsman.core.abort import AbortSignal
from pointsman.core.clock import Clock
from pointsman.core.deadline import Deadline
from pointsman.core.target import Timeouts
from pointsman.providers.exchange import HttpSender
from pointsman.transport.exchange import HttpRequest, TransportError
from pointsman.wire.malformed import MALFORMED
from pointsman.wire.ollama.received import ResidentModel, decode_resident

MAX_LIST_BYTES = 1024 * 1024
_LIMITS = Timeouts(connect_s=1.0, first_token_s=5.0, idle_s=5.0, total_s=10.0)
_encode = msgspec.json.Encoder().encode


class Residents:
    """Asks and tells one server about its memory.

    Args:
        http: Sends.
        clock: For limits of time.
        headers: Of every request.
        prefix: What stands before `/api` in the path.
        max_models: In memory at once; None never asks.
    """

    def __init__(
        self,
        http: HttpSender,
        clock: Clock,
        headers: dict[str, str],
        prefix: str,
        max_models: int | None,
    ) -> None:
        self._http = http
        self._clock = clock
        self._headers = headers
        self._prefix = prefix
        self._max_models = max_models

    async def list_models(self) -> list[ResidentModel] | None:
        """Return the models in memory; None when the server's answer is no list.

        Raises:
            TransportError: The server cannot be reached.
        """
        body = await self._exchange("GET", "/api/ps", b"")
        try:
            return decode_resident(body).models
        except MALFORMED:
            return None

    async def unload(self, model: str) -> None:
        """Have a model leave the memory. Raises as `list_models`.

        Source: https://docs.ollama.com/api/chat, "Unload a model" (read 2026-11).
        """
        body = _encode({"model": model, "messages": [], "keep_alive": 0})
        await self._exchange("POST", "/api/chat", body)

    async def make_room(self, model: str) -> list[str]:
        """Unload what stands in the way of a model, soonest to expire first, and return it.

        A server that does not answer is left alone: the call itself will tell.
        """
        if self._max_models is None:
            return []
        try:
            models = await self.list_models() or []
            others = [each for each in models if each.model != _tagged(model)]
            others.sort(key=lambda each: each.expires_at)
            surplus = max(0, len(others) + 1 - self._max_models)
            leaving = [each.model for each in others[:surplus]]
            for name in leaving:
                await self.unload(name)
        except TransportError:
            return []
        return leaving

    async def _exchange(self, method: str, path: str, body: bytes) -> bytes:
        request = HttpRequest(
            method=method,
            path=self._prefix + path,
            headers=self._headers,
            body=body,
            is_repeatable=True,
            timeouts=_LIMITS,
            deadline=Deadline.after(self._clock, _LIMITS.total_s),
            abort=AbortSignal(),
        )
        response = await self._http.send(request)
        try:
            return await response.read(MAX_LIST_BYTES)
        finally:
            response.close()


def _tagged(model: str) -> str:
    """Return a model's name as the server lists it."""
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"
