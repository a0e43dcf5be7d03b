"""One compiled prompt rule, and all of them."""

from msgspec import Struct

from pointsman.core.conditions import Condition
from pointsman.core.facts import Facts
from pointsman.core.records import Rule
from pointsman.core.redaction.engine import Redactor

PROMPT, ANSWER = "prompt", "answer"


class PromptRule(Struct, frozen=True, kw_only=True):
    """One rule, as configured."""

    rule: Rule
    """As records name it; shared by all records, never changed."""
    action: str
    """`block`, `redact`, `flag` or `reroute`."""
    condition: Condition[Facts] | None = None
    """None applies to every request."""
    redactor: Redactor | None = None
    """Finds what the rule is about; None for a rule whose condition alone decides."""
    roles: frozenset[str] = frozenset()
    """Whose texts it reads; empty is everybody's."""
    use: str | None = None
    replaces_named: bool = False
    message: str | None = None
    refusal: str | None = None
    dry_run: bool = False


class PromptRules(Struct, frozen=True, kw_only=True):
    """The rules of one configuration version, in the order of the file."""

    on_prompt: tuple[PromptRule, ...] = ()
    on_answer: tuple[PromptRule, ...] = ()
    hold_back_characters: int = 256
    """How much of a stream is held back so that nothing found is cut in two."""
