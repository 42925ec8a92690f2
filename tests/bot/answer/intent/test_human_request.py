import json
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from bot.answer.intent.human_request import cached_request_probe, default_probe, wording
from bot.answer.intent.human_request.lexicon import entries, plain
from bot.answer.intent.human_request.probe import PACKAGE
from bot.answer.policy import OFFER_PERSON_FROM
from bot.answer.probes import read_examples
from eval.studies.human_requests import listen
from retrieval.model.encoder import HashingEncoder
from retrieval.model.onnx_encoder import OnnxEncoder
from retrieval.model.prepare import DEFAULT_MODEL, prepare_model


def rows_of(name):
    return [json.loads(line) for line in (Path(__file__).parents[3] / "data" / name).read_text("utf-8").splitlines()]


ROWS = rows_of("calls_for_a_person.jsonl")
HELD_OUT = rows_of("human_requests.jsonl")
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


def asks(text):
    return wording(text).asks


@pytest.mark.parametrize("text", CALLS)
def test_a_call_for_a_person_is_heard(text):
    assert asks(text)


@pytest.mark.parametrize("text", NO_CALLS)
def test_what_only_speaks_of_persons_calls_nobody(text):
    assert not asks(text)


def test_the_rows_are_different_and_both_kinds_are_many():
    assert max(Counter(row["text"] for row in ROWS).values()) == 1
    assert min(len(CALLS), len(NO_CALLS)) >= 250


@pytest.mark.parametrize(
    "typed", ["HUMAN", "  human  ", "h\u00famano", "\uff48\uff55\uff4d\uff41\uff4e", "human \U0001f44b"]
)
def test_case_accents_width_and_signs_do_not_matter(typed):
    assert asks(typed)


@pytest.mark.parametrize("text", ["", " ", "?!", "\U0001f44b"])
def test_without_words_nobody_is_called(text):
    assert not asks(text)


@pytest.mark.parametrize(
    "word", ["humn", "agnet", "oprator", "representitive", "reprsentative", "supervizor", "mitarbieter"]
)
def test_a_mistyped_key_word_is_read_as_the_one_that_was_meant(word):
    assert asks(f"talk to {word}")


@pytest.mark.parametrize(
    "word", ["aged", "urgent", "parson", "agenda", "personal", "stuff", "steak", "exports", "hunan"]
)
def test_another_word_is_no_slip(word):
    assert not asks(f"{word} please")


@pytest.mark.parametrize(
    "text",
    [
        "plz call", "Call 9988776655", "contact me please", "can you contact me", "please connect", "need ur contact number", "toll free number",
        "please escalate my complaint", "I demand a call back from your manager", "put me on to your supervisor", "can I talk",
        "connect me to your sales team about a bulk order", "can a sales rep reach out to me", "talk to your Vodafone agent",
        "are any agents online", "can someone from billing get in touch with me", "переведите на оператора", "转人工",
        "müşteri temsilcisi istiyorum", "kisi se baat karni hai", "mujhe call karo", "call me tomorrow, my number is 5550123",
    ],
)  # fmt: skip
def test_wishes_for_a_call_back_for_sales_for_a_number_and_of_other_languages_are_calls(text):
    assert asks(text)


@pytest.mark.parametrize(
    "text",
    [
        "please connect my mailbox", "please connect my phone to the app", "connect my printer", "please escalate privileges for my user",
        "how do I add a contact number to my profile", "contact form does not work", "the callback url returns 404", "turn off the robot",
        "can we talk in French", "I want to talk about my invoice", "Are your agents available on Sunday?", "my contract ends in May",
        "talk to my property manager", "call waiting does not work", "is anybody there?", "hello is anyone there my order is late",
    ],
)  # fmt: skip
def test_their_neighbours_are_none(text):
    assert not asks(text)


def test_every_phrase_of_the_lexicon_is_spelled_as_messages_are_read():
    phrases = [phrase for of_kind in entries().values() for phrase in of_kind]
    assert [phrase for phrase in phrases if plain(phrase) != phrase or "  " in phrase] == []


def test_a_question_for_the_way_to_a_person_is_known_as_one_that_an_article_may_answer():
    assert wording("how do I contact customer support by phone").asks_how
    assert wording("customer care number?").asks_how
    assert not wording("how do I talk to a human?").asks_how
    assert not wording("call me on this number please").asks_how


def test_on_messages_that_taught_nothing_the_words_alone_are_right_and_hear_most_of_the_calls():
    heard = [row["call"] for row in HELD_OUT if wording(row["text"]).asks]
    assert len(HELD_OUT) >= 250
    assert sum(heard) / len(heard) >= 0.98
    assert sum(heard) / sum(row["call"] for row in HELD_OUT) >= 0.85


def test_what_the_probe_is_measured_on_does_not_teach_it():
    taught = {letters(text) for _, text in read_examples(PACKAGE)}
    assert taught.isdisjoint(letters(row["text"]) for row in [*ROWS, *HELD_OUT])
    assert len(taught) == len(read_examples(PACKAGE)) > 1_000
    assert {part for part, _ in read_examples(PACKAGE)} == {"call", "other"}


def letters(text):
    return " ".join("".join(char if char.isalnum() else " " for char in text.casefold()).split())


def hashed(texts):
    return np.stack([embedding.sentence for embedding in HashingEncoder().encode(texts)])


def test_the_probe_gives_what_it_learned_from_probabilities_that_fit():
    probe = default_probe(hashed)
    examples = read_examples(PACKAGE)
    chances = np.array([probe.probability(text, hashed([text])[0]) for _, text in examples])
    calls = np.array([part == "call" for part, _ in examples])
    assert 0 <= chances.min() <= chances.max() <= 1
    assert chances[calls].mean() > chances[~calls].mean() + 0.5
    assert abs(chances.mean() - calls.mean()) < 0.02


def test_what_the_probe_learned_is_kept_and_learned_again_where_it_is_damaged(tmp_path):
    first = cached_request_probe(tmp_path, "hashing", hashed)
    assert np.array_equal(cached_request_probe(tmp_path, "hashing", None).weights, first.weights)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:200])
    assert np.allclose(cached_request_probe(tmp_path, "hashing", hashed).weights, first.weights)


@pytest.mark.slow
def test_with_the_shipped_model_a_person_is_offered_to_most_who_ask_for_one(exported_model):
    encoder = OnnxEncoder(prepare_model(DEFAULT_MODEL, exported_model))
    heard = listen(
        [(row["text"], row["call"]) for row in HELD_OUT],
        lambda texts: np.stack([one.sentence for one in encoder.encode_queries(texts)]),
    )
    offered = [row.calls for row in heard if row.probability >= OFFER_PERSON_FROM]
    assert sum(offered) / len(offered) >= 0.9
    assert sum(offered) / sum(row.calls for row in heard) >= 0.9


@pytest.mark.parametrize("piece", HOSTILE)
def test_the_longest_message_is_read_in_a_fraction_of_a_second(piece):
    began = time.perf_counter()
    asks((piece * LONGEST)[:LONGEST])
    assert time.perf_counter() - began < 0.25  # some 10 ms; a pattern that backtracks takes minutes
