import time

import numpy as np
import pytest

from bot.answer.frustration.lexicon import cues, phrases
from bot.answer.frustration.probe import LEVELS, cached_probe, default_probe, examples, learn
from bot.answer.frustration.score import FRUSTRATED_FROM, mood
from bot.answer.transcript import Said
from retrieval.model.encoder import HashingEncoder
from retrieval.model.onnx_encoder import OnnxEncoder
from retrieval.model.prepare import DEFAULT_MODEL, prepare_model

CALM = [
    "my order has not arrived",
    "My card was declined, what can I do?",
    "I NEED TO RESET MY API KEY",
    "AB1234-XK 4411",
    "no problem, thanks",
    "not bad at all!",
    "Can you check it again, please?",
    "How do I report a scam?",
    "What does the error code 403 mean?",
    "I love it!!! When does it ship???",
    "WOW THANK YOU SO MUCH!!!",
    "Are you still there?",
    "kein Problem, danke",
    "Ainda não recebi a minha encomenda, pode verificar?",
    "",
]
FRUSTRATED = [
    "This is ridiculous, I have been waiting for weeks.",
    "You are useless.",
    "I am very disappointed with your service.",
    "How many times do I have to repeat it? That's not what I asked.",
    "THIS DOES NOT WORK AND NOBODY HELPS",
    "Das ist lächerlich, niemand antwortet.",
    "C'est inacceptable.",
    "Esto es una vergüenza.",
    "È una vergogna.",
    "Isto é uma vergonha.",
    "Dit is belachelijk.",
]
REQUEST = "Where is my parcel 4411?"


def visitor(text):
    return Said("visitor", text)


def bot(text="Open the mail we sent you."):
    return Said("bot", text)


def chat(*texts):
    """What a visitor said, each answered by the bot."""
    return [said for text in texts for said in (visitor(text), bot())]


@pytest.fixture(scope="module")
def sounding(exported_model):
    """The mood with the vector of the real model."""
    encoder = OnnxEncoder(prepare_model(DEFAULT_MODEL, exported_model))

    def sentences(texts):
        return np.stack([embedding.sentence for embedding in encoder.encode_queries(texts)])

    tone = cached_probe(exported_model / "tone", encoder.name, sentences)
    return lambda text, earlier=(): mood(earlier, text, sentences([text])[0], tone)


@pytest.mark.parametrize("text", CALM)
def test_a_calm_message_is_below_the_line_and_has_no_reason(text):
    felt = mood((), text)
    assert felt.score < FRUSTRATED_FROM
    assert felt.reason == ""


@pytest.mark.parametrize("text", FRUSTRATED)
def test_plain_displeasure_is_above_the_line_and_has_a_reason(text):
    felt = mood((), text)
    assert felt.score >= FRUSTRATED_FROM
    assert felt.reason


def test_asking_the_same_again_raises_the_score_each_time():
    scores = [mood(chat(*[REQUEST] * times), REQUEST).score for times in range(4)]
    assert scores == sorted(set(scores))
    assert scores[1] < FRUSTRATED_FROM <= scores[2]
    assert mood(chat(REQUEST, "So where is my parcel 4411?"), REQUEST).reason == "asked the same thing three times"


def test_thanks_within_a_request_do_not_hide_that_it_is_repeated():
    polite = "Where is my parcel 4411? Thanks"
    assert "three times" in mood(chat(polite, polite), polite).reason


def test_saying_yes_twice_is_no_repetition():
    assert mood(chat("yes", "yes"), "yes").score == mood(chat("yes", "blue"), "yes").score


def test_a_chat_that_goes_on_without_thanks_raises_the_score_a_little():
    scores = [mood(chat(*["I use it at home"] * more), "and the colour?").score for more in range(4)]
    assert scores == sorted(set(scores))
    assert scores[-1] < 2 * scores[0]


def test_rejected_answers_are_counted():
    felt = mood(chat(REQUEST, "That's not what I asked."), "No, that doesn't help me.")
    assert felt.score >= FRUSTRATED_FROM
    assert felt.reason.startswith("two answers rejected")
    assert mood((), "That's not what I asked.").score < felt.score


def test_an_answer_that_was_marked_as_not_helpful_is_a_rejected_one():
    marked = Said("bot", "Open the mail.", unhelpful=True)
    earlier = [visitor(REQUEST), marked, visitor(REQUEST), marked]
    felt = mood(earlier, REQUEST)
    assert felt.reason == "asked the same thing three times, two answers rejected"
    assert felt.score > mood(chat(REQUEST, REQUEST), REQUEST).score
    assert mood(earlier[:2], "And the colour?").score < FRUSTRATED_FROM  # a mark alone is no alarm


def test_an_answer_is_rejected_once_though_it_is_marked_and_rejected_in_words():
    marked = Said("bot", "Open the mail.", unhelpful=True)
    wrong = "That's not what I asked. This is ridiculous."
    assert "one answer rejected" in mood([visitor(REQUEST), marked], wrong).reason
    assert "two answers rejected" in mood([visitor(REQUEST), marked, visitor(wrong), bot()], wrong).reason


def test_the_reason_names_what_weighs_most_first():
    earlier = chat(REQUEST, "That's not what I asked.", "That didn't help me.", REQUEST)
    assert mood(earlier, REQUEST).reason.startswith("asked the same thing three times, two answers rejected")


def refused(text):
    return Said("bot", text, outcome="no_answer", failed=True, offers_person=True)


def test_questions_without_an_answer_raise_the_score():
    earlier = [visitor("How do I fold it?"), refused("I found nothing."), visitor("Is it blue?"), refused("No idea.")]
    felt = mood(earlier, "And the size?")
    assert felt.score > mood(chat("How do I fold it?", "Is it blue?"), "And the size?").score


@pytest.mark.parametrize(
    "words",
    [
        "Would you like to talk to a person?",
        "Speak to a person instead?",
        "Nobody is at the desk right now. Leave your email address.",
        "Das weiß ich nicht.",
        "",
    ],
)
def test_a_refusal_counts_alike_whatever_its_words(words):
    earlier = [visitor(REQUEST), refused(words), visitor(REQUEST), refused(words)]
    usual = [visitor(REQUEST), refused("I found nothing."), visitor(REQUEST), refused("I found nothing.")]
    assert mood(earlier, REQUEST) == mood(usual, REQUEST)
    assert "two messages without an answer" in mood(earlier, REQUEST).reason


def test_an_answer_that_quotes_a_refusal_is_an_answer():
    quoted = "It says: I am sorry, I did not find an answer to that. Would you like to talk to a person?"
    earlier = [visitor("Is it blue?"), Said("bot", quoted, outcome="answer", passage=quoted)]
    assert mood(earlier, "And the size?") == mood(chat("Is it blue?"), "And the size?")


def test_an_answer_or_a_question_back_with_the_offer_of_a_person_is_no_refusal():
    for outcome in ("answer", "clarify"):
        earlier = [visitor("Is it blue?"), Said("bot", "It is blue.", outcome=outcome, offers_person=True)]
        assert mood(earlier, "And the size?").score == mood(chat("Is it blue?"), "And the size?").score


def test_messages_that_nobody_replies_to_raise_the_score():
    earlier = [visitor("I have a question"), visitor("it is about the tent"), visitor("the blue one")]
    assert mood(earlier, "hello?").score > mood(earlier[:1], "hello?").score


@pytest.mark.parametrize(
    ("calm", "louder"),
    [
        ("this does not work at all", "THIS DOES NOT WORK AT ALL"),
        ("where is it?", "where is it???"),
        ("it is at home", "it is at home, useless"),
        ("please check", "please check, nobody answers"),
        ("the box is empty", "the box is empty, I already told you"),
    ],
)
def test_wording_and_shouting_raise_the_score(calm, louder):
    assert mood((), louder).score > mood((), calm).score


def test_displeasure_lasts_and_fades():
    angry = "this is ridiculous, I am so disappointed"
    after = [mood(chat(angry, *["I use it at home"] * more), "and the colour?").score for more in range(4)]
    assert after == sorted(after, reverse=True)
    assert after[-1] > mood((), "and the colour?").score


def test_thanks_cool_it_down():
    angry = chat(REQUEST, "that's not what I asked, this is ridiculous")
    assert mood([*angry, *chat("Thanks, that worked")], REQUEST).score < mood(angry, REQUEST).score
    assert mood(angry, "Perfect, thank you!").score < FRUSTRATED_FROM


def test_what_agents_and_the_bot_write_is_no_sign_of_the_visitors_mood():
    angry = "This is ridiculous and unacceptable, I am sorry for this terrible problem"
    for role in ("bot", "agent"):
        assert mood([visitor("hi"), Said(role, angry)], "ok") == mood([visitor("hi"), Said(role, "Hello")], "ok")


def test_only_the_last_twenty_contributions_count():
    assert mood([*chat("this is ridiculous"), *chat(*["fine"] * 10)], "and now") == mood(
        chat(*["fine"] * 10), "and now"
    )


@pytest.mark.parametrize("unit", ["why ", "a ", "?!", "A", "that is not what i ", "ß", "1a", "\u0300"])
def test_hostile_text_is_read_in_bounded_time(unit):
    text = (unit * 4_000)[:4_000]
    began = time.perf_counter()
    felt = mood([visitor(text), bot(text)] * 10, text)
    assert time.perf_counter() - began < 0.25
    assert 0 <= felt.score <= 1


def test_every_phrase_of_the_list_is_found_by_its_kind():
    for phrase, kind in phrases().kinds.items():
        assert cues(" ".join(phrase)) == {kind: 1}, phrase


def test_examples_are_of_every_level_and_none_stands_twice():
    known = examples()
    assert set(known.levels) == set(LEVELS.values())
    assert len(set(known.texts)) == len(known.texts) > 500


def hashed(texts):
    return np.stack([embedding.sentence for embedding in HashingEncoder().encode(texts)])


def test_the_directions_fit_what_they_were_learned_from():
    tone = default_probe(hashed)
    levels = np.array(examples().levels)
    sounds = [tone.sound(vector) for vector in hashed(examples().texts)]
    frustrated = np.array([sound.frustrated for sound in sounds])
    trouble = np.array([sound.trouble for sound in sounds])
    assert frustrated[levels == LEVELS["frustrated"]].mean() > frustrated[levels < LEVELS["frustrated"]].mean() + 0.5
    assert trouble[levels > LEVELS["calm"]].mean() > trouble[levels == LEVELS["calm"]].mean() + 0.5


def test_directions_are_learned_for_vectors_of_any_length():
    tone = learn(np.eye(5, dtype=np.float32), [0, 0, 1, 2, 2])
    assert tone.sound(np.eye(5, dtype=np.float32)[4]).frustrated > 0


def test_what_was_learned_is_kept_and_learned_again_where_it_is_damaged(tmp_path):
    first = cached_probe(tmp_path, "hashing", hashed)
    assert np.array_equal(cached_probe(tmp_path, "hashing", None).directions, first.directions)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:200])
    assert np.allclose(cached_probe(tmp_path, "hashing", hashed).directions, first.directions)


@pytest.mark.slow
@pytest.mark.parametrize("text", CALM[:-1])
def test_a_calm_message_stays_calm_by_its_meaning(sounding, text):
    assert sounding(text).score < FRUSTRATED_FROM


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["I have never been so badly treated by anyone.", "Nobody in this firm cares about me."]
)
def test_displeasure_in_other_words_is_noticed_by_its_meaning(sounding, text):
    felt = sounding(text)
    assert felt.score >= FRUSTRATED_FROM
    assert "sounds frustrated" in felt.reason
    assert sounding(text) == felt
