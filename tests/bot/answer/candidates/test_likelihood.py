import math

import pytest

from bot.answer.candidates.likelihood import (
    CANDIDATES,
    ELSEWHERE,
    REJECTED_THOUGH_RIGHT,
    RELATED_FROM,
    Candidate,
    candidates,
    choosable,
    distinct,
    reach,
    related,
    useful,
    without,
)
from retrieval.articles.article import parse
from retrieval.articles.chunk import split
from retrieval.search.confidence_features import CONFIDENCE_FEATURES
from retrieval.search.stages import Hit


def hit(title, body=None):
    article = parse(
        f"---\ntitle: {title}\n---\n\n{body or ' '.join(f'{title}{n}' for n in range(9))}", path=f"{title}.md"
    )
    return Hit(article, split(article)[0], 1.0, {})


def found(**levels):
    return [Candidate(hit(title), level) for title, level in levels.items()]


def titles(chosen):
    return [one.title for one in chosen]


def profiled(title, score, **values):
    profile = dict.fromkeys(CONFIDENCE_FEATURES, 0.0) | values
    return Hit(hit(title).article, hit(title).chunk, score, {}, profile)


def test_the_profile_makes_the_first_likely_and_the_scores_make_the_others(hashed):
    first = profiled("a", 3.0, near=0.9, coverage=1.0, chance=0.5)
    other = Hit(hit("b").article, hit("b").chunk, 2.0, {})
    one, two = candidates([first, other], hashed)
    assert one.confidence == hashed.confidence(first.confidence_features)
    assert two.confidence == pytest.approx(one.confidence / math.e)


def test_a_named_article_that_is_not_the_likeliest_is_less_likely_than_that(hashed):
    named = Hit(hit("b").article, hit("b").chunk, 2.0, {})
    rated = candidates([named, profiled("a", 3.0, near=0.9, coverage=1.0)], hashed)
    assert titles(rated) == ["b", "a"]
    assert rated[0].confidence < rated[1].confidence


def test_no_more_candidates_than_anybody_would_be_offered(hashed):
    many = [profiled("a", 1.0)] + [Hit(hit(f"b{n}").article, hit(f"b{n}").chunk, 0.5, {}) for n in range(9)]
    assert len(candidates(many, hashed)) == CANDIDATES
    assert len(candidates(many, hashed, 8)) == 8


def test_of_nothing_nothing_is_offered(hashed):
    assert candidates([], hashed) == distinct([]) == related([], 3) == []
    assert useful([]) == 0


def test_no_more_are_related_than_there_are_places():
    assert titles(related(found(a=0.7, b=0.7, c=0.7, d=0.7, e=0.7), 3)) == ["b", "c", "d"]


def test_a_suggestion_is_as_likely_useful_as_its_three_articles_together():
    assert useful(found(a=0.3, b=0.2, c=0.1, d=0.1)) == pytest.approx(0.6)
    assert useful(found(a=0.3)) == pytest.approx(0.3)
    assert useful(found(a=0.7, b=0.6)) == 1


def test_reach_is_how_many_times_as_likely_as_the_first_the_three_are_together(hashed):
    others = [Hit(hit(name).article, hit(name).chunk, 2.0, {}) for name in "bcd"]
    ranked = [profiled("a", 3.0, near=0.7, coverage=1.0), *others]
    assert reach(ranked) == pytest.approx(1 + 2 / math.e)
    assert reach(ranked[:1]) == 1
    rated = candidates(ranked, hashed)
    assert useful(rated) == pytest.approx(rated[0].confidence * reach(ranked))


def test_what_says_the_same_makes_the_first_likelier_and_is_no_choice(hashed):
    twin = hit("b", f"{hit('a').chunk.text} more")
    first = profiled("a", 3.0, near=0.9, coverage=1.0, chance=0.6)
    (alone,) = candidates([first], hashed)
    (both,) = distinct(candidates([first, Hit(twin.article, twin.chunk, 2.0, {})], hashed))
    assert both.confidence == pytest.approx(alone.confidence * (1 + 1 / math.e))
    assert both.hit is first


def test_what_is_only_called_the_same_makes_nothing_likelier_and_is_a_choice_once(hashed):
    first, namesake, other = profiled("a", 3.0, near=0.9, coverage=1.0), hit("A", "Something else."), hit("c")
    ranked = [first, Hit(namesake.article, namesake.chunk, 2.0, {}), Hit(other.article, other.chunk, 1.0, {})]
    each = distinct(candidates(ranked, hashed))
    assert titles(each) == ["a", "A", "c"]
    assert each[0].confidence == candidates([first], hashed)[0].confidence
    assert titles(choosable(each)) == ["a", "c"]


def test_nothing_is_likelier_than_certain(hashed):
    sure = profiled("a", 3.0, near=1.0, coverage=1.0, chance=1.0)
    (both,) = distinct(candidates([sure, Hit(sure.article, sure.chunk, 3.0, {})], hashed))
    assert both.confidence == 1


def test_related_is_what_may_be_the_answer_too():
    assert titles(related(found(a=0.9, b=0.9 * RELATED_FROM - 0.001, c=0.9 * RELATED_FROM + 0.001), 3)) == ["c"]
    assert related(found(a=0.9, b=0.6), 0) == []


def test_what_is_left_is_likelier_once_others_were_rejected():
    left = without(found(a=0.6, b=0.3, c=0.03), frozenset("a"))
    assert titles(left) == ["b", "c"]
    chance = 0.4 + 0.6 * REJECTED_THOUGH_RIGHT
    assert [one.confidence for one in left] == pytest.approx([0.3 / chance, 0.03 / chance])


def test_what_search_holds_for_unlikely_is_not_answered_because_a_sure_answer_was_rejected():
    (left,) = without(found(a=0.97, b=0.03), frozenset("a"))
    assert left.confidence < 0.2


def test_an_article_of_which_a_section_was_rejected_may_have_the_answer_elsewhere():
    left = without(found(a=0.6, b=0.4), frozenset(), frozenset("a"))
    assert titles(left) == ["b", "a"]
    assert [one.confidence for one in left] == pytest.approx([0.4 / 0.7, 0.6 * ELSEWHERE / 0.7])


def test_however_sure_search_was_of_what_was_rejected_nothing_is_likelier_than_certain():
    assert [one.confidence for one in without(found(a=1.0, b=0.9, c=0.8), frozenset("ab"))] == [1.0]
    assert without(found(a=1.0), frozenset("a")) == []
    assert without([], frozenset("a")) == []
