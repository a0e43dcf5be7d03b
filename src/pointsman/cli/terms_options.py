"""The terms of a tenant or plan on the command line: options, files, and how they are shown."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from pointsman.cli.admin_actions import alias_pair
from pointsman.cli.admin_api import AdminApiError
from pointsman.cli.exit_codes import BAD_CONFIG
from pointsman.config.decode import Decoder
from pointsman.config.findings import Findings
from pointsman.config.nodes import source_map
from pointsman.config.parse import MAX_BYTES, parse
from pointsman.config.policy import PlanConfig
from pointsman.core.explain.amounts import clean

FIELDS = PlanConfig.__struct_fields__


def add_terms_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for each thing that terms say, and one for a file that says all of it."""
    parser.add_argument(
        "--terms", type=Path, metavar="FILE", help="YAML with any of them, as limits and budgets"
    )
    parser.add_argument(
        "--alias",
        action="append",
        type=alias_pair,
        metavar="NAME=MEANING",
        help="what a name means, as auto=premium (repeatable)",
    )
    parser.add_argument(
        "--model", action="append", metavar="GLOB", help="names that may be asked for (repeatable)"
    )
    parser.add_argument(
        "--route", action="append", metavar="GLOB", help="routes names may lead to (repeatable)"
    )
    parser.add_argument(
        "--dialect", action="append", metavar="GLOB", help="dialects, as openai.* (repeatable)"
    )
    parser.add_argument("--daily-usd", metavar="USD", help="budget of a day")
    parser.add_argument(
        "--budget-routes",
        action=argparse.BooleanOptionalAction,
        help="whether budgets may move requests to a cheaper target",
    )
    parser.add_argument("--time-zone", metavar="ZONE", help="of its days and months")


def given_terms(args: argparse.Namespace) -> dict[str, object]:
    """Return field -> value of what the options and the file say; options go before the file.

    Raises:
        AdminApiError: The file cannot be read, or is none of terms.
    """
    said = read_terms(args.terms) if args.terms is not None else {}
    options = {
        "aliases": dict(args.alias) if args.alias else None,
        "models": args.model,
        "routes": args.route,
        "dialects": args.dialect,
        "daily_usd": args.daily_usd,
        "budget_routes": args.budget_routes,
        "time_zone": args.time_zone,
    }
    return said | {name: value for name, value in options.items() if value is not None}


def read_terms(path: Path) -> dict[str, object]:
    """Return what a file of terms says; `-` is standard input.

    Raises:
        AdminApiError: With every problem of the file.
    """
    try:
        text = sys.stdin.read(MAX_BYTES) if str(path) == "-" else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AdminApiError(f"{path} cannot be read: {error}", BAD_CONFIG) from None
    findings = Findings(str(path))
    tree = parse(text, findings)
    findings.lines = source_map(tree)
    terms = Decoder(findings).decode(tree, PlanConfig, "")
    if findings.errors or not isinstance(terms, PlanConfig):
        raise AdminApiError("\n".join(map(str, findings.errors)), BAD_CONFIG)
    return said(terms)


def said(terms: PlanConfig) -> dict[str, object]:
    """Return field -> value, without what terms leave open."""
    empty = msgspec.to_builtins(PlanConfig())
    written: dict[str, object] = msgspec.to_builtins(terms)
    return {name: value for name, value in written.items() if value != empty[name]}


def terms_lines(terms: PlanConfig) -> Iterator[str]:
    """Yield one line for each thing that terms say."""
    for name, value in said(terms).items():
        if isinstance(value, dict):
            for key, inner in value.items():
                yield f"{name}.{clean(key)}: {_text(inner)}"
        else:
            yield f"{name}: {_text(value)}"


def _text(value: object) -> str:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        value = {name: one for name, one in value.items() if one not in (None, False)}
    return clean(msgspec.json.encode(value).decode())
