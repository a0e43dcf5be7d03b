"""The bare prototype: uvicorn raw ASGI, httptools upstream client, nothing else.

What a relay in this language costs at the least. The gate on CPU per request compares the gateway
with it in the same run, because absolute figures of shared machines drift.
"""

import asyncio
import sys

import httptools
import uvicorn
import uvloop


class UpstreamProtocol(asyncio.Protocol):
    """One keep-alive connection; one exchange at a time."""

    def __init__(self, idle: list) -> None:
        self._idle = idle
        self._done: asyncio.Future | None = None

    def connection_made(self, transport) -> None:
        self.transport = transport

    def exchange(self, request: bytes) -> asyncio.Future:
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._done = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._done

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        self._idle.append(self)
        self._done.set_result((self._parser.get_status_code(), b"".join(self._body)))

    def connection_lost(self, error) -> None:
        if self in self._idle:
            self._idle.remove(self)
        if self._done is not None and not self._done.done():
            self._done.set_exception(error or ConnectionError("closed"))


class BareRelay:
    """Reads the body, sends it upstream, sends the answer back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[UpstreamProtocol] = []

    async def __call__(self, scope, receive, send) -> None:
        body = (await receive())["body"]
        head = (
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: u\r\n"
            b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        )
        status, answer = await (await self._connection()).exchange(head + body)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(answer)),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _connection(self) -> UpstreamProtocol:
        if self._idle:
            return self._idle.pop()
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(
            lambda: UpstreamProtocol(self._idle), "127.0.0.1", self._port
        )
        return protocol


async def serve(port: int, upstream_port: int) -> None:
    config = uvicorn.Config(
        BareRelay(upstream_port),
        port=port,
        http="httptools",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
