import os
from dataclasses import replace

import pytest

from bot.answer.confidence import OWN
from bot.server.doctor import _calibration, _redis
from bot.settings.settings import Settings
from retrieval.model.prepare import DEFAULT_MODEL


def test_a_redis_that_does_not_answer_is_a_warning_and_none_is_none():
    (none,) = _redis(Settings())
    assert (none.status, none.check) == ("ok", "redis")
    (away,) = _redis(Settings(redis_url="redis://:secret@127.0.0.1:1"))
    assert away.status == "warn"
    assert "does not answer" in away.message
    assert "secret" not in away.message + away.remedy


@pytest.fixture
def own(tmp_path, small_kb, hashed):
    """Settings of a company that has three articles and a calibration, which is newer."""
    (tmp_path / OWN).write_bytes(replace(hashed, model=DEFAULT_MODEL).written())
    for article in small_kb.iterdir():
        os.utime(article, (1_000, 1_000))
    os.utime(tmp_path / OWN, (2_000, 2_000))
    return Settings(data=tmp_path, kb=small_kb)


def test_a_calibration_that_fits_is_named_and_the_shipped_one_too(own):
    (fits,) = _calibration(own)
    assert (fits.check, fits.status) == ("calibration", "ok")
    assert "0 of 3 articles" in fits.message
    (own.data / OWN).unlink()
    (shipped,) = _calibration(own)
    assert (shipped.status, shipped.message) == ("ok", "the shipped one is used")


def test_a_calibration_of_what_the_articles_were_is_a_warning_once_many_have_changed(own):
    os.utime(own.kb / "refunds.md", (3_000, 3_000))
    (old,) = _calibration(own)
    assert old.status == "warn"
    assert "1 of 3 articles were changed after it was made" in old.message
    assert "handrail eval calibrate --questions FILE" in old.remedy


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda path: path.write_text("{"), "Invalid JSON"),
        (lambda path: path.write_text(path.read_text().replace(DEFAULT_MODEL, "other")), "made with the model 'other'"),
        (lambda path: (path.unlink(), path.mkdir()), "it cannot be read: Is a directory"),
    ],
)
def test_a_calibration_that_cannot_be_used_fails_and_has_a_way_out(own, spoil, problem):
    spoil(own.data / OWN)
    (finding,) = _calibration(own)
    assert finding.status == "fail"
    assert problem in finding.message
    assert "or delete the file" in finding.remedy


def test_articles_that_cannot_be_read_are_not_this_checks_matter(own):
    (finding,) = _calibration(own.model_copy(update={"kb": own.kb / "nowhere"}))
    assert finding.status == "ok"
