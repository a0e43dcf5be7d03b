"""What a configuration comes to, in words: printed by `pointsman check` before anything starts.

Shows credentials by their alias only.
"""

from collections.abc import Iterable

from pointsman.config.checks.names import shadowed_names
from pointsman.config.key import KeyConfig
from pointsman.config.plan_failures import failure_lines
from pointsman.config.plan_policy import agent_runs, budget, limit, prompt_rule
from pointsman.config.provider import ProviderConfig
from pointsman.config.proxy import DIRECT, proxy_place
from pointsman.config.root import Config, LoadedConfig
from pointsman.config.route import RouteConfig
from pointsman.config.target import TargetConfig
from pointsman.config.terms_words import scope_words, tenant_words, terms_words
from pointsman.config.words import condition_text, duration_text


def plan_text(loaded: LoadedConfig) -> str:
    """Return the plan, ready to print, without a line end at its end."""
    config = loaded.config
    source = loaded.file if loaded.file is not None else "the environment"
    sections = [
        [f"Configuration {loaded.version} from {source}"],
        _server(config),
        _titled("Providers", ((name, _provider(one)) for name, one in config.providers.items())),
        _titled("Targets", ((name, _target(one)) for name, one in config.targets.items())),
        _titled("Routes", ((name, _route(one)) for name, one in config.routes.items())),
        _resolution(config),
        failure_lines(config),
        _titled("Keys", ((name, _key(one)) for name, one in config.keys.items())),
        _titled("Plans", ((name, terms_words(one)) for name, one in config.policy.plans.items())),
        _titled(
            "Tenants", ((name, tenant_words(one)) for name, one in config.policy.tenants.items())
        ),
        _titled("Limits", ((name, limit(one)) for name, one in config.policy.limits.items())),
        _titled("Budgets", ((name, budget(one)) for name, one in config.policy.budgets.items())),
        *(["Agent runs", f"  {line}"] for line in agent_runs(config.policy.agent_runs)),
        _titled("Prompt rules", ((n, prompt_rule(one)) for n, one in config.policy.rules.items())),
        _kept(config),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def _server(config: Config) -> list[str]:
    server = config.server
    host = f"[{server.host}]" if ":" in server.host else server.host
    count = len(config.keys)
    keys = "1 key" if count == 1 else f"{count} keys"
    who = f"{keys} may call" if config.keys else "anyone on this machine may call"
    if not config.keys and server.allow_open:
        who = "anyone who reaches it may call"
    tenant = f", tenant {server.tenant} unless a key or request names one" if server.tenant else ""
    scheme = "https" if server.tls_cert_file is not None else "http"
    return [
        f"Listens on {scheme}://{host}:{server.port}: {who}",
        f"Environment {server.environment}{tenant}",
        *_shared(config),
    ]


def _shared(config: Config) -> list[str]:
    shared, workers = config.shared, config.server.workers
    served = [f"Served by {workers} workers"] if workers > 1 else []
    if shared.url is None or not shared.is_on_redis:
        return served
    on_loss = shared.on_loss
    told = (
        f"Limits and budgets counted in Redis ({shared.url.alias}); while it is away limits are"
        f" {on_loss.limits}, budgets {on_loss.budgets}"
    )
    return [*served, told]


def _titled(title: str, entries: Iterable[tuple[str, list[str]]]) -> list[str]:
    rows = list(entries)
    if not rows:
        return []
    width = max(len(name) for name, _ in rows)
    lines = [title]
    for name, words in rows:
        for index, text in enumerate(words):
            lines.append(f"  {name if index == 0 else '':{width}}  {text}")
    return lines


def _provider(provider: ProviderConfig) -> list[str]:
    parts = [provider.kind]
    if provider.base_url is not None:
        parts.append(f"at {provider.base_url}")
    if provider.api_key is not None:
        parts.append(f"key {provider.api_key.alias}")
    elif provider.kind != "mock":
        parts.append("no key")
    if provider.proxy is not None:
        parts.append(_proxy(provider.proxy.reveal()))
    if provider.headers:
        parts.append(f"headers {', '.join(provider.headers)}")
    if provider.health is not None:
        parts.append(f"health pinned to {provider.health}")
    if provider.script is not None:
        parts.append(f"script {provider.script}")
    if provider.default:
        parts.append("default")
    return [", ".join(parts)]


def _proxy(url: str) -> str:
    return "without a proxy" if url == DIRECT else f"through the proxy {proxy_place(url)}"


def _target(target: TargetConfig) -> list[str]:
    limits = target.timeout
    times = ", ".join(
        f"{words} {duration_text(seconds)}"
        for words, seconds in (
            ("connect", limits.connect),
            ("first token", limits.first_token),
            ("idle", limits.idle),
            ("total", limits.total),
        )
    )
    context = f"; context {target.context_tokens} tokens" if target.context_tokens else ""
    return [f"{target.provider} / {target.model}; {times}{context}"]


def _route(route: RouteConfig) -> list[str]:
    lines = []
    for rule in route.rules:
        uses = rule.use if isinstance(rule.use, str) else " or else ".join(rule.use)
        reason = rule.reason or route.reason
        because = f" ({reason})" if reason else ""
        when = "otherwise" if rule.when is None else f"if {condition_text(rule.when)}"
        lines.append(f"{when}: {uses}{because}")
    weights = route.strategy.weights if route.strategy is not None else {}
    if weights:
        total = sum(weights.values())
        shares = ", ".join(f"{name} {weight / total:.1%}" for name, weight in weights.items())
        lines.append(f"{'otherwise ' if lines else ''}by weight: {shares}")
    elif route.targets:
        lines.append(f"{'otherwise ' if lines else ''}in order: {', '.join(route.targets)}")
    if route.failover:
        lines.append(f"on failure: {', '.join(route.failover)}")
    if route.timeout is not None:
        lines.append(f"at most {duration_text(route.timeout)} over all attempts")
    if not route.allow_override:
        lines.append("callers cannot choose the target")
    return lines


def _resolution(config: Config) -> list[str]:
    """Say what each name that a client sends turns into, in the order it is looked up."""
    models: dict[str, list[str]] = {}
    for name, target in config.targets.items():
        models.setdefault(target.model, []).append(name)
    by_model = ", ".join(f"{model} -> {', then '.join(names)}" for model, names in models.items())
    default = next((name for name, one in config.providers.items() if one.default), None)
    rest = f"the default provider {default}, with the name unchanged"
    if default is None or config.server.strict:
        rest = "refused with 404"
    steps = [
        f"a route: {', '.join(config.routes) or 'none'}",
        f"a target: {', '.join(config.targets) or 'none'}",
        f"provider/model, with provider one of {', '.join(config.providers)}",
        f"the model of a target: {by_model or 'none'}",
        f"anything else: {rest}",
    ]
    lines = ["A model name is looked up as"]
    lines += [f"  {number}. {step}" for number, step in enumerate(steps, start=1)]
    lines += [f"  hidden: {path}: {message}" for path, message in shadowed_names(config)]
    return lines


def _key(key: KeyConfig) -> list[str]:
    credential = f"SHA-256 …{(key.sha256 or '')[-4:]}" if key.key is None else key.key.alias
    parts = [credential, f"may {', '.join(key.scopes)}"]
    for words, value in (
        ("tenant", key.tenant),
        ("plan", key.plan),
        ("team", key.team),
        ("user", key.user),
    ):
        if value is not None:
            parts.append(f"{words} {value}")
    parts += scope_words(key.models, key.routes, key.dialects, key.aliases)
    if key.may_set_tenant:
        parts.append("may name the tenant")
    return ["; ".join(parts)]


def _kept(config: Config) -> list[str]:
    content, journal = config.content, config.journal
    texts = {
        "none": "Prompts and answers are not kept, only their hashes",
        "redacted": f"Prompts and answers are kept redacted, {content.max_bytes} bytes at most",
        "full": f"Prompts and answers are kept in full, {content.max_bytes} bytes at most",
    }
    lines = [texts[content.capture]]
    lines.append(
        f"Journal of {journal.max_bytes} bytes at most, in segments of {journal.segment_bytes}"
    )
    if config.prices.models:
        lines.append(f"Prices of your own for {', '.join(config.prices.models)}")
    return lines
