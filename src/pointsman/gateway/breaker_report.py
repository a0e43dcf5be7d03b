"""What `GET /v1/breakers` answers: which breakers are not closed, and what became of whom.

Asked by target (who opened it, whom it turned away, who closed it) or by request (which breaker it
opened, tried, closed, or was turned away by).
"""

from collections.abc import Mapping

from msgspec import Struct

from pointsman.core.target import Target
from pointsman.resilience.episodes import Episode, EpisodeLog


class Part(Struct, omit_defaults=True):
    """An episode, and what the request that was asked for did in it."""

    episode: Episode
    part: str | None = None
    """`opened`, `diverted`, `tried` or `closed`; None when no request was asked for."""


class BreakerReport(Struct):
    """The answer."""

    worker: str
    """Whose memory this is."""
    states: dict[str, str]
    """The breakers that are not closed, by `provider/model` or provider."""
    episodes: list[Part]
    """The oldest first."""


class BreakerQuestion(Struct, frozen=True):
    """What is asked; nothing asks for everything."""

    target: str | None = None
    """A declared target, `provider/model`, or a provider."""
    request: str | None = None
    """A request id."""


def breaker_report(
    worker: str,
    states: dict[str, str],
    history: EpisodeLog,
    targets: Mapping[str, Target],
    question: BreakerQuestion,
) -> BreakerReport:
    """Return the answer to a question, from this worker's memory."""
    parts = [Part(episode) for episode in history.all()]
    if question.request is not None:
        parts = [Part(episode, part) for part, episode in history.with_request(question.request)]
    if question.target is not None:
        names = _names(question.target, targets)
        states = {name: state for name, state in states.items() if name in names}
        parts = [each for each in parts if each.episode.name in names]
    return BreakerReport(worker, states, parts)


def _names(asked: str, targets: Mapping[str, Target]) -> frozenset[str]:
    """Return the breakers that stand between a request and what was named."""
    target = targets.get(asked)
    if target is None:
        return frozenset((asked, asked.partition("/")[0]))
    return frozenset((f"{target.provider}/{target.model}", target.provider))
