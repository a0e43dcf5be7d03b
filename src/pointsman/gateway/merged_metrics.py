"""One exposition of several workers: every series under the name of its worker.

Sums would lose counts whenever a worker starts again; a label leaves that to whoever reads them.
"""

from collections.abc import Mapping


def merged(texts: Mapping[str, str]) -> str:
    """Return the expositions of all workers as one, with the label `worker` on each series.

    Args:
        texts: Worker -> what it alone would show, in the text form of Prometheus.
    """
    families: dict[str, tuple[list[str], list[str]]] = {}
    for worker, text in texts.items():
        heads: list[str] = []
        samples: list[str] = []
        for line in text.splitlines():
            if line.startswith("# HELP "):
                name = line.split(" ", 3)[2]
                heads, samples = families.setdefault(name, ([], []))
            if line.startswith("#"):
                if line not in heads:
                    heads.append(line)
            elif line:
                samples.append(_labelled(line, worker))
    lines = [line for heads, samples in families.values() for line in (*heads, *samples)]
    return "\n".join(lines) + "\n"


def _labelled(sample: str, worker: str) -> str:
    """Add the worker to `name{labels} value` or `name value`."""
    name, brace, rest = sample.partition("{")
    if brace and " " not in name:
        return f'{name}{{worker="{worker}",{rest}'
    name, _, value = sample.partition(" ")
    return f'{name}{{worker="{worker}"}} {value}'
