"""`policy.rules`: what may stand in prompts and answers, and what is done about the rest."""

from typing import Literal

from msgspec import field

from pointsman.config.section import Section

ROLES = ("system", "developer", "user", "assistant", "tool", "function", "other")
"""Who said a text of a prompt; `other` is what no message holds, as the description of a tool."""


class PromptRuleConfig(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule. Every rule is looked at, in order; later ones see what earlier ones redacted."""

    do: Literal["block", "redact", "flag", "reroute"]
    """`block` refuses the prompt or stops the answer, `redact` puts markers in the place of what
    was found, `flag` only records it, `reroute` sends the request to `use`."""
    reads: Literal["prompt", "answer", "both"] = "prompt"
    """What is looked at: `prompt`, `answer` or `both`."""
    match: object = None
    """A condition (see docs/reference/conditions.md) on requests; absent means all."""
    find: list[str] = field(default_factory=list)
    """What to look for: entity types (`email`, `credit_card`, `api_key` …), or `secrets` and
    `personal` for all of a kind."""
    patterns: dict[str, str] = field(default_factory=dict)
    """More to look for: name -> regular expression in RE2's syntax."""
    roles: list[str] = field(default_factory=list)
    """Only texts of these roles of a prompt are looked at; absent means all."""
    use: str | None = None
    """For `reroute`: the target or route that serves instead; nothing else does, if it fails."""
    named_models: Literal["refuse", "replace"] = "refuse"
    """For `reroute`, when the caller named a model: `refuse` the request, or `replace` it."""
    message: str | None = None
    """What the caller of a blocked request is told; absent for words that name the rule."""
    refusal: str | None = None
    """For `block` of whole answers: send this text as the answer instead of an error."""
    dry_run: bool = False
    """Record what would be done and change nothing."""
