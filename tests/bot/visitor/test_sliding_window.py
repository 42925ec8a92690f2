"""The sliding window beside a naive reference: a list of all hits."""

import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.visitor.sliding_window import SlidingWindow
from conversation.clock import ManualClock
from conversation.rate_limit import RateLimit

LIMIT = RateLimit(3, window_s=60)
PLENTY = 1_000


class Reference:
    """Every hit that passed, in order. At `max_keys` keys with a hit in the window, the one hit longest ago goes."""

    def __init__(self, limit, max_keys):
        self.limit, self.max_keys = limit, max_keys
        self.passed = []

    def hit(self, key, now_s):
        self.passed = [(other, at_s) for other, at_s in self.passed if now_s - at_s < self.limit.window_s]
        times = [at_s for other, at_s in self.passed if other == key]
        if len(times) >= self.limit.amount:
            return times[0] + self.limit.window_s - now_s
        idle_longest_first = list(dict.fromkeys(other for other, _ in reversed(self.passed)))[::-1]
        if not times and len(idle_longest_first) >= self.max_keys:
            self.passed = [(other, at_s) for other, at_s in self.passed if other != idle_longest_first[0]]
        self.passed.append((key, now_s))
        return None


@pytest.fixture
def clock():
    return ManualClock(datetime(2026, 3, 2, 12, tzinfo=UTC))


@pytest.fixture
def window(clock):
    return SlidingWindow(LIMIT, monotonic=clock.monotonic)


def ada(window):
    return window.hit(("say", "ada"))


def test_hits_pass_again_one_by_one_as_the_window_leaves_them_behind(window, clock):
    for _ in range(3):
        assert ada(window) is None
        clock.advance(10)
    assert ada(window) == 30
    clock.advance(29)
    assert ada(window) == 1
    clock.advance(1)
    assert ada(window) is None
    assert ada(window) == 10


def test_what_is_refused_is_not_counted(window, clock):
    for _ in range(100):
        ada(window)
    clock.advance(60)
    assert [ada(window) for _ in range(4)] == [None, None, None, 60]


def test_at_most_so_many_keys_are_kept_and_the_one_idle_longest_goes(clock):
    window = SlidingWindow(RateLimit(1, window_s=60), monotonic=clock.monotonic, max_keys=3)
    for name in ("ada", "bob", "cyd", "dan"):
        window.hit(("say", name))
        clock.advance(1)
    assert len(window) == 3
    assert [window.hit(("say", name)) for name in ("dan", "cyd", "bob")] == [59, 58, 57]
    assert ada(window) is None


def test_who_goes_on_is_not_the_one_idle_longest(clock):
    window = SlidingWindow(RateLimit(2, window_s=60), monotonic=clock.monotonic, max_keys=2)
    for name in ("ada", "bob", "ada", "cyd"):
        window.hit(("say", name))
    assert ada(window) is not None


def test_keys_of_expired_hits_go_before_new_ones_come(window, clock):
    for number in range(100):
        window.hit(("say", f"early {number}"))
    clock.advance(60)
    for number in range(50):
        window.hit(("say", f"late {number}"))
    assert len(window) == 50


def test_no_thread_is_started(window):
    before = threading.active_count()
    for number in range(PLENTY):
        window.hit(("say", str(number % 10)))
        assert threading.active_count() == before


@given(
    amount=st.integers(1, 4),
    window_s=st.integers(1, 30),
    max_keys=st.integers(1, 4) | st.just(PLENTY),
    steps=st.lists(st.tuples(st.integers(0, 40), st.sampled_from("abcdef")), max_size=120),
)
def test_it_answers_as_a_list_of_all_hits_would_and_stays_bounded(amount, window_s, max_keys, steps):
    clock = ManualClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
    limit = RateLimit(amount, window_s=window_s)
    window = SlidingWindow(limit, monotonic=clock.monotonic, max_keys=max_keys)
    reference = Reference(limit, max_keys)
    for quarters, name in steps:
        clock.advance(quarters / 4)
        assert window.hit(("say", name)) == reference.hit(name, clock.monotonic())
        assert len(window) <= max_keys
