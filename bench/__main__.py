"""`make bench`: measure, print a table, keep the figures in bench/results/."""

import argparse
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench import passthrough

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    args = parser.parse_args()
    command = f"make bench ARGS='--rounds {args.rounds} --seconds {args.seconds}'"
    busy = passthrough.summary(passthrough.measure(rounds=args.rounds, seconds=args.seconds))
    single = passthrough.summary(
        passthrough.measure(rounds=args.rounds, seconds=args.seconds, connections=1)
    )
    _print("32 connections", busy)
    _print("1 connection", single)
    _keep(command, {"connections_32": busy, "connections_1": single})


def _print(title: str, table: dict[str, dict[str, float]]) -> None:
    columns = ("requests_per_s", "times_pointsman", "p50_ms", "p99_ms", "cpu_us_per_request")
    print(f"\n{title:16}" + "".join(f"{name:>20}" for name in columns))
    for subject, figures in table.items():
        cells = (f"{figures[name]:>20.3f}" if name in figures else f"{'':>20}" for name in columns)
        print(f"{subject:16}" + "".join(cells))
        if figures["errors"]:
            print(f"{'':16}{figures['errors']:.0f} errors")


def _keep(command: str, tables: dict[str, dict[str, dict[str, float]]]) -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    result = {
        "command": command,
        "commit": commit,
        "at": now.isoformat(timespec="seconds"),
        "machine": {
            "system": platform.system(),
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
        "tables": tables,
    }
    file = RESULTS / f"passthrough-{now:%Y%m%dT%H%M%S}.json"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2))
    print(f"\nkept in {file.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
