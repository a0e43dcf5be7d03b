"""`pointsman breakers`: which targets are left alone, since when, and by whose failure.

Asks the running gateway (`GET /v1/breakers`), by target or by request.
"""

import argparse
import sys
from datetime import UTC, datetime
from urllib.parse import urlencode

import msgspec

from pointsman.cli.exit_codes import OK
from pointsman.cli.gateway_api import GatewayApiError, add_gateway_options, ask_gateway
from pointsman.gateway.breaker_report import BreakerReport, Part

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
    add_gateway_options(parser)
    parser.add_argument("--json", action="store_true", help="print the answer as it is")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask the gateway and print its answer."""
    asked = {"target": args.target, "request": args.request}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    try:
        answer = ask_gateway(args, "GET", f"/v1/breakers?{query}" if query else "/v1/breakers")
    except GatewayApiError as error:
        print(f"pointsman: {error}", file=sys.stderr)
        return error.exit_code
    if args.json:
        print(answer.decode("utf-8", "replace"))
        return OK
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
