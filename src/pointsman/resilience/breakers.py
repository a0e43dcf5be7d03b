"""The breakers of all targets and providers.

A target is a provider and a model: two names for the same pair share a breaker, and another model
of the provider has its own (MM-18). The breaker of a provider counts only what all its models
share: no connection, and a refused credential.

`BreakerBoard` is the seam: several gateways that share state put another implementation behind it.
`MemoryBreakers` is the one of a single worker. A breaker is made by the first failure and dropped
when it holds nothing any more, so that names which callers make up do not fill the memory.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol, TypeAlias

from pointsman.config.resilience import BreakerConfig
from pointsman.core.breaking import exclusion_by
from pointsman.core.clock import Clock
from pointsman.core.failures import FailureClass
from pointsman.core.records import BreakerDetail, Exclusion
from pointsman.core.target import Target
from pointsman.resilience.breaker import CLOSED, HALF_OPEN, OPEN, Breaker, Opening
from pointsman.resilience.episodes import Episode, EpisodeLog

MAX_BREAKERS = 4096
Place: TypeAlias = tuple[str, str]
"""Which breaker: `target` and `provider/model`, or `provider` and its name."""
_PROVIDER_WIDE = frozenset({FailureClass.CONNECTION, FailureClass.BAD_CREDENTIAL})
# A timeout proves neither that the provider can be reached nor that it cannot.
_NEUTRAL = frozenset({FailureClass.CLIENT_LEFT, FailureClass.TIMEOUT})


class Permit(NamedTuple):
    """That a call may begin; given back with its outcome."""

    target_period: int
    provider_period: int
    before: str
    """State of the breaker that let it pass."""


class BreakerBoard(Protocol):
    """What the loop over attempts and the health view ask of the breakers."""

    store: str | None
    """Where they are kept besides this worker's memory; see `TargetState.breaker_store`."""

    def look(self, target: Target) -> tuple[str, BreakerDetail | None]:
        """Return the state for `target` and, unless it is simply closed, what lies behind it."""
        ...

    def provider_is_open(self, provider: str) -> bool:
        """Tell whether the breaker of the provider lets nobody pass."""
        ...

    def lets_pass(self, target: Target) -> bool:
        """Tell whether a call to `target` could begin now; changes nothing."""
        ...

    def exclusion(self, target: Target) -> Exclusion | None:
        """Return why a call to `target` cannot begin now; None when it can."""
        ...

    def begin(self, target: Target, request_id: str) -> Permit | None:
        """Let a call begin; None refuses it."""
        ...

    def end(
        self, target: Target, permit: Permit, request_id: str, failure: FailureClass | None
    ) -> str:
        """Count how it ended (None is a success) and return the state after it."""
        ...

    def note_diverted(self, opened_by: str, request_id: str) -> None:
        """Remember that a request was turned away by the opening that `opened_by` caused."""
        ...


class MemoryBreakers:
    """The breakers of one worker; implements `BreakerBoard`."""

    def __init__(self, clock: Clock, config: BreakerConfig | None = None) -> None:
        self._clock = clock
        self._default = config or BreakerConfig()
        self._configs: Mapping[tuple[str, str], BreakerConfig] = {}
        self._targets: dict[tuple[str, str], Breaker] = {}
        self._providers: dict[str, Breaker] = {}
        self.history = EpisodeLog()
        """Who opened, tried and closed what, and who was turned away."""
        self.store: str | None = None
        """Where the breakers are kept besides: `redis`, or `lost` while that is away and each
        worker decides by itself; None when nothing is shared."""
        self.on_change: Callable[[Place, Breaker], None] | None = None
        """Told when an outcome has opened or closed a breaker."""

    def configure(
        self, default: BreakerConfig, configs: Mapping[tuple[str, str], BreakerConfig]
    ) -> None:
        """Take over the settings: of all, and of some pairs of provider and model."""
        self._default = default
        self._configs = configs
        for key, breaker in list(self._targets.items()):
            breaker.config = configs.get(key, default)
            if not breaker.config.enabled:
                del self._targets[key]
                self._note_disabled(("target", "/".join(key)))
        if not default.enabled:
            for name in self._providers:
                self._note_disabled(("provider", name))
            self._providers.clear()
        for breaker in self._providers.values():
            breaker.config = default

    def look(self, target: Target) -> tuple[str, BreakerDetail | None]:
        """See `BreakerBoard.look`."""
        found = self._providers.get(target.provider)
        now_ns = self._clock.monotonic_ns()
        if found is not None and found.state(now_ns) != CLOSED:
            found.asked_ns = now_ns
            return found.state(now_ns), _detail(found, "provider", now_ns)
        found = self._targets.get((target.provider, target.model))
        if found is None:
            return CLOSED, None
        found.asked_ns = now_ns
        return found.state(now_ns), _detail(found, "target", now_ns)

    def provider_is_open(self, provider: str) -> bool:
        """See `BreakerBoard.provider_is_open`."""
        breaker = self._providers.get(provider)
        return breaker is not None and not breaker.lets_pass(self._clock.monotonic_ns())

    def lets_pass(self, target: Target) -> bool:
        """See `BreakerBoard.lets_pass`."""
        of_target = self._targets.get((target.provider, target.model))
        of_provider = self._providers.get(target.provider)
        if of_target is None and of_provider is None:
            return True
        now_ns = self._clock.monotonic_ns()
        return all(
            breaker is None or breaker.lets_pass(now_ns) for breaker in (of_provider, of_target)
        )

    def exclusion(self, target: Target) -> Exclusion | None:
        """See `BreakerBoard.exclusion`."""
        state, detail = self.look(target)
        return exclusion_by(state, detail)

    def begin(self, target: Target, request_id: str) -> Permit | None:
        """See `BreakerBoard.begin`."""
        of_target = self._targets.get((target.provider, target.model))
        of_provider = self._providers.get(target.provider)
        if of_target is None and of_provider is None:
            return _FREE
        now_ns = self._clock.monotonic_ns()
        for breaker in (of_provider, of_target):
            if breaker is not None:
                breaker.asked_ns = now_ns
            if breaker is not None and not breaker.lets_pass(now_ns):
                return None
        before = [each.state(now_ns) for each in (of_provider, of_target) if each is not None]
        provider_period = of_provider.begin(now_ns, request_id) if of_provider else 0
        target_period = of_target.begin(now_ns, request_id) if of_target else 0
        state = next((each for each in before if each != CLOSED), CLOSED)
        return Permit(target_period or 0, provider_period or 0, state)

    def end(
        self, target: Target, permit: Permit, request_id: str, failure: FailureClass | None
    ) -> str:
        """See `BreakerBoard.end`."""
        key = (target.provider, target.model)
        config = self._configs.get(key, self._default)
        if self._default.enabled:
            self._count_provider(target.provider, permit, request_id, failure)
        if not config.enabled:
            return self._provider_word(target.provider)
        failed = _is_failure(failure)
        breaker = self._targets.get(key)
        if breaker is None:
            if failed is not True:
                return self._provider_word(target.provider)
            self._make_room()
            breaker = self._targets[key] = Breaker(config)
        name = f"{target.provider}/{target.model}"
        self._count(breaker, permit.target_period, request_id, failed, ("target", name))
        now_ns = self._clock.monotonic_ns()
        if breaker.is_idle(now_ns):
            self._targets.pop(key, None)
        state = breaker.state(now_ns)
        return state if state != CLOSED else self._provider_word(target.provider)

    def note_diverted(self, opened_by: str, request_id: str) -> None:
        """See `BreakerBoard.note_diverted`."""
        self.history.note_diverted(opened_by, request_id)

    def find(self, place: Place) -> Breaker | None:
        """Return a breaker; None for one that holds nothing."""
        scope, name = place
        return self._providers.get(name) if scope == "provider" else self._targets.get(_pair(name))

    def not_closed(self) -> dict[Place, Breaker]:
        """Return the breakers that are open or half-open."""
        now_ns = self._clock.monotonic_ns()
        return {place: each for place, each in self._every() if each.state(now_ns) != CLOSED}

    def open_elsewhere(self, place: Place, episode: Episode, left_s: float) -> Breaker | None:
        """Take over that another worker found a target failing.

        Returns:
            The breaker; None when this worker's configuration has none there.
        """
        scope, name = place
        is_provider = scope == "provider"
        config = self._default if is_provider else self._configs.get(_pair(name), self._default)
        if not config.enabled:
            return None
        breaker = self.find(place)
        if breaker is None:
            breaker = Breaker(config)
            if is_provider:
                self._providers[name] = breaker
            else:
                self._make_room()
                self._targets[_pair(name)] = breaker
        values = (episode.observed or 0.0, episode.limit or 0.0)
        opening = Opening(episode.cause, *values, episode.opened_by)
        breaker.open_elsewhere(self._clock.monotonic_ns(), opening, left_s)
        self.history.adopted(episode)
        return breaker

    def close_elsewhere(self, place: Place, by: str) -> None:
        """Take over that a call of another worker found a target serving."""
        breaker = self.find(place)
        now_ns = self._clock.monotonic_ns()
        if breaker is not None and breaker.state(now_ns) != CLOSED:
            breaker.close_elsewhere(now_ns, by)
        self.history.closed(place, by, self._clock.unix_ns())

    def states(self) -> dict[str, str]:
        """Return the breakers that are not closed, by `provider/model` or provider."""
        now_ns = self._clock.monotonic_ns()
        return {name: each.state(now_ns) for (_, name), each in self.not_closed().items()}

    def _every(self) -> Iterator[tuple[Place, Breaker]]:
        for key, breaker in self._targets.items():
            yield ("target", "/".join(key)), breaker
        for name, breaker in self._providers.items():
            yield ("provider", name), breaker

    def _count_provider(
        self, name: str, permit: Permit, request_id: str, failure: FailureClass | None
    ) -> None:
        failed = None if failure in _NEUTRAL else failure in _PROVIDER_WIDE
        breaker = self._providers.get(name)
        if breaker is None:
            if failed is not True:
                return
            breaker = self._providers[name] = Breaker(self._default)
        self._count(breaker, permit.provider_period, request_id, failed, ("provider", name))
        if breaker.is_idle(self._clock.monotonic_ns()):
            del self._providers[name]

    def _provider_word(self, provider: str) -> str:
        breaker = self._providers.get(provider)
        return CLOSED if breaker is None else breaker.state(self._clock.monotonic_ns())

    def _count(
        self,
        breaker: Breaker,
        period: int,
        request_id: str,
        failed: bool | None,
        place: Place,
    ) -> None:
        """Count an outcome and keep the history when it changed the state."""
        now_ns = self._clock.monotonic_ns()
        before = breaker.period
        was_trial = breaker.tried_by == request_id
        breaker.end(period, now_ns, request_id, failed)
        if breaker.period == before:
            return
        if breaker.state(now_ns) != OPEN:
            self.history.closed(place, request_id, self._clock.unix_ns())
        elif was_trial:
            self.history.tried(place, request_id)
        elif breaker.opening is not None:
            self.history.opened(_episode(place, breaker.opening, self._clock.unix_ns()))
        if self.on_change is not None:
            self.on_change(place, breaker)

    def _note_disabled(self, place: Place) -> None:
        self.history.closed(place, "configuration", self._clock.unix_ns())

    def _make_room(self) -> None:
        if len(self._targets) < MAX_BREAKERS:
            return
        now_ns = self._clock.monotonic_ns()
        idle = [key for key, each in self._targets.items() if each.is_idle(now_ns)]
        for key in idle or [next(iter(self._targets))]:
            del self._targets[key]
            self.history.closed(("target", "/".join(key)), "room", self._clock.unix_ns())


_FREE = Permit(0, 0, CLOSED)


def _is_failure(failure: FailureClass | None) -> bool | None:
    """Return whether an outcome speaks against the target; None when it says nothing."""
    if failure is None:
        return False
    return True if failure.counts_against_target else None


def _pair(name: str) -> tuple[str, str]:
    """Return provider and model; a provider's name holds no slash, a model's may."""
    provider, _, model = name.partition("/")
    return provider, model


def _episode(place: Place, opening: Opening, unix_ns: int) -> Episode:
    return Episode(
        *place,
        opening.cause,
        opening.by,
        unix_ns,
        observed=opening.observed,
        limit=opening.limit,
    )


def _detail(breaker: Breaker, scope: str, now_ns: int) -> BreakerDetail | None:
    state = breaker.state(now_ns)
    share = breaker.share(now_ns)
    opening = breaker.opening
    if opening is None or (state == CLOSED and share == 1.0):
        return None
    return BreakerDetail(
        scope=scope,
        cause=opening.cause,
        observed=opening.observed,
        limit=opening.limit,
        left_s=None if state == CLOSED else round(breaker.left_s(now_ns), 3),
        share=None if state != CLOSED else round(share, 4),
        opened_by=opening.by,
        tried_by=breaker.taken_by(now_ns) if state == HALF_OPEN else None,
    )
