"""The breaker: when it opens, who may try, how it closes and comes back."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pointsman.config.resilience import BreakerConfig
from pointsman.config.section import Duration
from pointsman.core.clock import ManualClock
from pointsman.core.failures import FailureClass
from pointsman.core.target import Target
from pointsman.resilience.breaker import CLOSED, FIRST_SHARE, HALF_OPEN, OPEN, Breaker
from pointsman.resilience.breakers import MemoryBreakers

S = 1_000_000_000
A = Target(name="a", provider="openai", model="m-a")
B = Target(name="b", provider="openai", model="m-b")


def outcome(breaker: Breaker, now_ns: int, failed: bool | None, by: str = "req") -> bool:
    """Make one call; return whether it was let through."""
    period = breaker.begin(now_ns, by)
    if period is None:
        return False
    breaker.end(period, now_ns, by, failed)
    return True


def opened(now_ns: int = 0) -> Breaker:
    breaker = Breaker(BreakerConfig())
    for number in range(5):
        outcome(breaker, now_ns, True, f"req_{number}")
    return breaker


def test_five_failures_in_a_row_open_it_for_thirty_seconds():
    """GB-14: and the request of the fifth is the one that opened it."""
    breaker = opened()

    assert breaker.state(0) == OPEN
    assert breaker.opening.by == "req_4"
    assert (breaker.opening.observed, breaker.opening.limit) == (5, 5)
    assert not breaker.lets_pass(29 * S)
    assert breaker.lets_pass(30 * S)


def test_a_success_resets_the_count():
    """GB-14."""
    breaker = Breaker(BreakerConfig())
    for _ in range(3):
        for _ in range(4):
            outcome(breaker, 0, True)
        outcome(breaker, 0, False)

    assert breaker.state(0) == CLOSED


def test_exactly_one_call_tries_it():
    """GB-15: the others are refused until it has ended."""
    breaker = opened()

    period = breaker.begin(30 * S, "trial")
    assert period is not None
    assert [breaker.begin(30 * S, f"other_{number}") for number in range(50)] == [None] * 50
    breaker.end(period, 31 * S, "trial", False)

    assert breaker.state(31 * S) == CLOSED
    assert breaker.closed_by == "trial"


def test_a_trial_that_fails_opens_it_again_and_who_opened_it_first_stays_known():
    """GB-15, and the answer to why it is open."""
    breaker = opened()
    outcome(breaker, 30 * S, True, "trial")

    assert breaker.state(59 * S) == OPEN
    assert breaker.state(60 * S) == HALF_OPEN
    assert breaker.opening.by == "req_4"


def test_a_trial_that_says_nothing_leaves_the_place_to_the_next():
    """GB-16: a client that left, or a caller's fault, is no evidence."""
    breaker = opened()
    outcome(breaker, 30 * S, None, "left")

    assert breaker.state(30 * S) == HALF_OPEN
    assert breaker.lets_pass(30 * S)


def test_what_began_before_it_opened_neither_closes_nor_prolongs_it():
    """The cooldown is not begun anew by stragglers."""
    breaker = Breaker(BreakerConfig())
    stragglers = [breaker.begin(0, f"slow_{number}") for number in range(3)]
    for _ in range(5):
        outcome(breaker, S, True)
    for period, failed in zip(stragglers, (True, False, None), strict=True):
        breaker.end(period, 20 * S, "slow", failed)

    assert breaker.left_s(20 * S) == 11.0


def test_a_share_of_failures_opens_it_although_successes_are_between():
    """Seven of ten failed: never five in a row."""
    breaker = Breaker(BreakerConfig())
    for number in range(30):
        if not outcome(breaker, number * S // 10, number % 10 not in (0, 4, 8)):
            break

    assert breaker.opening.cause == "error_percent"
    assert breaker.opening.observed >= breaker.opening.limit == 60


def test_the_share_grows_from_a_tenth_to_all():
    """FO-11 after GB-15 (requirements 19.14)."""
    breaker = opened()
    outcome(breaker, 30 * S, False, "trial")

    shares = [breaker.share((30 + seconds) * S) for seconds in (0, 1, 15, 30)]
    assert shares == [FIRST_SHARE, FIRST_SHARE, 0.5, 1.0]


def test_one_model_of_a_provider_leaves_the_other_serving():
    """MM-18."""
    board = MemoryBreakers(ManualClock())
    for number in range(5):
        board.end(A, board.begin(A, "r"), f"r{number}", FailureClass.SERVER_ERROR)

    assert board.begin(A, "x") is None
    assert board.begin(B, "x") is not None


@pytest.mark.parametrize("failure", [FailureClass.CONNECTION, FailureClass.BAD_CREDENTIAL])
def test_what_all_models_share_opens_the_breaker_of_the_provider(failure: FailureClass):
    """Requirements 19.1: a refused credential, no connection."""
    board = MemoryBreakers(ManualClock())
    for number in range(5):
        target = Target(name=f"t{number}", provider="openai", model=f"m{number}")
        board.end(target, board.begin(target, "r"), f"r{number}", failure)

    assert board.begin(B, "x") is None
    exclusion = board.exclusion(B)
    assert (exclusion.code, exclusion.left_s, exclusion.opened_by) == ("provider_open", 30.0, "r4")


@pytest.mark.parametrize(
    "failure", [FailureClass.CALLER_FAULT, FailureClass.CLIENT_LEFT, FailureClass.CONTEXT_TOO_LONG]
)
def test_what_is_not_the_target_s_fault_never_opens_it(failure: FailureClass):
    """GB-16."""
    board = MemoryBreakers(ManualClock())
    for _ in range(50):
        board.end(A, board.begin(A, "r"), "r", failure)

    assert board.begin(A, "x") is not None
    assert board.states() == {}


def test_an_opening_knows_who_opened_it_whom_it_turned_away_and_who_closed_it():
    """Field notes 8.7, from the breaker's side."""
    clock = ManualClock()
    board = MemoryBreakers(clock)
    for number in range(5):
        board.end(A, board.begin(A, "r"), f"r{number}", FailureClass.TIMEOUT)
    for number in range(300):
        board.note_diverted(board.exclusion(A).opened_by, f"d{number}")
    clock.advance_s(30)
    board.end(A, board.begin(A, "trial"), "trial", None)

    [episode] = board.history.all()
    assert (episode.opened_by, episode.closed_by) == ("r4", "trial")
    assert (episode.diverted_count, len(episode.diverted), episode.diverted[0]) == (300, 256, "d0")
    assert episode.closed_unix_ns - episode.opened_unix_ns == 30 * S


def test_names_that_callers_invent_do_not_stay():
    """A breaker that holds nothing any more is dropped."""
    clock = ManualClock()
    board = MemoryBreakers(clock)
    for number in range(5000):
        target = Target(name=f"p/{number}", provider="p", model=f"{number}")
        board.end(target, board.begin(target, "r"), "r", FailureClass.SERVER_ERROR)
        clock.advance_s(0.001)

    assert len(board._targets) <= 4096


def test_a_breaker_that_a_reload_switches_off_keeps_nobody_away():
    """Also one that was open, or being tried, at that moment."""
    clock = ManualClock()
    board = MemoryBreakers(clock)
    for _ in range(5):
        board.end(A, board.begin(A, "r"), "r", FailureClass.CONNECTION)
    clock.advance_s(30)
    trial = board.begin(A, "trial")
    assert board.begin(A, "other") is None

    board.configure(BreakerConfig(enabled=False), {})

    assert board.begin(A, "other") is not None
    board.end(A, trial, "trial", FailureClass.CONNECTION)
    assert board.begin(A, "other") is not None
    assert board.states() == {}


def test_a_timeout_says_nothing_about_the_provider():
    """It neither opens the breaker that all models share nor closes it."""
    clock = ManualClock()
    board = MemoryBreakers(clock)
    for _ in range(5):
        board.end(A, board.begin(A, "r"), "r", FailureClass.BAD_CREDENTIAL)
    clock.advance_s(30)
    board.end(B, board.begin(B, "trial"), "trial", FailureClass.TIMEOUT)

    assert board.states()["openai"] == HALF_OPEN
    assert board.begin(B, "next") is not None


class BreakerMachine(RuleBasedStateMachine):
    """Any interleaving of calls that begin, end and wait."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ns = 0
        self.breaker = Breaker(
            BreakerConfig(failures=3, min_calls=6, open_for=Duration(10), window=Duration(20))
        )
        self.under_way: list[tuple[int, str]] = []
        self.count = 0
        self.trial: str | None = None
        self.opened_ns: int | None = None

    @rule()
    def begin(self) -> None:
        self.count += 1
        name = f"call_{self.count}"
        state = self.breaker.state(self.now_ns)
        period = self.breaker.begin(self.now_ns, name)
        if state == OPEN:
            assert period is None
        if state == CLOSED:
            assert period is not None
        if state == HALF_OPEN:
            assert (period is not None) is (self.trial is None)
            self.trial = name if period is not None else self.trial
        if period is not None:
            self.under_way.append((period, name))

    @precondition(lambda self: self.under_way)
    @rule(pick=st.integers(0, 1_000), failed=st.sampled_from([True, False, None]))
    def end(self, pick: int, failed: bool | None) -> None:
        period, name = self.under_way.pop(pick % len(self.under_way))
        before = self.breaker.state(self.now_ns)
        self.breaker.end(period, self.now_ns, name, failed)
        after = self.breaker.state(self.now_ns)
        if before == OPEN:
            assert after == OPEN, "only a trial ends what is open"
        if before == HALF_OPEN and name != self.trial:
            assert after == HALF_OPEN
        if before == HALF_OPEN and name == self.trial:
            assert after == {True: OPEN, False: CLOSED, None: HALF_OPEN}[failed]
            self.trial = None
        if after == OPEN and before != OPEN:
            self.opened_ns = self.now_ns

    @rule(seconds=st.floats(0.1, 15))
    def wait(self, seconds: float) -> None:
        self.now_ns += round(seconds * S)

    @invariant()
    def open_means_that_nobody_passes_until_its_time_is_over(self) -> None:
        if self.breaker.state(self.now_ns) == OPEN:
            assert not self.breaker.lets_pass(self.now_ns)
            assert self.now_ns < self.opened_ns + 10 * S

    @invariant()
    def the_share_is_a_share(self) -> None:
        assert 0 < self.breaker.share(self.now_ns) <= 1

    @invariant()
    def at_most_one_call_tries_it(self) -> None:
        assert self.breaker.tried_by == self.trial


BreakerMachine.TestCase.settings = settings(max_examples=60, deadline=None)
test_any_order_of_calls_keeps_the_rules = BreakerMachine.TestCase
