import pytest

from bot.answer.reply.language_model.breaker import FAILURES, MAX_REST_S, REST_S, Breaker


@pytest.fixture
def breaker(clock):
    return Breaker(clock)


def fail(breaker, times=FAILURES):
    for _ in range(times):
        assert breaker.admit()
        breaker.failed()


def test_failures_in_a_row_hold_calls_back(breaker):
    fail(breaker)
    assert breaker.open
    assert not breaker.admit()


def test_a_success_between_failures_keeps_it_closed(breaker):
    fail(breaker, FAILURES - 1)
    breaker.succeeded()
    fail(breaker, FAILURES - 1)
    assert not breaker.open
    assert breaker.admit()


def test_after_its_rest_one_call_tries(breaker, clock):
    fail(breaker)
    clock.advance(REST_S - 0.1)
    assert not breaker.admit()
    clock.advance(0.1)
    assert breaker.admit()
    assert not breaker.admit()


def test_a_good_try_closes_it(breaker, clock):
    fail(breaker)
    clock.advance(REST_S)
    breaker.admit()
    breaker.succeeded()
    assert not breaker.open
    assert breaker.admit()
    assert breaker.admit()


def test_a_bad_try_is_followed_by_another_rest(breaker, clock):
    fail(breaker)
    clock.advance(REST_S)
    breaker.admit()
    breaker.failed()
    assert not breaker.admit()
    clock.advance(REST_S)
    assert breaker.admit()


def test_a_try_that_was_given_up_leaves_the_next_one_to_try(breaker, clock):
    fail(breaker)
    clock.advance(REST_S)
    breaker.admit()
    breaker.abandoned()
    assert breaker.admit()


def test_a_service_that_asks_to_be_left_alone_is(breaker, clock):
    assert breaker.admit()
    breaker.failed(20.0)
    clock.advance(19.9)
    assert not breaker.admit()
    clock.advance(0.1)
    assert breaker.admit()


def test_no_service_is_left_alone_for_days(breaker, clock):
    breaker.failed(1e9)
    clock.advance(MAX_REST_S)
    assert breaker.admit()
