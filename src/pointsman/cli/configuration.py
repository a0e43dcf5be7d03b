"""Loading a configuration as every command does: with the providers that this release can build."""

from collections.abc import Mapping

from pointsman.config.environment import read_environment
from pointsman.config.loader import load
from pointsman.config.root import LoadedConfig
from pointsman.providers.kinds import KEYLESS_KINDS, KINDS_WITHOUT_ADDRESS, KNOWN_KINDS


def load_configuration(
    file: str | None,
    *,
    server_options: Mapping[str, object] | None = None,
    text: str | None = None,
) -> LoadedConfig:
    """Load and check a file, or the environment alone when `file` is None.

    Args:
        file: Path of the file.
        server_options: Fields of `server` given on the command line.
        text: What the file holds, by whoever has read it already; None reads it.

    Raises:
        ConfigError: It cannot be used; holds every problem.
    """
    return load(
        file,
        environment=read_environment(),
        known_kinds=KNOWN_KINDS,
        keyless_kinds=KEYLESS_KINDS,
        kinds_without_address=KINDS_WITHOUT_ADDRESS,
        server_options=server_options,
        text=text,
    )
