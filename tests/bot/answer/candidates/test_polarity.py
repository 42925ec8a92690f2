import pytest

from bot.answer.candidates.polarity import affirmed_first, denies
from retrieval.articles.article import parse
from retrieval.articles.audience import Audience
from retrieval.index.builder import build
from retrieval.model.encoder import HashingEncoder
from retrieval.search.signals import Query
from retrieval.search.stages import search

ENCODER = HashingEncoder()
PLANS = (
    "Single sign-on is included in the Business and Enterprise plans.\n\n"
    "## Plans without single sign-on\n\nThe Free and Starter plans do not include single sign-on.\n\n"
    "## Set it up\n\nDo not close the window. Choose your provider for single sign-on.\n"
)


def hits_of(body, question):
    snapshot = build([parse(f"---\ntitle: Single sign-on\n---\n\n{body}", path="sso.md")], ENCODER)
    return search(snapshot, Query(question, ENCODER.encode([question])[0]), Audience("default"))


def headings(hits):
    return [hit.chunk.heading_path[-1] if hit.chunk.heading_path else None for hit in hits]


@pytest.mark.parametrize(
    "question",
    [
        "which plans include single sign-on",
        "What plans include single sign-on?",
        "so in which plans is single sign-on included",
        "who has single sign-on plans",
    ],
)
def test_what_says_that_it_is_not_so_stands_behind_what_says_that_it_is(question):
    hits = affirmed_first(hits_of(PLANS, question), question)
    assert headings(hits)[-1] == "Plans without single sign-on"
    assert not denies(hits[0], question)


@pytest.mark.parametrize(
    "question",
    [
        "which plans do not include single sign-on",
        "what are the plans without single sign-on",
        "do the free plans include single sign-on",  # a no is an answer
        "plans single sign-on",
    ],
)
def test_who_asks_for_it_or_whether_it_is_so_is_told_that_it_is_not(question):
    hits = hits_of(PLANS, question)
    assert affirmed_first(hits, question) is hits
    assert not any(denies(hit, question) for hit in hits)


def test_a_passage_denies_where_nothing_else_in_it_is_about_the_question():
    question = "which plans include single sign-on"
    (alone,) = hits_of("The Free and Starter plans do not include single sign-on.", question)
    assert denies(alone, question)
    both = "The Free plans do not include single sign-on. The Business plans include single sign-on."
    (told_both,) = hits_of(both, question)
    assert not denies(told_both, question)


def test_a_negation_about_something_else_denies_nothing():
    question = "how do I set up single sign-on for my plan"
    (hit,) = hits_of("Do not close the window. Set up single sign-on for your plan in the settings.", question)
    assert not denies(hit, question)
