"""One side of one call held against the rules: which apply, what they found, what follows.

Texts are looked at one by one, in any thread; what was found is noted in one place and written to
the record once. Holds counts and names of rules, never what was found.
"""

from collections.abc import Mapping

from msgspec import Struct, field

from pointsman.core.detour import Detour
from pointsman.core.errors import GuardrailBlockedError
from pointsman.core.facts import Facts
from pointsman.core.records import PolicyOutcome
from pointsman.policy.prompt.rule import PROMPT, PromptRule

Found = dict[int, dict[str, int]]
"""Position of a rule among those that apply -> what it found -> how often."""

_OUTCOMES = {
    "block": "blocked",
    "redact": "redacted",
    "flag": "flagged",
    "reroute": "rerouted",
}


class Scanned(Struct):
    """One text after the rules."""

    text: str
    """With markers in the place of what was redacted."""
    found: Found = field(default_factory=dict)
    marked: list[str] = field(default_factory=list)
    """The text with markers for what each rule found, also of rules that change nothing."""


class Examination:
    """The rules that apply to one side of one call, with what they found in it so far.

    Args:
        rules: Of that side, in order.
        side: `prompt` or `answer`.
        facts: Of the request, for the rules' conditions.
    """

    __slots__ = ("_applied", "outcomes", "reads_text", "side")

    def __init__(self, rules: tuple[PromptRule, ...], side: str, facts: Facts) -> None:
        self.side = side
        self._applied: list[tuple[PromptRule, PolicyOutcome]] = []
        self.outcomes: list[PolicyOutcome] = []
        """One per rule, in order; for the record."""
        for rule in rules:
            outcome = self._begin(rule, facts)
            self.outcomes.append(outcome)
            if outcome.outcome != "not_matched":
                self._applied.append((rule, outcome))
        self.reads_text = any(rule.redactor is not None for rule, _ in self._applied)
        """Whether any rule that applies must see the texts."""

    def _begin(self, rule: PromptRule, facts: Facts) -> PolicyOutcome:
        condition = None if rule.condition is None else rule.condition.explain(facts)
        holds = condition is None or condition.result
        outcome = "not_matched"
        if holds:
            outcome = "passed" if rule.redactor is not None else _OUTCOMES[rule.action]
        return PolicyOutcome(
            rule=rule.rule.id,
            outcome=outcome,
            side=self.side,
            dry_run=rule.dry_run,
            file=rule.rule.file,
            line=rule.rule.line,
            condition=condition,
            use=rule.use,
        )

    @property
    def may_change(self) -> bool:
        """Whether a rule that applies can redact or block, so that text must wait for it."""
        return any(
            rule.action in {"redact", "block"} and not rule.dry_run for rule, _ in self._applied
        )

    def scan(self, text: str, role: str, *, is_json: bool = False) -> Scanned:
        """Hold a text against every rule that applies. Notes nothing.

        Args:
            text: Whole, or a piece that cuts nothing in two.
            role: Who said it.
            is_json: It is JSON, so that escapes in it must not hide anything.
        """
        scanned = Scanned(text)
        for index, (rule, _) in enumerate(self._applied):
            redactor = rule.redactor
            if redactor is None or (rule.roles and role not in rule.roles):
                continue
            if is_json:
                raw, counts = redactor.redact_json(scanned.text.encode("utf-8", "replace"))
                redacted = raw.decode("utf-8", "replace") if counts else scanned.text
            else:
                result = redactor.redact(scanned.text)
                redacted, counts = result.text, result.counts
            scanned.marked.append(redacted)
            if counts:
                scanned.found[index] = counts
                if rule.action == "redact" and not rule.dry_run:
                    scanned.text = redacted
        return scanned

    def note(self, found: Mapping[int, Mapping[str, int]], *, is_repetition: bool = False) -> None:
        """Add what was found in a text.

        Args:
            found: As `scan` returned it.
            is_repetition: The text may have been noted in pieces before: only what is news counts.
        """
        for index, counts in found.items():
            rule, outcome = self._applied[index]
            if is_repetition and outcome.counts:
                continue
            outcome.outcome = _OUTCOMES[rule.action]
            for name, count in counts.items():
                outcome.counts[name] = outcome.counts.get(name, 0) + count

    def blocking(self) -> PromptRule | None:
        """Return the first rule that blocks by what was noted; None when none does."""
        for rule, outcome in self._applied:
            if outcome.outcome == "blocked" and not rule.dry_run:
                return rule
        return None

    def detour(self) -> Detour | None:
        """Return where the first rule that reroutes sends the request; None for no such rule."""
        chosen: Detour | None = None
        for rule, outcome in self._applied:
            if outcome.outcome != "rerouted" or rule.use is None or rule.dry_run:
                continue
            if chosen is not None:
                outcome.outcome = "overruled"
                continue
            chosen = Detour(
                rule=rule.rule.id,
                use=rule.use,
                replaces_named=rule.replaces_named,
                message=rule.message,
            )
        return chosen

    def error(self, rule: PromptRule) -> GuardrailBlockedError:
        """Return the error that tells a caller of the rule that blocked."""
        what = "this prompt" if self.side == PROMPT else "the answer to this prompt"
        outcome = next(noted for applied, noted in self._applied if applied is rule)
        metadata: dict[str, object] = {"rule": rule.rule.id, "side": self.side}
        if outcome.counts:
            metadata["found"] = dict(outcome.counts)
        message = rule.message or f"the rule `{rule.rule.id}` of this gateway blocked {what}"
        return GuardrailBlockedError(message, metadata=metadata)
