"""From a file, or the environment alone, to a checked configuration.

The order: read, parse, replace variables, decode, check. Problems of every step are gathered; a
configuration is handed out only when there is none. Knows nothing of running objects.
"""

from collections.abc import Mapping as Environment
from pathlib import Path

from msgspec.structs import replace

from pointsman.config.checks import ProviderKinds, Subject, check
from pointsman.config.decode import Decoder
from pointsman.config.findings import Findings
from pointsman.config.nodes import source_map, with_options
from pointsman.config.parse import MAX_BYTES, parse
from pointsman.config.proxy import EnvironmentProxy
from pointsman.config.root import Config, LoadedConfig, SourceMap
from pointsman.config.template import check_variables, template
from pointsman.config.variables import VariableExpander
from pointsman.config.version import config_version
from pointsman.core.errors import ConfigError

DEFAULT_FILE = "pointsman.yaml"
KINDS = frozenset({"openai", "mock"})
KEYLESS_KINDS = frozenset({"mock"})
NO_KINDS: frozenset[str] = frozenset()


def find_file(option: str | None, *, folder: Path | None = None) -> str | None:
    """Return the file to load: the one asked for, else `pointsman.yaml` where it exists.

    Returns:
        None when there is no file, so that the environment alone configures the gateway.
    """
    if option is not None:
        return option
    return DEFAULT_FILE if ((folder or Path()) / DEFAULT_FILE).exists() else None


def load(
    path: str | None,
    *,
    environment: Environment[str, str],
    known_kinds: frozenset[str] = KINDS,
    keyless_kinds: frozenset[str] = KEYLESS_KINDS,
    kinds_without_address: frozenset[str] = NO_KINDS,
    server_options: Environment[str, object] | None = None,
    text: str | None = None,
) -> LoadedConfig:
    """Load and check a configuration.

    Args:
        path: The file; None takes the environment alone.
        environment: Variables for `${NAME}`, or the configuration itself without a file.
        known_kinds: Kinds and presets of providers that can be built.
        keyless_kinds: Those of them that need no credential, wherever they are.
        kinds_without_address: Those of them that need a `base_url`.
        server_options: Field of `server` -> value from the command line, which replaces what is
            written and is checked like it.
        text: What the file holds, by whoever has read it already; None reads it.

    Raises:
        ConfigError: It cannot be used. Holds every problem, in the order of the file.
    """
    kinds = ProviderKinds(
        known=known_kinds, keyless=keyless_kinds, without_address=kinds_without_address
    )
    findings = Findings(path)
    if path is None:
        check_variables(environment, findings)
        text = template(environment) if text is None else text
    elif text is None:
        text = _read(path, findings)
    return _loaded(text, environment, findings, kinds, server_options or {})


def load_text(text: str, *, file: str, environment: Environment[str, str]) -> LoadedConfig:
    """Load and check the text of a configuration as if it stood in `file`, with the usual kinds.

    Raises:
        ConfigError: As `load` does.
    """
    kinds = ProviderKinds(known=KINDS, keyless=KEYLESS_KINDS, without_address=NO_KINDS)
    return _loaded(text, environment, Findings(file), kinds, {})


def _loaded(
    text: str,
    environment: Environment[str, str],
    findings: Findings,
    kinds: ProviderKinds,
    server_options: Environment[str, object],
) -> LoadedConfig:
    folder = Path(findings.file).parent if findings.file is not None else Path()
    config = _decoded(text, environment, findings, server_options)
    if config is not None:
        check(Subject(config, findings, kinds=kinds, folder=folder))
    if config is None or findings.errors:
        raise ConfigError(findings.errors)
    return LoadedConfig(
        _with_absolute_paths(config, folder),
        version=config_version(config),
        file=findings.file,
        lines=findings.lines if findings.file is not None else SourceMap(),
        warnings=[str(warning) for warning in findings.warnings],
        text=text,
        proxy=EnvironmentProxy.read(environment),
    )


def _read(path: str, findings: Findings) -> str:
    """Return the text of the file.

    Raises:
        ConfigError: It cannot be read at all.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            findings.error("", f"larger than {MAX_BYTES} bytes")
        else:
            return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        findings.error("", "not UTF-8 text", line=line)
    except FileNotFoundError:
        findings.error("", "no such file", hint="name it with --config")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        findings.error("", f"cannot be read: {reason or 'not a path'}")
    raise ConfigError(findings.errors)


def _decoded(
    text: str,
    environment: Environment[str, str],
    findings: Findings,
    server_options: Environment[str, object],
) -> Config | None:
    """Return what can be decoded; None when not even the shape of the file could be read."""
    tree = parse(text, findings)
    if not tree.entries and findings.errors:
        return None
    findings.lines = source_map(tree)
    expanded = VariableExpander(environment, findings).expand(with_options(tree, server_options))
    config = Decoder(findings).decode(expanded, Config, "")
    return config if isinstance(config, Config) else None


def _with_absolute_paths(config: Config, folder: Path) -> Config:
    """Return the configuration with paths that no longer depend on where it is used."""
    providers = {
        name: replace(
            provider,
            ca_file=_absolute(provider.ca_file, folder),
            script=_absolute(provider.script, folder),
        )
        for name, provider in config.providers.items()
    }
    server = replace(
        config.server,
        tls_cert_file=_absolute(config.server.tls_cert_file, folder),
        tls_key_file=_absolute(config.server.tls_key_file, folder),
    )
    shared = replace(config.shared, ca_file=_absolute(config.shared.ca_file, folder))
    return replace(config, providers=providers, server=server, shared=shared)


def _absolute(path: str | None, folder: Path) -> str | None:
    return str((folder / path).absolute()) if path is not None else None
