"""Writes the generated pages of docs/reference: `make docs`. A test compares them with the code."""

import argparse
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry

from pointsman.app.sharing_figures import sharing_figures
from pointsman.cli.main import COMMANDS, add_shared_options
from pointsman.collector.alert_watch import AlertCounts
from pointsman.collector.metrics_routes import CollectorMetrics
from pointsman.config.reference import reference_page
from pointsman.core import failures
from pointsman.core.clock import SystemClock
from pointsman.core.failures import FailureClass
from pointsman.core.reasons import ROUTE_REASONS, Difference
from pointsman.gateway.gauges import ResidentGauges
from pointsman.gateway.metrics import Metrics
from pointsman.gateway.tallies import Tally
from pointsman.policy.loss import LossStats
from pointsman.policy.shares import SharedCounterStore
from pointsman.shared.settings import SharedSettings
from pointsman.shared.store import SharedStore

FOLDER = Path(__file__).parents[1] / "docs" / "reference"


def pages() -> dict[str, str]:
    """Return every generated page by file name."""
    return {
        "configuration.md": reference_page(),
        "metrics.md": _metrics(),
        "reasons.md": _reasons(),
        "cli.md": _cli(),
    }


def _metrics() -> str:
    lines = [
        "# Metrics",
        "",
        "`GET /metrics` in Prometheus form. Names and buckets of `gen_ai_*` follow the",
        "OpenTelemetry GenAI conventions v1.41.1. Every label is bounded: names from the",
        "configuration, closed vocabularies, at most 200 model names before `other`.",
        "",
        "| metric | type | labels | meaning |",
        "|---|---|---|---|",
    ]
    families = sorted(Metrics().registry.collect(), key=lambda family: family.name)
    for family in families:
        labels = ", ".join(f"`{name}`" for name in _labels(family.name))
        lines.append(f"| `{family.name}` | {family.type} | {labels} | {family.documentation} |")
    return (
        "\n".join([*lines, *_own_hardware_metrics(), *_sharing_metrics(), *_collector_metrics()])
        + "\n"
    )


def _own_hardware_metrics() -> Iterator[str]:
    yield from (
        "",
        "## Own hardware",
        "",
        "With a provider of kind `ollama`, of which a worker asks every fifteen seconds what is in",
        "memory. At most 32 models of a server are shown, the largest.",
        "",
        "| metric | type | labels | meaning |",
        "|---|---|---|---|",
    )
    for family in ResidentGauges(CollectorRegistry(), lambda: ()).collect():
        labels = ", ".join(f"`{name}`" for name in ResidentGauges.LABELS)
        yield f"| `{family.name}` | {family.type} | {labels} | {family.documentation} |"


def _sharing_metrics() -> Iterator[str]:
    yield from (
        "",
        "## Several workers",
        "",
        "With `server.workers` above 1 any worker shows the metrics of all, each series with the",
        "label `worker`. With `shared.url` each worker has these too:",
        "",
        "| metric | type | labels | meaning |",
        "|---|---|---|---|",
    )
    clock = SystemClock()
    store = SharedStore(SharedSettings(url="redis://localhost"), clock, "gateway-0")
    counters = SharedCounterStore(store.prefix, clock)
    for figure in sharing_figures(store, counters, LossStats(), clock):
        kind = "counter" if figure.is_counter else "gauge"
        yield f"| `{figure.name}` | {kind} |  | {figure.sentence} |"


def _collector_metrics() -> Iterator[str]:
    yield from (
        "",
        "## The collector",
        "",
        "`GET /metrics` of the collector, with the admin token or a key that may `explain`.",
        "",
        "| metric | type | labels | meaning |",
        "|---|---|---|---|",
    )
    for family in CollectorMetrics({}, AlertCounts()).collect():
        labels = "`kind`" if any(each.labels for each in family.samples) else ""
        yield f"| `{family.name}` | {family.type} | {labels} | {family.documentation} |"


def _labels(name: str) -> tuple[str, ...]:
    for instrument in vars(Metrics()).values():
        if isinstance(instrument, Tally) and instrument.name == name:
            return instrument.label_names
    return ()


def _reasons() -> str:
    lines = [
        "# Reasons and failure classes",
        "",
        "## Route reasons",
        "",
        "Why a request took its route: `reason` in records, `x-pointsman-reason`, `routeReason`.",
        "A configuration may declare more under `reasons:`, each with its half sentence.",
        "",
        "| code | because … |",
        "|---|---|",
        *(f"| `{code}` | {sentence} |" for code, sentence in ROUTE_REASONS.items()),
        "",
        "## Why the served model is not the requested name",
        "",
        "`requested_vs_served`: " + ", ".join(f"`{each}`" for each in Difference) + ".",
        "",
        "## Failure classes",
        "",
        "How an attempt failed. Decisions read the class, never a vendor's status code.",
        "",
        "| class | meaning | another target may be asked | counts against the target |",
        "|---|---|---|---|",
    ]
    meanings = dict(_failure_meanings())
    for each in FailureClass:
        yes = [
            "yes" if flag else "no" for flag in (each.allows_failover, each.counts_against_target)
        ]
        lines.append(f"| `{each}` | {meanings[each.name]} | {yes[0]} | {yes[1]} |")
    return "\n".join(lines) + "\n"


def _failure_meanings() -> Iterator[tuple[str, str]]:
    """Yield each member with the attribute docstring below it."""
    name = ""
    for line in inspect.getsource(failures).splitlines():
        text = line.strip()
        if " = " in text and text.split(" = ")[0].isupper():
            name = text.split(" = ")[0]
        elif text.startswith('"""') and name:
            yield name, text.strip('"')
            name = ""


def _cli() -> str:
    lines = [
        "# Command line",
        "",
        "Exit codes: 0 done · 1 not found · 2 the configuration or the command line cannot be",
        "used · 3 the port is taken · 4 another instance works on the data folder · 5 the data",
        "folder cannot be used · 6 whoever was to be asked does not answer, or refuses to ·",
        "130 ended by Ctrl-C.",
        "",
        "The data folder is `--data-dir`, else `$POINTSMAN_DATA_DIR`, else",
        "`$XDG_STATE_HOME/pointsman`, else `~/.local/state/pointsman`.",
    ]
    for name, module in COMMANDS.items():
        parser = argparse.ArgumentParser(prog="pointsman")
        subparsers = parser.add_subparsers()
        importlib.import_module(module).add_parser(subparsers)
        command = subparsers.choices[name]
        add_shared_options(command, Path("DATA_DIR"))
        command.formatter_class = _Wide
        lines += ["", f"## `pointsman {name}`", "", "```", command.format_help().rstrip(), "```"]
    return "\n".join(lines) + "\n"


class _Wide(argparse.HelpFormatter):
    """The same text whatever the width of the terminal."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=96)


def main() -> None:
    """Write all pages."""
    for name, text in pages().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
