"""`pointsman breakers`: which targets are left alone, since when, and by whose failure.

Asks the running gateway (`GET /v1/breakers`), by target or by request.
"""

import argparse
import http.client
import sys
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

import msgspec

from pointsman.cli.exit_codes import NOT_FOUND, OK
from pointsman.gateway.breaker_report import BreakerReport, Part

_TIMEOUT_S = 10.0
_MAX_ANSWER_BYTES = 16_777_216
_SHOWN_IDS = 3
_PARTS = {
    "opened": "it opened",
    "diverted": "it was turned away by",
    "tried": "it tried, in vain,",
    "closed": "it closed",
}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "breakers",
        help="show which targets are left alone, and by whose failure",
        description="Tell which circuit breakers of the running gateway are open, who opened "
        "each, whom it turned away and who closed it; by target or by request.",
    )
    parser.add_argument("--target", metavar="NAME", help="a target, provider/model, or a provider")
    parser.add_argument("--request", metavar="ID", help="what this request had to do with them")
    parser.add_argument(
        "--gateway", default="http://127.0.0.1:3100", help="its address (default: %(default)s)"
    )
    parser.add_argument("--key", help="a gateway key with the scope `explain`")
    parser.add_argument("--json", action="store_true", help="print the answer as it is")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask the gateway and print its answer."""
    asked = {"target": args.target, "request": args.request}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    try:
        status, answer = _get(args.gateway, args.key, query)
    except OSError as error:
        print(
            f"pointsman: no gateway answers at {args.gateway} ({error}); start one with "
            "`pointsman up`, or name its address with --gateway",
            file=sys.stderr,
        )
        return NOT_FOUND
    if status != 200 or args.json:
        sys.stdout.write(answer.decode("utf-8", "replace") + "\n")
        return OK if status == 200 else NOT_FOUND
    for line in lines(msgspec.json.decode(answer, type=BreakerReport)):
        print(line)
    return OK


def lines(report: BreakerReport) -> list[str]:
    """Return what a person reads."""
    states = [f"{name} is {state}" for name, state in report.states.items()]
    told = states or ["every breaker is closed"]
    for part in report.episodes:
        told += ["", *_episode(part)]
    return told


def _episode(part: Part) -> list[str]:
    episode = part.episode
    why = episode.cause.replace("_", " ")
    if episode.observed is not None:
        why += f" ({episode.observed:g} against {episode.limit:g})"
    does = f"{_PARTS[part.part]} " if part.part in _PARTS else ""
    told = [
        f"{does}{episode.scope} {episode.name}",
        f"  opened {_time(episode.opened_unix_ns)} by {episode.opened_by}: {why}",
    ]
    if episode.diverted_count:
        told.append(f"  turned away {episode.diverted_count}: {_some(episode.diverted)}")
    if episode.tried:
        told.append(f"  tried in vain by {_some(episode.tried)}")
    if episode.closed_by is None or episode.closed_unix_ns is None:
        told.append("  not closed yet")
    else:
        told.append(f"  closed {_time(episode.closed_unix_ns)} by {episode.closed_by}")
    return told


def _some(ids: list[str]) -> str:
    shown = ", ".join(ids[:_SHOWN_IDS])
    return f"{shown} …" if len(ids) > _SHOWN_IDS else shown


def _time(unix_ns: int) -> str:
    return datetime.fromtimestamp(unix_ns // 10**9, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _get(gateway: str, key: str | None, query: str) -> tuple[int, bytes]:
    parts = urlsplit(gateway if "//" in gateway else f"http://{gateway}")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=_TIMEOUT_S)
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        path = f"{parts.path.rstrip('/')}/v1/breakers"
        connection.request("GET", f"{path}?{query}" if query else path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read(_MAX_ANSWER_BYTES)
    finally:
        connection.close()
