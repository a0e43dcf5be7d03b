"""What `pointsman up` shows: the banner, the roles' own lines under their names, what it does."""

import contextlib
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from pointsman.cli.banner import entry, gateway_lines
from pointsman.cli.terminal import wants_colour
from pointsman.config.root import LoadedConfig
from pointsman.supervisor.messages import Link

_COLOURS = {"gateway": "\x1b[36m", "collector": "\x1b[35m", "pointsman": "\x1b[33m"}
_WIDTH = max(map(len, _COLOURS))


class UpTerminal:
    """The terminal of one instance.

    Args:
        loaded: The configuration at the start.
        port: Where the gateway listens.
        data_dir: The data folder, for the commands that read it.
    """

    def __init__(self, loaded: LoadedConfig, port: int, data_dir: Path) -> None:
        self._loaded = loaded
        self._port = port
        self._data_dir = data_dir
        self._is_coloured = wants_colour(sys.stderr)
        self._had_terminal = sys.stderr.isatty()
        self.collector_url: str | None = None
        """Where collector and console are; None without one."""

    def is_gone(self) -> bool:
        """Tell whether there was a terminal at the start and is none any more."""
        return self._had_terminal and not sys.stderr.isatty()

    def warn(self, loaded: LoadedConfig) -> None:
        """Show what is doubtful in a configuration."""
        for warning in loaded.warnings:
            self.say(warning, is_problem=True)
        before, now = self._loaded.config, loaded.config
        # The sockets are open and handed on; connections wait on them. Counters are where they are.
        fixed = {
            "server.host": before.server.host != now.server.host,
            "server.port": before.server.port != now.server.port,
            "server.workers": before.server.workers != now.server.workers,
            "shared": replace(before.shared, on_loss=now.shared.on_loss) != now.shared,
        }
        changed = [name for name, is_changed in fixed.items() if is_changed]
        if changed:
            verb = "counts" if len(changed) == 1 else "count"
            self.say(f"{' and '.join(changed)} {verb} from the next start", is_problem=True)

    def show(self, role: str, line: str) -> None:
        """Show a line of a role."""
        name = f"{role:<{_WIDTH}} |"
        if self._is_coloured:
            name = f"{_COLOURS.get(role.partition('-')[0], '')}{name}\x1b[0m"
        # A terminal that was closed is no reason to end.
        with contextlib.suppress(OSError):
            print(f"{name} {line}", file=sys.stderr, flush=True)

    def say(self, text: str, *, is_problem: bool = False) -> None:
        """Show something of the supervisor's."""
        level = logging.WARNING if is_problem else logging.INFO
        stamp = logging.Formatter("%(asctime)s %(levelname)s").format(
            logging.LogRecord("pointsman", level, "", 0, "", None, None)
        )
        first, *others = text.splitlines() or [""]
        self.show("pointsman", f"{stamp} {first}")
        for line in others:
            self.show("pointsman", line)

    def announce(self, links: Sequence[Link], states: Mapping[str, str]) -> None:
        """Show that the instance serves, and where."""
        first, *others = gateway_lines(self._loaded, self._port, self._data_dir)
        lines = [first]
        if self.collector_url is not None:
            lines.append(entry("Console, traces", self._collector(states)))
            lines += [entry(link.label, link.url) for link in links]
        with contextlib.suppress(OSError):
            print("\n".join([*lines, *others]), flush=True)

    def _collector(self, states: Mapping[str, str]) -> str:
        state = states.get("collector")
        remark = "" if state == "up" else f"   (the collector is {state}; the gateway serves)"
        return f"{self.collector_url}{remark}"
