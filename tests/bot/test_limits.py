from bot.limits import COMMANDS, HELLOS, SAYS, Limits


def test_the_one_too_many_is_told_when_to_try_again():
    limits = Limits()
    assert [limits.hit(SAYS, "say", "ada") for _ in range(20)] == [None] * 20
    retry_after_s = limits.hit(SAYS, "say", "ada")
    assert retry_after_s is not None
    assert 1.0 <= retry_after_s <= 60.0


def test_each_key_and_each_name_is_counted_for_itself():
    limits = Limits()
    for _ in range(21):
        limits.hit(SAYS, "say", "ada")
    assert limits.hit(SAYS, "say", "bob") is None
    assert limits.hit(COMMANDS, "rate", "ada") is None
    assert limits.hit(HELLOS, "hello", "ada") is None


def test_each_house_counts_for_itself():
    busy, idle = Limits(), Limits()
    for _ in range(21):
        busy.hit(SAYS, "say", "ada")
    assert idle.hit(SAYS, "say", "ada") is None


def test_without_limits_everything_passes():
    limits = Limits(enabled=False)
    assert {limits.hit(SAYS, "say", "ada") for _ in range(1_000)} == {None}
