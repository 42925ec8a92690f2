import pytest

from bot.decide import CLARIFY_FROM, CLARIFY_MARGIN
from bot.offer import Candidate, related, rivals
from retrieval.article import parse
from retrieval.chunk import split
from retrieval.index import Hit


def hit(title, body=None):
    article = parse(
        f"---\ntitle: {title}\n---\n\n{body or ' '.join(f'{title}{n}' for n in range(9))}", path=f"{title}.md"
    )
    return Hit(article, split(article)[0], 1.0, {})


def found(**levels):
    return [Candidate(hit(title), level) for title, level in levels.items()]


def titles(chosen):
    return [one.title for one in chosen]


def test_rivals_are_about_as_likely_as_the_first():
    assert titles(rivals(found(a=0.7, b=0.7 - CLARIFY_MARGIN + 0.001, c=0.7 - CLARIFY_MARGIN - 0.001, d=0.99))) == [
        "a",
        "b",
        "d",
    ]


def test_a_rival_is_likely_enough_to_be_worth_offering():
    assert titles(rivals(found(a=CLARIFY_FROM + 0.01, b=CLARIFY_FROM - 0.01))) == ["a"]


def test_no_more_than_three_are_offered():
    assert titles(rivals(found(a=0.7, b=0.7, c=0.7, d=0.7))) == ["a", "b", "c"]
    assert titles(related(found(a=0.7, b=0.7, c=0.7, d=0.7, e=0.7), 3)) == ["b", "c", "d"]


@pytest.mark.parametrize("twin", [hit("A", "Something else."), hit("b", f"{hit('a').chunk.text} more")])
def test_what_is_called_or_says_the_same_is_offered_once(twin):
    both = [Candidate(hit("a"), 0.7), Candidate(twin, 0.7)]
    assert titles(rivals(both)) == ["a"]
    assert related(both, 3) == []


def test_related_is_what_would_be_an_answer_itself():
    assert titles(related(found(a=0.9, b=0.49, c=0.51), 3)) == ["c"]
    assert related(found(a=0.9, b=0.6), 0) == []
