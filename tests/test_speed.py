"""bench/speed.py asks fairly and counts rightly, whatever the machine does."""

import asyncio

import pytest

from bench.speed import AT_ONCE, QUESTIONS, measure, ratio, take_turns
from retrieval.articles.article import parse
from retrieval.index.builder import build
from retrieval.model.encoder import HashingEncoder


def test_every_question_is_asked_in_every_way_and_each_way_begins_in_its_turn():
    heard = []

    def way(name):
        async def ask(question):
            heard.append((name, question))

        return ask

    taken = asyncio.run(take_turns({"a": way("a"), "b": way("b")}, ["1", "2", "3", "4", "5"], 2))
    assert heard[:8] == [(n, q) for n, pair in (("a", "12"), ("b", "12"), ("b", "34"), ("a", "34")) for q in pair]
    assert heard[8:] == [("a", "5"), ("b", "5")]
    assert [(len(each.answers_s), len(each.rounds_s)) for each in taken.values()] == [(5, 3), (5, 3)]


def test_a_ratio_is_of_the_medians_and_its_interval_covers_it():
    assert ratio([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])[0] == 2
    assert ratio([3.0] * 9, [2.0] * 9) == (1.5, 1.5, 1.5)
    value, low, high = ratio([1.0, 2.0, 9.0, 4.0], [1.0, 1.0, 1.5, 2.0])
    assert low < value < high


@pytest.mark.slow
def test_the_three_ways_are_measured_alone_and_together():
    article = parse("---\ntitle: Refunds\n---\nMoney comes back within five days.\n", path="refunds.md")
    encoder = HashingEncoder()
    rows = asyncio.run(measure(encoder, build([article], encoder), ["When is my refund here?", "Money back?"]))
    assert [row[:2] for row in rows] == [
        (str(at_once), what) for at_once in AT_ONCE for what in ("encoder alone", "search", "turn")
    ]
    assert all(row[-1] == "1.00 [1.00, 1.00]" for row in rows if row[1] == "encoder alone")
    assert QUESTIONS % max(AT_ONCE) == 0
