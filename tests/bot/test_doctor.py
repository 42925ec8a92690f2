from bot.doctor import _redis
from bot.settings import Settings


def test_a_redis_that_does_not_answer_is_a_warning_and_none_is_none():
    (none,) = _redis(Settings())
    assert (none.status, none.check) == ("ok", "redis")
    (away,) = _redis(Settings(redis_url="redis://:secret@127.0.0.1:1"))
    assert away.status == "warn"
    assert "does not answer" in away.message
    assert "secret" not in away.message + away.remedy
