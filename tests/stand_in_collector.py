"""The collector's two interfaces over a real state and socket, for tests of their clients."""

import msgspec
from aiohttp import web

from pointsman.core.errors import PointsmanError
from pointsman.state.database import StateDatabase
from pointsman.state.key_messages import IssueKey, KeyList
from pointsman.state.keys import KeyStore
from pointsman.state.snapshot import encode_snapshot
from pointsman.state.snapshot_reader import snapshot_source

INGEST = "ingest-" + "i" * 36
ADMIN = "admin-" + "a" * 37


class StandInCollector:
    """Serves one database on one port, which may be left and taken again."""

    def __init__(self, database: StateDatabase) -> None:
        self.keys = KeyStore(database)
        self.source = snapshot_source(database)
        self.ingest_token = INGEST
        self.port = 0
        self.polls: list[str] = []
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/internal/v1/snapshot", self._snapshot)
        app.router.add_get("/internal/v1/keys", self._list)
        app.router.add_post("/internal/v1/keys", self._issue)
        app.router.add_delete("/internal/v1/keys/{name}", self._revoke)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Leave the port as a dead process does: connections break."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _snapshot(self, request: web.Request) -> web.Response:
        self.polls.append(request.query_string)
        if request.headers.get("authorization") != f"Bearer {self.ingest_token}":
            return web.Response(status=401)
        query = request.query
        snapshot = await self.source.wait_for_newer(
            int(query["after"]), float(query["wait_s"]), state_id=query.get("state")
        )
        if snapshot is None:
            return web.Response(status=204)
        return web.Response(body=encode_snapshot(snapshot), content_type="application/json")

    async def _list(self, request: web.Request) -> web.Response:
        _check_admin(request)
        return _json(200, KeyList(keys=tuple(await self.keys.list_keys())))

    async def _issue(self, request: web.Request) -> web.Response:
        _check_admin(request)
        wish = msgspec.json.decode(await request.read(), type=IssueKey)
        try:
            return _json(201, await self.keys.issue(wish, actor="admin"))
        except PointsmanError as error:
            return _error(error)

    async def _revoke(self, request: web.Request) -> web.Response:
        _check_admin(request)
        try:
            return _json(200, await self.keys.revoke(request.match_info["name"], actor="admin"))
        except PointsmanError as error:
            return _error(error)


def _check_admin(request: web.Request) -> None:
    if request.headers.get("authorization") != f"Bearer {ADMIN}":
        raise web.HTTPUnauthorized


def _json(status: int, body: msgspec.Struct) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(body), content_type="application/json"
    )


def _error(error: PointsmanError) -> web.Response:
    body = {"error": {"message": error.message, "type": "error", "param": None, "code": error.code}}
    return web.Response(
        status=error.http_status, body=msgspec.json.encode(body), content_type="application/json"
    )
