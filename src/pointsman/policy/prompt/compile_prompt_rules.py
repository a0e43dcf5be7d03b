"""From `policy.rules` as written to the rules that a request is held against."""

from pointsman.config.prompt_policy import PromptRuleConfig
from pointsman.config.root import LoadedConfig
from pointsman.core.conditions import REQUEST_FIELDS, compile_condition
from pointsman.core.records import Rule
from pointsman.core.redaction.detectors import select
from pointsman.core.redaction.engine import Redactor
from pointsman.policy.prompt.rule import PromptRule, PromptRules


def compile_prompt_rules(loaded: LoadedConfig) -> PromptRules | None:
    """Compile a checked configuration; None when it has no prompt rule."""
    policy = loaded.config.policy
    if not policy.rules:
        return None
    compiled = [
        (config.reads, _rule(loaded, f"policy.rules.{name}", config))
        for name, config in policy.rules.items()
    ]
    return PromptRules(
        on_prompt=tuple(rule for reads, rule in compiled if reads != "answer"),
        on_answer=tuple(rule for reads, rule in compiled if reads != "prompt"),
        hold_back_characters=policy.hold_back_characters,
    )


def _rule(loaded: LoadedConfig, path: str, config: PromptRuleConfig) -> PromptRule:
    condition = None
    if config.match is not None:
        condition = compile_condition(config.match, REQUEST_FIELDS, f"{path}.match")
    redactor = None
    if config.find or config.patterns:
        redactor = Redactor(select(config.find), config.patterns)
    return PromptRule(
        rule=Rule(path, loaded.file, loaded.lines.get(path)),
        action=config.do,
        condition=condition,
        redactor=redactor,
        roles=frozenset(config.roles),
        use=config.use,
        replaces_named=config.named_models == "replace",
        message=config.message,
        refusal=config.refusal,
        dry_run=config.dry_run,
    )
