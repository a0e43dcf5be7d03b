"""What limits, budgets, agent runs and prompt rules come to, in words, for the printed plan."""

from pointsman.config.policy import AgentRunsConfig, BudgetConfig, LimitConfig
from pointsman.config.prompt_policy import PromptRuleConfig
from pointsman.config.words import condition_text

_PERIODS = {"day": " a day", "month": " a month", "total": " in all"}
_RUNS_WITHOUT_ID = {
    "guess": "those that name none are guessed",
    "refuse": "those that name none are refused",
    "ignore": "those that name none are not counted",
}
_SIDES = {"prompt": "prompts", "answer": "answers", "both": "prompts and answers"}


def prompt_rule(rule: PromptRuleConfig) -> list[str]:
    """Return a rule in one line: `block prompts that hold credit_card, if tenant is acme`."""
    looks = [*rule.find, *rule.patterns]
    parts = [f"{rule.do} {_SIDES[rule.reads]}"]
    if looks:
        parts.append(f"that hold {', '.join(looks)}")
    if rule.roles:
        parts.append(f"in texts of {', '.join(rule.roles)}")
    if rule.use is not None:
        parts.append(f"to {rule.use}")
    text = " ".join(parts)
    if rule.match is not None:
        text += f", if {condition_text(rule.match)}"
    return [f"{text} (dry run)" if rule.dry_run else text]


def limit(config: LimitConfig) -> list[str]:
    """Return a limit in one line: `600 requests a minute, 50 at once; by key`."""
    numbers = [
        f"{number} {words}"
        for number, words in (
            (config.requests_per_minute, "requests a minute"),
            (config.tokens_per_minute, "tokens a minute"),
            (config.concurrent, "at once"),
            (config.requests_per_day, "requests a day"),
            (config.requests_per_month, "requests a month"),
            (config.tokens_per_day, "tokens a day"),
            (config.tokens_per_month, "tokens a month"),
        )
        if number is not None
    ]
    return [_whose(", ".join(numbers), config)]


def budget(config: BudgetConfig) -> list[str]:
    """Return a budget in one line: `50 USD a day; by key`."""
    text = _whose(f"{config.usd} USD{_PERIODS[config.period]}", config)
    if config.route_to is None:
        return [text]
    return [text, f"from {config.route_percent} % on, requests may be moved to {config.route_to}"]


def agent_runs(config: AgentRunsConfig | None) -> list[str]:
    """Return the cap on agent runs; nothing when there is none."""
    if config is None:
        return []
    text = f"at most {config.max_iterations} requests; {_RUNS_WITHOUT_ID[config.without_id]}"
    return [text if config.match is None else f"{text}; if {condition_text(config.match)}"]


def _whose(text: str, config: LimitConfig | BudgetConfig) -> str:
    scopes = [config.scope] if isinstance(config.scope, str) else config.scope
    text += f"; by {' and '.join(scopes)}"
    if config.match is not None:
        text += f", if {condition_text(config.match)}"
    return f"{text} (dry run)" if config.dry_run else text
