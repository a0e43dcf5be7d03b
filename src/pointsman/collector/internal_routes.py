"""For the gateways and the command line of this instance: records, snapshots of keys, keys.

Each asks for a token of the data folder. The messages are those of `wire.record_batch`,
`state.snapshot` and `state.key_messages`.
"""

from typing import Annotated

from litestar import Response, delete, get, post
from litestar.params import FromPath, QueryParameter

from pointsman.collector.admin_messages import actor_of, read_message
from pointsman.collector.bodies import read_body
from pointsman.collector.desk import WebRequest, desk_of
from pointsman.core.errors import InvalidRequestError
from pointsman.state.key_messages import IssuedKey, IssueKey, KeyList, KeyView, LoginMade
from pointsman.state.snapshot import MAX_WAIT_S, encode_snapshot
from pointsman.wire.record_batch import RECORDS_PATH, MalformedBatchError, encode_answer

_NOT_KEPT = {"cache-control": "no-store"}
_JSON = {"content-type": "application/json", "cache-control": "no-store"}


@post(RECORDS_PATH, status_code=200, include_in_schema=False)
async def take_records(request: WebRequest) -> Response[bytes]:
    """Keep a batch of records; answered once it is on disk."""
    desk = desk_of(request)
    desk.access.gateway(request.headers)
    with desk.intake.room(request.headers):
        body = await read_body(request.stream(), request.headers)
        try:
            answer = await desk.pipeline.take_records(body)
        except MalformedBatchError as error:
            raise InvalidRequestError(str(error)) from None
    return Response(encode_answer(answer), headers=_JSON)


@get("/internal/v1/snapshot", include_in_schema=False)
async def snapshot(
    request: WebRequest,
    after: Annotated[int, QueryParameter(ge=0)] = 0,
    wait_s: Annotated[float, QueryParameter(ge=0)] = 0.0,
    state_id: Annotated[str | None, QueryParameter(name="state")] = None,
) -> Response[bytes | None]:
    """Return another snapshot of keys than the one that is known, once there is one; else 204."""
    desk = desk_of(request)
    desk.access.gateway(request.headers)
    found = await desk.snapshots.wait_for_newer(after, min(wait_s, MAX_WAIT_S), state_id=state_id)
    if found is None:
        return Response(None, status_code=204)
    return Response(encode_snapshot(found), headers=_JSON)


@post("/internal/v1/keys", response_headers=_NOT_KEPT, include_in_schema=False)
async def issue_key(request: WebRequest) -> IssuedKey:
    """Make a key; its secret is in this answer and nowhere else."""
    desk = desk_of(request)
    desk.access.admin(request.headers)
    return await desk.keys.issue(await read_message(request, IssueKey), actor=actor_of(request))


@get("/internal/v1/keys", include_in_schema=False)
async def list_keys(request: WebRequest) -> KeyList:
    """List every key, newest first."""
    desk = desk_of(request)
    desk.access.admin(request.headers)
    return KeyList(keys=tuple(await desk.keys.list_keys()))


@delete("/internal/v1/keys/{name:str}", status_code=200, include_in_schema=False)
async def revoke_key(request: WebRequest, name: FromPath[str]) -> KeyView:
    """Make a key useless at once."""
    desk = desk_of(request)
    desk.access.admin(request.headers)
    return await desk.keys.revoke(name, actor=actor_of(request))


@post(
    "/internal/v1/logins",
    status_code=200,
    response_headers=_NOT_KEPT,
    include_in_schema=False,
)
async def make_login(request: WebRequest) -> LoginMade:
    """Make the secret of a link that opens the console once."""
    desk = desk_of(request)
    desk.access.admin(request.headers)
    return LoginMade(token=await desk.sessions.make_login(actor=actor_of(request)))


INTERNAL_ROUTES = [take_records, snapshot, issue_key, list_keys, revoke_key, make_login]
