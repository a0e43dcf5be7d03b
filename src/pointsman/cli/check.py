"""`pointsman check`: everything that is wrong with a configuration, and what it comes to."""

import argparse
import sys

import msgspec

from pointsman.cli.configuration import load_configuration
from pointsman.cli.exit_codes import BAD_CONFIG, OK
from pointsman.config.loader import find_file
from pointsman.config.plan import plan_text
from pointsman.config.root import LoadedConfig
from pointsman.config.schema import json_schema
from pointsman.config.version import public_json
from pointsman.core.errors import ConfigError


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "check", help="check a configuration and print its plan; exit code 2 when it cannot be used"
    )
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="the file (default: --config, then ./pointsman.yaml, then the environment alone)",
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--schema", action="store_true", help="print the JSON Schema of the file")
    output.add_argument("--json", action="store_true", help="print the result for programs")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check one configuration.

    Returns:
        0 when it can be used, 2 when it cannot.
    """
    if args.schema:
        print(json_schema().decode())
        return OK
    named = args.file or getattr(args, "config", None)
    file = find_file(str(named) if named is not None else None)
    try:
        loaded = load_configuration(file)
    except ConfigError as error:
        return _refused(error, file, as_json=args.json)
    if args.json:
        print(_accepted_json(loaded))
        return OK
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print(plan_text(loaded))
    return OK


def _refused(error: ConfigError, file: str | None, *, as_json: bool) -> int:
    if as_json:
        result = {"ok": False, "file": file, "problems": error.problems}
        print(msgspec.json.encode(result).decode())
        return BAD_CONFIG
    for problem in error.problems:
        print(problem, file=sys.stderr)
    count = len(error.problems)
    print(f"{count} problem{'s' if count > 1 else ''}; nothing can start", file=sys.stderr)
    return BAD_CONFIG


def _accepted_json(loaded: LoadedConfig) -> str:
    result = {
        "ok": True,
        "file": loaded.file,
        "version": loaded.version,
        "warnings": loaded.warnings,
        "config": msgspec.Raw(public_json(loaded.config)),
        "plan": plan_text(loaded).splitlines(),
    }
    return msgspec.json.encode(result).decode()
