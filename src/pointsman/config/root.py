"""The whole configuration, decoded."""

from msgspec import field

from pointsman.config.alerts import AlertsConfig
from pointsman.config.content import ContentConfig
from pointsman.config.journal import JournalConfig
from pointsman.config.key import KeyConfig
from pointsman.config.policy import PolicyConfig
from pointsman.config.price import PricesConfig
from pointsman.config.provider import ProviderConfig
from pointsman.config.proxy import EnvironmentProxy
from pointsman.config.residency import ResidencyConfig
from pointsman.config.resilience import ResilienceConfig
from pointsman.config.retention import RetentionConfig
from pointsman.config.route import RouteConfig
from pointsman.config.section import Section
from pointsman.config.server import ServerConfig
from pointsman.config.shared import SharedConfig
from pointsman.config.structured_output import StructuredOutputConfig
from pointsman.config.target import TargetConfig
from pointsman.config.tool_calls import ToolCallsConfig


class Config(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A configuration file."""

    server: ServerConfig = ServerConfig()
    """Where the gateway listens and what it accepts."""
    providers: dict[str, ProviderConfig] = field(default_factory=dict)
    """Name -> whom the gateway may call, and with which credential."""
    targets: dict[str, TargetConfig] = field(default_factory=dict)
    """Name -> a provider and a model, with its limits."""
    routes: dict[str, RouteConfig] = field(default_factory=dict)
    """Model name that clients send -> what it turns into."""
    resilience: ResilienceConfig = ResilienceConfig()
    """What becomes of failures."""
    residency: list[ResidencyConfig] = field(default_factory=list)
    """Which requests may go to which places only."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Reason codes of your own -> half a sentence that completes 'because …'."""
    keys: dict[str, KeyConfig] = field(default_factory=dict)
    """Name -> who may call. Without any key, only this machine may."""
    policy: PolicyConfig = PolicyConfig()
    """How much callers may use and spend."""
    shared: SharedConfig = SharedConfig()
    """What several workers and machines count together."""
    tool_calls: ToolCallsConfig = ToolCallsConfig()
    """What becomes of answers whose tool calls break what the request declared."""
    structured_output: StructuredOutputConfig = StructuredOutputConfig()
    """What becomes of answers that should be JSON."""
    content: ContentConfig = ContentConfig()
    """What is kept of prompts and answers."""
    journal: JournalConfig = JournalConfig()
    """Bounds of the append-only record."""
    retention: RetentionConfig = RetentionConfig()
    """How long the collector keeps what."""
    alerts: AlertsConfig = AlertsConfig()
    """When the collector raises an alert."""
    prices: PricesConfig = PricesConfig()
    """Rates that replace or add to the bundled price data."""


class SourceMap(dict[str, int]):
    """Path in the configuration (`routes.auto.rules[1]`) -> line in the file, from 1."""


class LoadedConfig:
    """A checked configuration with where it came from."""

    __slots__ = ("config", "file", "lines", "proxy", "text", "version", "warnings")

    def __init__(
        self,
        config: Config,
        *,
        version: str,
        file: str | None,
        lines: SourceMap,
        warnings: list[str],
        text: str = "",
        proxy: EnvironmentProxy | None = None,
    ) -> None:
        self.config = config
        self.version = version
        """First 16 hex digits of the SHA-256 of the canonical configuration, secrets hashed."""
        self.file = file
        """Path as given; None when it comes from the environment or the defaults."""
        self.lines = lines
        self.warnings = warnings
        self.text = text
        """What was decoded, before variables were replaced; may hold secrets."""
        self.proxy = proxy or EnvironmentProxy()
        """What the environment says about proxies."""
