"""The lazily moved deadline."""

import heapq

from pointsman.server.timer import DeadlineTimer


class FakeLoop:
    """A loop whose time moves only when told to; counts the timers that were armed."""

    def __init__(self):
        self.now, self.armed, self._timers = 0.0, 0, []

    def time(self):
        return self.now

    def call_later(self, delay, callback):
        self.armed += 1
        timer = _Timer(self.now + delay, self.armed, callback)
        heapq.heappush(self._timers, timer)
        return timer

    def advance(self, seconds):
        end = self.now + seconds
        while self._timers and self._timers[0].when <= end:
            timer = heapq.heappop(self._timers)
            self.now = max(self.now, timer.when)
            if not timer.is_cancelled:
                timer.callback()
        self.now = end


class _Timer:
    def __init__(self, when, order, callback):
        self.when, self.order, self.callback, self.is_cancelled = when, order, callback, False

    def __lt__(self, other):
        return (self.when, self.order) < (other.when, other.order)

    def cancel(self):
        self.is_cancelled = True


def fixture():
    loop, calls = FakeLoop(), []
    return loop, calls, DeadlineTimer(loop, lambda: calls.append(loop.now))


def test_it_calls_back_once_when_the_deadline_has_passed():
    """And not again."""
    loop, calls, timer = fixture()
    timer.set(5)
    loop.advance(100)

    assert calls == [5.0]
    assert not timer.is_set


def test_a_later_deadline_costs_no_timer():
    """A thousand requests move it; one timer looks once."""
    loop, calls, timer = fixture()
    for _ in range(1000):
        timer.set(10)
        loop.advance(0.001)
    assert loop.armed == 1

    loop.advance(20)
    assert len(calls) == 1
    assert 10.99 < calls[0] < 11.01
    assert loop.armed == 2


def test_an_earlier_deadline_is_kept():
    """A timer for a later time would be too late."""
    loop, calls, timer = fixture()
    timer.set(75)
    timer.set(10)
    loop.advance(100)

    assert calls == [10.0]


def test_a_cleared_deadline_does_not_call():
    """Nor does a closed timer."""
    loop, calls, timer = fixture()
    timer.set(5)
    timer.clear()
    loop.advance(10)
    timer.set(5)
    timer.close()
    loop.advance(10)

    assert calls == []


def test_the_callback_may_set_the_next_deadline():
    """As a check for progress does."""
    loop, calls = FakeLoop(), []
    timer = DeadlineTimer(loop, lambda: (calls.append(loop.now), len(calls) < 3 and timer.set(2)))
    timer.set(2)
    loop.advance(100)

    assert calls == [2.0, 4.0, 6.0]
