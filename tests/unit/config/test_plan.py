"""The plan that people read before they start."""

from configuration_text import MOCK, loaded
from pointsman.config.loader import load, load_text
from pointsman.config.plan import plan_text

TEXT = """
server: {host: 0.0.0.0, port: 8080, allow_plain: true, tenant: acme, environment: staging}
providers:
  openai: {kind: openai, api_key: "${OPENAI_API_KEY}", default: true}
  local: {kind: openai, base_url: "http://localhost:11434/v1", health: degraded}
targets:
  small: {provider: openai, model: gpt-4o-mini}
  large: {provider: openai, model: gpt-4o, context_tokens: 128000}
  twin: {provider: local, model: gpt-4o}
routes:
  auto:
    rules:
      - {when: {chars: "<= 1000", "tags.team": a, stream: true}, use: small, reason: rule_match}
      - {when: {OR: [{tier: gold}, {NOT: {workload: batch}}]}, use: [large, twin]}
    strategy: {kind: weighted, weights: {small: 3, large: 1}}
    failover: [twin]
    timeout: 90s
    allow_override: false
  small: {targets: [small, large]}
keys:
  ci: {key: "${CI_KEY}", tenant: t, plan: gold, models: ["gpt-*"], scopes: [call, override]}
  app:
    sha256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbb
    may_set_tenant: true
prices: {models: {gpt-4o: {input_usd_per_mtok: 1, output_usd_per_mtok: 2}}}
content: {capture: full}
"""


def test_the_plan_tells_what_the_configuration_comes_to() -> None:
    """Every sentence that an operator checks before a start."""
    result = loaded(TEXT, OPENAI_API_KEY="sk-0123456789abc", CI_KEY="0123456789abcdef")
    plan = plan_text(result)

    for sentence in (
        f"Configuration {result.version} from pointsman.yaml",
        "Listens on http://0.0.0.0:8080: 2 keys may call",
        "Environment staging, tenant acme unless a key or request names one",
        "openai  openai, key OPENAI_API_KEY, default",
        "local   openai, at http://localhost:11434/v1, no key, health pinned to degraded",
        (
            "large  openai / gpt-4o; connect 5s, first token 1m, idle 30s, total 5m; "
            "context 128000 tokens"
        ),
        "auto   if chars <= 1000 and tags.team is a and stream is true: small (rule_match)",
        "if (tier is gold or not (workload is batch)): large or else twin",
        "otherwise by weight: small 75.0%, large 25.0%",
        "on failure: twin",
        "at most 90s over all attempts",
        "callers cannot choose the target",
        "small  in order: small, large",
        "1. a route: auto, small",
        "4. the model of a target: gpt-4o-mini -> small, gpt-4o -> large, then twin",
        "5. anything else: the default provider openai, with the name unchanged",
        "hidden: routes.small: the route 'small' hides the target of the same name",
        "ci   CI_KEY; may call, override; tenant t; plan gold; models gpt-*",
        "app  SHA-256 …bbbb; may call; may name the tenant",
        "Prompts and answers are kept in full",
        "Prices of your own for gpt-4o",
    ):
        assert sentence in plan


def test_the_plan_of_a_gateway_without_a_file() -> None:
    """It says where it comes from and who may call."""
    plan = plan_text(load(None, environment={}))

    assert "from the environment" in plan
    assert "anyone on this machine may call" in plan
    assert "if chars <= 1000: small (short_prompt_default)" in plan


def test_an_open_gateway_says_who_may_call() -> None:
    """And headers, scripts and conditions of other shapes are shown."""
    text = """
server: {host: "::", allow_open: true}
providers: {m: {kind: openai, base_url: "http://x/v1", headers: {x-a: hidden-value}}}
targets: {t: {provider: m, model: o}}
routes:
  r:
    rules:
      - {when: {tags: [a, b]}, use: t}
      - {when: {tags: {c: d}}, use: t}
      - {when: true, use: t}
"""
    plan = plan_text(loaded(text))

    assert "http://[::]:3100: anyone who reaches it may call" in plan
    assert "headers x-a" in plan
    assert "hidden-value" not in plan
    assert "if true: t" in plan
    assert "if tags is a, b: t" in plan
    assert "if tags.c is d: t" in plan


def test_conditions_of_the_api_dialect_are_shown_as_comparisons() -> None:
    """Field, operator, value."""
    rule = "{when: {field: model, operator: eq, value: auto}, use: t}"
    text = f"{MOCK}targets: {{t: {{provider: mock, model: m}}}}\nroutes: {{r: {{rules: [{rule}]}}}}"

    assert "if model eq auto: t" in plan_text(loaded(text))


def test_strict_refuses_what_nobody_declared() -> None:
    """The last step of the look-up says so."""
    text = "server: {strict: true}\nproviders: {m: {kind: mock, default: true}}"

    assert "anything else: refused with 404" in plan_text(loaded(text))


def test_the_plan_tells_what_becomes_of_failures() -> None:
    """The settings in force, and what some targets and routes do otherwise."""
    text = """
providers: {p: {kind: mock}}
targets:
  a: {provider: p, model: m, max_concurrent: 3, max_wait: 200ms, retry: {max_retries: 0}}
  b: {provider: p, model: n, probe: {every: 10s}, breaker: {enabled: false}}
routes: {chat: {targets: [a, b], retry_first: true, max_cost_ratio: 3}}
resilience: {retry: {max_retries: 1}, breaker: {failures: 7, open_for: 1m}, max_in_flight: 99}
"""
    plan = plan_text(loaded(text))

    for sentence in (
        "asked again once at most, after up to 250ms doubling to 5s; Retry-After up to 10s",
        "left alone for 1m after 7 failures in a row, or 60 % of 20 calls and more within 30s",
        "streams held back until the first content, 16 events or 32768 bytes at most",
        "no attempt begins with less than 1s left",
        "at most 99 requests under way",
        "a: asked once per request",
        "a: at most 3 calls at once, who waits over 200ms moves on",
        "b: never left alone",
        "b: probed every 10s",
        "chat: a target that failed is asked again before the next",
        "chat: failover to at most 3 times the price",
    ):
        assert sentence in plan


def test_plans_and_tenants_are_told_with_what_names_mean():
    """CP-17: whoever checks a file sees what `auto` comes to, for whom."""
    text = plan_text(
        load_text(
            """
providers: {mock: {kind: mock, default: true}}
targets: {small: {provider: mock, model: gpt-4o-mini}}
routes: {cheap: {targets: [small]}}
keys: {ci: {key: "${KEY}", routes: [cheap], dialects: ["openai.*"], aliases: {fast: cheap}}}
policy:
  plans: {free: {aliases: {auto: cheap}, models: [auto], daily_usd: 2.50}, empty: {}}
  tenants: {acme: {plan: free, time_zone: Europe/Berlin}, late: {disabled: true}}
""",
            file="pointsman.yaml",
            environment={"KEY": "long-enough-for-a-key"},
        )
    )

    for line in (
        "fast means cheap; routes cheap; dialects openai.*",
        "free   auto means cheap; models auto; 2.5 USD a day for each tenant",
        "empty  says nothing",
        "acme  plan free",
        "days of Europe/Berlin",
        "late  no plan; disabled: every request is refused",
    ):
        assert line in text, text


def test_limits_budgets_and_agent_runs_are_told_with_who_shares_them():
    """Whoever checks a file sees what it allows and spends, also what only is tried out."""
    text = plan_text(
        load_text(
            """
providers: {mock: {kind: mock, default: true}}
targets: {small: {provider: mock, model: gpt-4o-mini}}
policy:
  tenants: {acme: {daily_usd: 10}}
  limits:
    per-key: {requests_per_minute: 600, concurrent: 50}
    free: {scope: [tenant, user], match: {tier: free}, tokens_per_day: 1000, dry_run: true}
  budgets: {month: {scope: tenant, period: month, usd: 2000, route_to: small}}
  agent_runs: {max_iterations: 5, without_id: refuse}
""",
            file="pointsman.yaml",
            environment={},
        )
    )

    for line in (
        "10 USD a day\n",
        "per-key  600 requests a minute, 50 at once; by key",
        "free     1000 tokens a day; by tenant and user, if tier is free (dry run)",
        "month  2000 USD a month; by tenant",
        "from 90 % on, requests may be moved to small",
        "at most 5 requests; those that name none are refused",
    ):
        assert line in text, text
