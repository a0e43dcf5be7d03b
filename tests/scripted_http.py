"""An upstream client for tests: answers that are written down, requests that are remembered."""

from collections.abc import Mapping

from pointsman.transport.exchange import HttpRequest, HttpResponse, Timings, TransportError


class WrittenResponse:
    """An answer whose pieces are known; an error in the list is raised in its place."""

    def __init__(
        self,
        pieces: list[bytes | TransportError],
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        started_ns: int = 0,
    ) -> None:
        self.status = status
        self.headers = headers if headers is not None else {"content-type": "text/event-stream"}
        self.timings = Timings(
            started_ns=started_ns,
            connected_ns=started_ns + 2_000,
            connect_duration_ns=2_000,
            first_byte_ns=started_ns + 3_000,
        )
        self.is_closed = False
        self._pieces = list(pieces)

    async def read(self, max_bytes: int) -> bytes:
        body = b""
        while piece := await self.read_some():
            body += piece
        if len(body) > max_bytes:
            raise TransportError("protocol", "too long")
        return body

    async def read_some(self) -> bytes:
        piece = self._pieces.pop(0) if self._pieces else b""
        if isinstance(piece, TransportError):
            raise piece
        return piece

    def close(self) -> None:
        self.is_closed = True


class ScriptedHttp:
    """Answers in order and keeps the requests."""

    def __init__(self, *answers: WrittenResponse | TransportError) -> None:
        self._answers = list(answers)
        self.requests: list[HttpRequest] = []

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, TransportError):
            raise answer
        return answer

    async def close(self) -> None:
        """Nothing is open."""
