"""Records and traces as the collector has them, for the commands that show them."""

import argparse
import time
from collections.abc import Iterator
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec

from pointsman.cli.admin_api import DEFAULT_URL, URL_FILE, AdminApi, AdminApiError
from pointsman.cli.exit_codes import NOT_FOUND, UNREACHABLE
from pointsman.collector.read_messages import (
    ArrivalList,
    RequestDetail,
    RequestList,
    TraceDetail,
    TraceList,
)
from pointsman.core.ids import REQUEST_ID, TRACE_ID
from pointsman.core.records import CallRecord

T = TypeVar("T")
_WAIT_S = 5.0
"""Of one poll; under the time limit of a request."""
_PAUSE_S = 1.0


def add_collector_options(parser: argparse.ArgumentParser, otherwise: str) -> None:
    """Add `--collector` and `--plain-http`.

    Args:
        parser: Of the command.
        otherwise: What is asked when the option is not given.
    """
    parser.add_argument("--collector", metavar="URL", help=f"ask this collector ({otherwise})")
    parser.add_argument(
        "--plain-http", action="store_true", help="allow http:// to another host than this one"
    )


def collected(args: argparse.Namespace) -> "Collected":
    """Return the collector that the options name, else the one of the data folder.

    Raises:
        AdminApiError: The address or the token cannot be used.
    """
    return Collected(AdminApi(args.data_dir, args.collector, allow_plain_http=args.plain_http))


def is_collector_known(args: argparse.Namespace) -> bool:
    """Tell whether one is named, or works on the data folder."""
    return args.collector is not None or (args.data_dir / URL_FILE).exists()


class Collected:
    """Asks one collector. Every method raises `AdminApiError` when it does not answer."""

    def __init__(self, api: AdminApi) -> None:
        self._api = api

    def find(self, query: str) -> list[CallRecord]:
        """Return the request or every call of the trace with this id; `last` for the newest.

        Beginnings of ids are not looked for: empty for them, as for ids that are not known.
        """
        if query == "last":
            return self.newest(1)
        request_id = "req_" + query.removeprefix("req_")
        if not query.startswith("trc_") and REQUEST_ID.match(request_id) is not None:
            found = self._ask_if_there(f"/api/v1/requests/{request_id}", RequestDetail)
            if found is not None:
                return [found.record]
        trace_id = query.removeprefix("trc_")
        if TRACE_ID.match(trace_id) is None:
            return []
        trace = self._ask_if_there(f"/api/v1/traces/{trace_id}", TraceDetail)
        return trace.requests if trace is not None else []

    def newest(self, limit: int) -> list[CallRecord]:
        """Return at most `limit` records, the one that started last first."""
        if limit <= 0:
            return []
        page = self.ask(f"/api/v1/requests?limit={limit}", RequestList)
        return [self.record(row.request_id) for row in page.requests]

    def record(self, request_id: str) -> CallRecord:
        """Return one record by its id."""
        return self.ask(f"/api/v1/requests/{request_id}", RequestDetail).record

    def follow(self, backlog: int) -> Iterator[CallRecord]:
        """Yield the newest `backlog` records, the oldest first, then each one as it arrives."""
        position = self.ask("/api/v1/arrivals?after=-1", ArrivalList).position
        yield from reversed(self.newest(backlog))
        while True:
            asked = f"/api/v1/arrivals?after={position}&wait_s={_WAIT_S:g}"
            try:
                arrived = self.ask(asked, ArrivalList)
                records = [self.record(row.request_id) for row in arrived.requests]
            except AdminApiError as error:
                if error.exit_code != UNREACHABLE:
                    raise
                time.sleep(_PAUSE_S)  # it may be starting again
                continue
            yield from records
            position = arrived.position

    def traces(self, limit: int, filters: dict[str, str]) -> TraceList:
        """Return the newest traces."""
        return self.ask(f"/api/v1/traces?{urlencode({'limit': limit, **filters})}", TraceList)

    def trace(self, trace_id: str) -> TraceDetail | None:
        """Return one trace; None when it is not known."""
        return self._ask_if_there(f"/api/v1/traces/{quote(trace_id, safe='')}", TraceDetail)

    def _ask_if_there(self, path: str, kind: type[T]) -> T | None:
        try:
            return self.ask(path, kind)
        except AdminApiError as error:
            if error.exit_code == NOT_FOUND:
                return None
            raise

    def ask(self, path: str, kind: type[T], body: bytes | None = None) -> T:
        """Return an answer of the read API; with a body, what is ordered by it."""
        answer = self._api.ask("GET" if body is None else "POST", path, body)
        try:
            return msgspec.json.decode(answer, type=kind)
        except msgspec.MsgspecError:
            raise AdminApiError(
                f"what answers at {self._api.url} is no collector of this release", UNREACHABLE
            ) from None


__all__ = ["DEFAULT_URL", "Collected", "add_collector_options", "collected", "is_collector_known"]
