"""What prompt rules come to, in words, for the plan that `pointsman check` prints."""

from pointsman.config.prompt_policy import PromptRuleConfig
from pointsman.config.words import condition_text

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
