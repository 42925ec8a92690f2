import json
import time
from collections import Counter
from pathlib import Path

import pytest

from bot.answer.intent.human_request import asks_for_person
from bot.answer.intent.human_request.kinds import kinds
from bot.answer.intent.human_request.words import LANGUAGES, OTHERS, PHRASES

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[3] / "data/calls_for_a_person.jsonl").read_text("utf-8").splitlines()
]
CALLS = [row["text"] for row in ROWS if row["calls"]]
NO_CALLS = [row["text"] for row in ROWS if not row["calls"]]
LONGEST = 4_000  # characters of a message
HOSTILE = [
    "i want to talk ",
    "please ",
    "to ",
    "i can ",
    "a ",
    "human ",
    "not want bot ",
    "give me a ",
    "talk to a the your ",
    "i need an agent to ",
    "who can i ",
    "put me through ",
    "agent please. ",
    "x",
    ".",
    "- ",
    "\u0301",
]


@pytest.mark.parametrize("text", CALLS)
def test_a_call_for_a_person_is_heard(text):
    assert asks_for_person(text)


@pytest.mark.parametrize("text", NO_CALLS)
def test_what_only_speaks_of_persons_calls_nobody(text):
    assert not asks_for_person(text)


def test_the_rows_are_different_and_both_kinds_are_many():
    assert max(Counter(row["text"] for row in ROWS).values()) == 1
    assert min(len(CALLS), len(NO_CALLS)) >= 250


@pytest.mark.parametrize(
    "typed", ["HUMAN", "  human  ", "h\u00famano", "\uff48\uff55\uff4d\uff41\uff4e", "human \U0001f44b"]
)
def test_case_accents_width_and_signs_do_not_matter(typed):
    assert asks_for_person(typed)


@pytest.mark.parametrize("text", ["", " ", "?!", "\U0001f44b"])
def test_without_words_nobody_is_called(text):
    assert not asks_for_person(text)


@pytest.mark.parametrize(
    "word", ["humn", "agnet", "oprator", "representitive", "reprsentative", "supervizor", "mitarbieter"]
)
def test_a_mistyped_key_word_is_read_as_the_one_that_was_meant(word):
    assert asks_for_person(f"talk to {word}")


@pytest.mark.parametrize(
    "word", ["aged", "urgent", "parson", "agenda", "personal", "stuff", "steak", "exports", "hunan"]
)
def test_another_word_is_no_slip(word):
    assert not asks_for_person(f"{word} please")


def test_a_word_has_one_kind_in_a_language():
    assert all(max(Counter(" ".join(kind.values()).split()).values()) == 1 for kind in LANGUAGES)


def test_what_phrases_and_exceptions_name_is_in_the_tables():
    known = {word for kind in LANGUAGES for words in kind.values() for word in words.split()}
    assert {word for read in PHRASES for word in read.split()} <= known
    assert OTHERS.isdisjoint(known)


def test_every_word_of_the_tables_is_spelled_as_messages_are_read():
    known = {word for kind in LANGUAGES for words in kind.values() for word in words.split()}
    assert [word for word in known if "-" in kinds(word)] == []


@pytest.mark.parametrize("piece", HOSTILE)
def test_the_longest_message_is_read_in_a_fraction_of_a_second(piece):
    began = time.perf_counter()
    asks_for_person((piece * LONGEST)[:LONGEST])
    assert time.perf_counter() - began < 0.25  # some 10 ms; a pattern that backtracks takes minutes
