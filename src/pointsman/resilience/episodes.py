"""The history of breakers: who opened one, whom it turned away, who tried it, who closed it.

Bounded in memory, the oldest first to go. Can be asked both ways: by target or provider, and by
request. Decides nothing.
"""

from collections import deque

from msgspec import Struct, field

MAX_EPISODES = 256
MAX_DIVERTED = 256
"""Request ids kept for each opening; more are counted."""
MAX_TRIED = 32


class Episode(Struct, omit_defaults=True):
    """One time that a breaker was open."""

    scope: str
    """`target` or `provider`."""
    name: str
    """`provider/model`, or the provider."""
    cause: str
    """`failures_in_a_row` or `error_percent`."""
    opened_by: str
    """The request whose failure opened it."""
    opened_unix_ns: int
    observed: float | None = None
    limit: float | None = None
    """The two values that were compared."""
    opened_at: str | None = None
    """The worker that opened it, when it was another than the one that tells."""
    diverted: list[str] = field(default_factory=list)
    """Requests that were turned away, the first `MAX_DIVERTED`."""
    diverted_count: int = 0
    tried: list[str] = field(default_factory=list)
    """Requests and probes that tried it and failed, the first `MAX_TRIED`."""
    closed_by: str | None = None
    """The request or probe whose success closed it; `configuration` when a reload did, `room` when
    it was forgotten because callers had made up too many names."""
    closed_unix_ns: int | None = None

    def role_of(self, request_id: str) -> str | None:
        """Return what a request was in it: `opened`, `diverted`, `tried`, `closed`, or None."""
        if request_id == self.opened_by:
            return "opened"
        if request_id == self.closed_by:
            return "closed"
        if request_id in self.tried:
            return "tried"
        return "diverted" if request_id in self.diverted else None


class EpisodeLog:
    """The episodes of one worker."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], Episode] = {}
        self._all: deque[Episode] = deque(maxlen=MAX_EPISODES)

    def opened(self, episode: Episode) -> None:
        """Note that a breaker opened; one that is open already stays the same episode."""
        place = (episode.scope, episode.name)
        if place not in self._open:
            self._open[place] = episode
            self._all.append(episode)

    def adopted(self, episode: Episode) -> None:
        """Note an opening that another worker told of; its word on who was first counts."""
        known = self._open.get((episode.scope, episode.name))
        if known is None:
            self.opened(episode)
        elif known.opened_by != episode.opened_by:
            known.cause, known.observed, known.limit = (
                episode.cause,
                episode.observed,
                episode.limit,
            )
            known.opened_by, known.opened_unix_ns = episode.opened_by, episode.opened_unix_ns
            known.opened_at = episode.opened_at

    def tried(self, place: tuple[str, str], request_id: str) -> None:
        """Note that a trial failed."""
        episode = self._open.get(place)
        if episode is not None and len(episode.tried) < MAX_TRIED:
            episode.tried.append(request_id)

    def closed(self, place: tuple[str, str], by: str, unix_ns: int) -> None:
        """Note that a breaker closed; without effect on one that is not open."""
        episode = self._open.pop(place, None)
        if episode is not None:
            episode.closed_by, episode.closed_unix_ns = by, unix_ns

    def current(self, place: tuple[str, str]) -> Episode | None:
        """Return the episode that is not over; None without one."""
        return self._open.get(place)

    def note_diverted(self, opened_by: str, request_id: str) -> None:
        """Remember that a request was turned away by the opening that `opened_by` caused."""
        for episode in self._open.values():
            if episode.opened_by == opened_by:
                episode.diverted_count += 1
                if len(episode.diverted) < MAX_DIVERTED:
                    episode.diverted.append(request_id)

    def all(self) -> list[Episode]:
        """Return every episode that is remembered, the oldest first."""
        return list(self._all)

    def with_request(self, request_id: str) -> list[tuple[str, Episode]]:
        """Return the episodes in which a request had a part, with its part in each."""
        found = ((episode.role_of(request_id), episode) for episode in self._all)
        return [(role, episode) for role, episode in found if role is not None]
