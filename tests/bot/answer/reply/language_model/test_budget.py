from bot.answer.reply.language_model.budget import Budget, estimate_tokens

DAY_S = 24 * 3600


def test_a_day_has_so_many_tokens(clock):
    budget = Budget(clock, 100)
    assert budget.reserve(60)
    assert not budget.reserve(41)
    assert budget.reserve(40)
    assert not budget.reserve(1)


def test_what_was_reserved_and_not_spent_is_there_again(clock):
    budget = Budget(clock, 100)
    assert budget.reserve(100)
    budget.settle(100, 30)
    assert not budget.reserve(71)
    assert budget.reserve(70)


def test_the_next_day_has_its_own(clock):
    budget = Budget(clock, 100)
    assert budget.reserve(100)
    clock.advance(DAY_S / 2)  # it was noon
    assert budget.reserve(100)


def test_a_call_over_midnight_counts_for_the_new_day(clock):
    budget = Budget(clock, 100)
    assert budget.reserve(100)
    clock.advance(DAY_S / 2)
    budget.settle(100, 40)
    assert not budget.reserve(61)
    assert budget.reserve(60)


def test_a_budget_of_nothing_allows_nothing(clock):
    assert not Budget(clock, 0).reserve(1)


def test_estimates_are_rather_high():
    english = "A refund takes five working days to reach your bank account. " * 20
    assert len(english.split()) * 1.2 < estimate_tokens(english) < len(english.split()) * 3
    assert estimate_tokens("返金は五日かかります") >= len("返金は五日かかります")
    assert estimate_tokens("") == 1
