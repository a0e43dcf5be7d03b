"""Which step a call gets: the first rule that matches, and how often that rule has played."""

from fnmatch import fnmatchcase

from msgspec import Struct

from pointsman.providers.mock.script import Match, Script, ScriptRule, Step

_PLAIN = Step()


class Counters(Struct):
    """What a mock has done so far."""

    requests: int = 0
    chunks: int = 0
    """Pieces of bodies that were sent."""
    aborted: int = 0
    """Answers that the caller did not wait for."""


class ScriptPlayer:
    """Deals out steps. One player is one sequence: calls in the order in which they ask."""

    def __init__(self, script: Script) -> None:
        self._rules = [(rule, _unfold(rule)) for rule in script.rules]
        self._played = [0] * len(self._rules)
        self.counters = Counters()

    def next_step(self, model: str, label: str | None, *, stream: bool) -> Step:
        """Return the step for the next call and count it."""
        self.counters.requests += 1
        for position, (rule, steps) in enumerate(self._rules):
            if _matches(rule.match, model, label, stream):
                number = self._played[position]
                self._played[position] = number + 1
                if rule.repeat:
                    return steps[number % len(steps)]
                return steps[min(number, len(steps) - 1)]
        return _PLAIN


def _unfold(rule: ScriptRule) -> list[Step]:
    return [step for step in rule.steps for _ in range(step.times)]


def _matches(match: Match, model: str, label: str | None, stream: bool) -> bool:
    if match.model is not None and not fnmatchcase(model, match.model):
        return False
    if match.label is not None and match.label != label:
        return False
    return match.stream is None or match.stream == stream
