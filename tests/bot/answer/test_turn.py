import math
from dataclasses import replace

import numpy as np
import pytest

from bot.answer.frustration.probe import LEVELS, learn
from bot.answer.intent.human_request import RequestProbe, wording
from bot.answer.policy import Policy
from bot.answer.rejection.rejected_answers import Rejected
from bot.answer.reply.catalogue import default_phrasebook
from bot.answer.transcript import Said
from bot.answer.turn import take_turn
from bot.answer.turn_input import TurnDeps, TurnInput
from retrieval.articles.article import parse
from retrieval.articles.audience import Audience
from retrieval.index.builder import build
from retrieval.model.encoder import HashingEncoder
from retrieval.search.confidence_features import CONFIDENCE_FEATURES
from tests.bot.conftest import CLEANING, dozen
from tests.builders import RecordingEncode

ENGLISH = default_phrasebook().speaking("en")

ARTICLES = {
    "refunds.md": "# Refunds\n\nA refund takes five days to reach your bank account.\n\n## Exchanges\n\nSwap it in any shop.",
    "passwords.md": "# Passwords\n\nReset a forgotten password from the sign-in page.",
    "secret.md": "---\nvisibility: internal\n---\n# Goodwill\n\nThe goodwill credit limit is forty euros.",
}


def labels(reply):
    """What the buttons say."""
    return tuple(choice.label for choice in reply.choices)


def articles(reply):
    return tuple(choice for choice in reply.choices if choice.kind == "article")


KNOWN = "How many days does a refund take to reach my bank account?"
SHOP = Audience("default")
UNSURE = Policy(answer_confidence=1.0, suggest_usefulness=0.0)  # never sure enough to answer


@pytest.fixture
def knows(hashed):
    encoder = HashingEncoder()
    snapshot = build([parse(text, path=path) for path, text in ARTICLES.items()], encoder)
    return TurnDeps(snapshot, RecordingEncode(encoder), "https://support.example", calibration=hashed)


async def test_a_known_question_is_answered_from_its_article(knows):
    reply = await take_turn(TurnInput(KNOWN, SHOP), knows, Policy())
    assert (reply.outcome, reply.ranked[0], reply.handoff) == ("answer", "refunds", None)
    assert reply.text.startswith("A refund takes five days to reach your bank account.")
    assert [(c.article_id, c.title, c.url) for c in reply.citations] == [
        ("refunds", "Refunds", "https://support.example/help/refunds#refunds")
    ]
    assert reply.kb_version == knows.snapshot.kb_version


async def test_an_unknown_question_is_not_answered_and_a_person_is_offered(knows):
    reply = await take_turn(TurnInput("Zebras whistle?", SHOP), knows, Policy())
    assert (reply.outcome, reply.citations, labels(reply)) == ("no_answer", (), (ENGLISH.person_label,))
    assert ENGLISH.offer in reply.text


CODES = "".join(
    f"## ERR-{number}\n\nTurn the {name} knob of the oven.\n\n" for number, name in [(31, "left"), (32, "top")]
)


@pytest.fixture
def oven(hashed):
    encoder = HashingEncoder()
    texts = {**ARTICLES, "oven.md": f"# Oven codes\n\nYour oven shows a code.\n\n{CODES}"}
    snapshot = build([parse(text, path=path) for path, text in texts.items()], encoder)
    return TurnDeps(snapshot, RecordingEncode(encoder), calibration=hashed)


@pytest.mark.parametrize(("asked", "said"), [("err 31?", "Turn the left knob"), ("ERR-32", "Turn the top knob")])
async def test_a_code_is_answered_by_its_section_however_unsure_the_bot_is(oven, asked, said):
    reply = await take_turn(TurnInput(asked, SHOP), oven, Policy(answer_confidence=0.999))
    assert (reply.outcome, reply.trace["hits"][0]["identifiers"]) == ("answer", "match")
    assert reply.text.startswith(said)


async def test_a_code_without_a_section_is_answered_by_no_other_however_sure_the_bot_is(oven):
    reply = await take_turn(TurnInput("My oven shows ERR-33, a code", SHOP), oven, Policy(answer_confidence=0.01))
    assert (reply.outcome, reply.citations) == ("no_answer", ())


async def test_the_second_question_without_an_answer_calls_a_person(knows):
    reply = await take_turn(TurnInput("Zebras whistle?", SHOP, failures=1), knows, Policy())
    assert (reply.outcome, reply.handoff) == ("handoff", "repeated_failure")


@pytest.mark.parametrize("reason", ["visitor_asked", "repeated_failure"])
async def test_only_a_failure_after_an_agent_had_the_chat_is_said_to_be_one_for_a_colleague_again(knows, reason):
    question = "talk to a human" if reason == "visitor_asked" else "Zebras whistle?"
    reply = await take_turn(TurnInput(question, SHOP, returned=True), knows, Policy())
    assert (reply.handoff, reply.text == ENGLISH.say("handoff_returned")) == (reason, reason == "repeated_failure")


async def test_with_nobody_at_the_desk_an_address_is_asked_for_and_nobody_is_called(knows):
    reply = await take_turn(TurnInput("talk to a human", SHOP, desk_open=False), knows, Policy())
    assert (reply.outcome, reply.handoff, reply.text) == ("no_answer", None, ENGLISH.say("desk_closed"))
    assert labels(reply) == ()


ANGRY = f"This is ridiculous. {KNOWN}"


async def test_a_frustrated_visitor_is_offered_a_person_below_the_answer(knows):
    calm = await take_turn(TurnInput(KNOWN, SHOP), knows, Policy())
    reply = await take_turn(TurnInput(ANGRY, SHOP), knows, Policy(answer_confidence=0.2))
    assert (reply.outcome, reply.handoff, labels(reply)[-1]) == ("answer", None, ENGLISH.person_label)
    assert reply.text == f"{calm.text}\n\n{ENGLISH.say('beside')}"
    assert ENGLISH.offer in ENGLISH.say("beside")
    assert reply.trace["mood"]["score"] >= 0.5 > calm.trace["mood"]["score"]
    assert (reply.trace["mood"]["reason"], calm.trace["mood"]["reason"]) == ("says that they are dissatisfied", "")


async def test_a_frustrated_visitor_who_wants_a_person_hears_that_nobody_is_at_the_desk(knows):
    asked = TurnInput("This is ridiculous. Let me talk to a human!", SHOP, desk_open=False)
    assert (await take_turn(asked, knows, Policy())).text == ENGLISH.say("desk_closed_frustrated")


async def test_with_nobody_at_the_desk_the_offer_below_the_answer_says_so(knows):
    asked = TurnInput(ANGRY, SHOP, desk_open=False, offered_person=True)
    reply = await take_turn(asked, knows, Policy(answer_confidence=0.2))
    assert (reply.outcome, labels(reply)) == ("answer", ())
    assert reply.text.endswith(f"\n\n{ENGLISH.say('beside_desk_closed')}")


@pytest.mark.parametrize(
    ("policy", "standing", "outcome", "text"),
    [
        (Policy(), {}, "no_answer", ENGLISH.say("no_answer_frustrated")),
        (Policy(), {"offered_person": True}, "handoff", ENGLISH.say("handoff_frustrated")),
        (Policy(), {"desk_open": False}, "no_answer", ENGLISH.say("no_answer_frustrated_desk_closed")),
        (
            Policy(),
            {"desk_open": False, "offered_person": True},
            "no_answer",
            ENGLISH.say("no_answer_frustrated_desk_closed"),
        ),
        (Policy(handoff="on_request"), {"offered_person": True}, "no_answer", ENGLISH.say("no_answer_frustrated")),
        (
            Policy(handoff="on_request"),
            {"desk_open": False},
            "no_answer",
            ENGLISH.say("no_answer_frustrated_desk_closed"),
        ),
    ],
)
async def test_a_frustrated_visitor_without_an_answer_hears_that_the_bot_is_sorry(
    knows, policy, standing, outcome, text
):
    reply = await take_turn(TurnInput("This is ridiculous. Zebras whistle?", SHOP, **standing), knows, policy)
    assert (reply.outcome, reply.text) == (outcome, text)


async def test_a_frustrated_visitor_is_offered_a_person_before_one_is_called(versions, shop):
    knows = shop(versions)
    angry = TurnInput(AMBIGUOUS, SHOP, [Said("visitor", AMBIGUOUS), Said("agent", "Hm.")] * 2)
    back = await take_turn(angry, knows, UNSURE)
    assert (back.outcome, labels(back)[-1]) == ("clarify", ENGLISH.person_label)
    assert back.text.endswith(ENGLISH.say("beside"))
    reply = await take_turn(replace(angry, offered_person=True), knows, UNSURE)
    assert (reply.outcome, reply.handoff) == ("handoff", "frustrated")


async def test_the_sound_of_a_question_counts_for_the_mood_and_that_of_small_talk_does_not(knows):
    vector = (await knows.encode(KNOWN)).sentence
    tone = learn(np.stack([vector, -vector]), [LEVELS["frustrated"], LEVELS["calm"]])
    for question, counts in ((KNOWN, True), ("hello", False)):
        plain = await take_turn(TurnInput(question, SHOP), knows, Policy())
        heard = await take_turn(TurnInput(question, SHOP), replace(knows, tone=tone), Policy())
        assert (heard.trace["mood"]["score"] > plain.trace["mood"]["score"]) is counts


@pytest.mark.parametrize(("chance", "outcome"), [(0.99, "handoff"), (0.7, "answer"), (0.1, "answer")])
async def test_the_vector_of_the_search_tells_how_likely_a_person_is_asked_for(knows, chance, outcome):
    passes = []

    async def encode(text):
        passes.append(text)
        return await knows.encode(text)

    weights = np.zeros(len((await knows.encode(KNOWN)).sentence) + len(wording("").signs))
    probe = RequestProbe(weights, math.log(chance / (1 - chance)))
    reply = await take_turn(TurnInput(KNOWN, SHOP), replace(knows, encode=encode, request_probe=probe), Policy())
    assert (reply.outcome, reply.trace["asks_person"]) == (outcome, chance)
    assert reply.offers_person is (chance == 0.7)
    assert reply.text.endswith(f".\n\n{ENGLISH.offer}") is (chance == 0.7)
    assert ENGLISH.sorry not in reply.text
    assert len(passes) == 1


async def test_a_call_in_plain_words_costs_no_search(knows):
    async def encode(_):
        pytest.fail("a call for a person was encoded")

    reply = await take_turn(TurnInput("agent please", SHOP), TurnDeps(knows.snapshot, encode), Policy())
    assert (reply.outcome, reply.trace["asks_person"]) == ("handoff", 1.0)


async def test_small_talk_costs_no_search(knows):
    async def encode(_):
        pytest.fail("small talk was encoded")

    reply = await take_turn(TurnInput("hello", SHOP), TurnDeps(knows.snapshot, encode), Policy())
    assert (reply.outcome, reply.text) == ("small_talk", ENGLISH.say("greeting"))


@pytest.mark.parametrize("desk_open", [True, False])
@pytest.mark.parametrize(("text", "kind"), [("??", "asks_again"), ("👎", "not_helped"), (":-(", "not_helped")])
async def test_whoever_is_not_content_is_asked_for_more_and_offered_a_person_that_a_yes_calls(
    knows, text, kind, desk_open
):
    earlier = [Said("visitor", KNOWN), Said("bot", "Five days.", outcome="answer", passage="Five days.", seq=3)]
    reply = await take_turn(TurnInput(text, SHOP, earlier, failures=1, desk_open=desk_open), knows, Policy())
    assert (reply.outcome, reply.decision.failed, reply.offers_person) == ("small_talk", False, True)
    assert reply.text == ENGLISH.small_talk(kind, desk_open=desk_open)
    assert (ENGLISH.offer if desk_open else ENGLISH.offer_by_email) in reply.text
    assert labels(reply) == ((ENGLISH.person_label,) if desk_open else ())
    then = [*earlier, Said("visitor", text), Said("bot", reply.text, outcome="small_talk", offers_person=True)]
    called = await take_turn(TurnInput("yes", SHOP, then, desk_open=desk_open), knows, Policy())
    assert called.decision.reason == "visitor_asked"


@pytest.mark.parametrize("text", ["this is ridiculous, worst service ever", "you are useless!!!", "Pathetic service"])
@pytest.mark.parametrize("desk_open", [True, False])
async def test_great_displeasure_without_a_question_gets_an_apology_and_the_offer_of_a_person_at_once(
    knows, text, desk_open
):
    reply = await take_turn(TurnInput(text, SHOP, desk_open=desk_open), knows, Policy())
    assert (reply.outcome, reply.decision.reason, reply.offers_person) == ("no_answer", "frustrated", True)
    assert reply.text == ENGLISH.displeasure(desk_open=desk_open)
    assert ENGLISH.not_found not in reply.text
    then = TurnInput(text, SHOP, [Said("visitor", text)], failures=1, desk_open=desk_open, offered_person=True)
    again = await take_turn(then, knows, Policy())
    assert again.outcome == ("handoff" if desk_open else "no_answer")


async def test_a_known_question_in_anger_is_answered(knows):
    reply = await take_turn(TurnInput(f"This is ridiculous. {KNOWN}", SHOP), knows, Policy())
    assert (reply.outcome, reply.offers_person) == ("answer", True)


async def test_a_question_beside_anybody_there_is_answered_as_the_question_alone(knows):
    alone = await take_turn(TurnInput(KNOWN, SHOP), knows, Policy())
    reply = await take_turn(TurnInput(f"anybody there? {KNOWN}", SHOP), knows, Policy())
    assert (reply.outcome, reply.text, reply.confidence) == ("answer", alone.text, alone.confidence)


async def test_an_internal_article_never_reaches_a_visitor_not_even_in_the_trace(knows):
    question = "What is the goodwill credit limit in euros?"
    reply = await take_turn(TurnInput(question, SHOP), knows, Policy(answer_confidence=0.0))
    assert "secret" not in reply.ranked
    assert "oodwill" not in reply.text + str(reply.citations) + str(reply.trace["hits"])
    inside = await take_turn(TurnInput(question, Audience("default", internal=True)), knows, Policy())
    assert inside.ranked[0] == "secret"


async def test_a_turn_is_deterministic(knows):
    asked = TurnInput(
        "and does it cost anything",
        SHOP,
        earlier=[Said("visitor", KNOWN), Said("bot", "Five days.", passage="Five days.")],
    )
    first, second = [await take_turn(asked, knows, Policy()) for _ in range(2)]
    assert (first.text, first.confidence, first.ranked) == (second.text, second.confidence, second.ranked)


async def test_the_trace_says_how_the_reply_came_about(knows):
    trace = (await take_turn(TurnInput(KNOWN, SHOP), knows, Policy())).trace
    assert (trace["intent"], trace["query"], trace["decision"]) == ("question", KNOWN, "answer")
    assert tuple(trace["features"]) == CONFIDENCE_FEATURES
    assert trace["hits"][0]["article_id"] == "refunds"
    assert trace["turn_ms"] >= trace["search_ms"] >= 0


class Lettered(HashingEncoder):
    """Hashing with words of a language, as a model's vocabulary has them."""

    def is_word(self, word):
        return word in {"many", "days", "take", "reach"}


async def test_mistyped_words_are_answered_and_named_in_the_trace_as_they_were_read(hashed):
    encoder = Lettered()
    encode = RecordingEncode(encoder)
    snapshot = build([parse(text, path=path) for path, text in ARTICLES.items()], encoder)
    knows = TurnDeps(snapshot, encode, calibration=hashed)
    asked = KNOWN.replace("refund", "refunnd").replace("bank", "bnak")
    mistyped, right = [await take_turn(TurnInput(question, SHOP), knows, Policy()) for question in (asked, KNOWN)]
    assert encode.texts == [KNOWN, KNOWN]
    assert mistyped.trace["read_as"] == {"refunnd": "refund", "bnak": "bank"}
    assert right.trace["read_as"] == {}
    assert (mistyped.text, mistyped.confidence, mistyped.ranked) == (right.text, right.confidence, right.ranked)


async def test_a_word_with_an_invisible_character_in_it_is_the_word(knows):
    written, plain = [await take_turn(TurnInput(text, SHOP), knows, Policy()) for text in ("ref\u200bunds", "refunds")]
    assert (written.outcome, written.confidence, written.text) == (plain.outcome, plain.confidence, plain.text)
    assert written.trace["query"] == "refunds"


@pytest.fixture
def twins():
    """A shop that says much the same of two devices."""
    bodies = {
        "Reset the lamp": "To reset it, hold the button until it clicks. Ten moments later green light fills rooms.",
        "Reset the camera": "To reset it, hold the button until it clicks. Pictures remain while seven profiles vanish quickly.",
        "Invoices": "Download every invoice as a PDF.",
    }
    return {f"{title.split()[-1].lower()}.md": f"---\ntitle: {title}\n---\n\n{body}" for title, body in bodies.items()}


@pytest.fixture
def shop(hashed):
    def opened(texts):
        encoder = HashingEncoder()
        snapshot = build([parse(text, path=path) for path, text in texts.items()], encoder)
        return TurnDeps(snapshot, RecordingEncode(encoder), "https://support.example", calibration=hashed)

    return opened


AMBIGUOUS = "How to reset it, hold the button until it clicks?"


@pytest.fixture
def versions(twins):
    """The same shop, whose articles are called by the names of the devices."""
    names = {"lamp": "L10", "camera": "C20"}
    return {path: text.replace(f"the {path[:-3]}", f"the {names.get(path[:-3])}", 1) for path, text in twins.items()}


def after(asked, *replies):
    """What was said: the visitor asked and the bot replied, and every further reply is to a verdict."""
    said = [Said("visitor", asked)]
    for reply in replies:
        bot = Said(
            "bot", reply.text, tuple(c.title for c in reply.citations), outcome=reply.outcome, passage=reply.passage,
            offers_person=reply.offers_person, choices=reply.choices, seq=3,
        )  # fmt: skip
        said += [bot, Said("visitor", ENGLISH.not_helped_label)]
    return said[:-1] if replies else said


async def test_between_articles_that_differ_by_a_name_the_visitor_chooses_and_is_answered_from_the_chosen_one(
    versions, shop
):
    knows = shop(versions)
    back = await take_turn(TurnInput(AMBIGUOUS, SHOP), knows, UNSURE)
    assert (back.outcome, back.citations, back.handoff) == ("clarify", (), None)
    assert {choice.label: choice.article_id for choice in back.choices} == {"L10": "lamp", "C20": "camera"}
    assert all(f"- **{label}**: To reset it, hold" in back.text for label in labels(back))
    assert set(back.trace["offered"]) == set(back.shown) == {"lamp", "camera"}
    for label, article_id in (("L10", "lamp"), ("C20", "camera")):
        asked = TurnInput(label, SHOP, after(AMBIGUOUS, back), clarified=True)
        reply = await take_turn(asked, knows, UNSURE)
        assert (reply.outcome, reply.citations[0].article_id, reply.ranked[0]) == ("answer", article_id, article_id)
        assert reply.text.startswith(
            "To reset it, hold the button until it clicks. " + ("Ten" if article_id == "lamp" else "Pictures")
        )


async def test_yes_to_a_question_back_chooses_the_likeliest_article_and_no_does_not(versions, shop):
    knows = shop(versions)
    back = await take_turn(TurnInput(AMBIGUOUS, SHOP), knows, UNSURE)
    asked = TurnInput("yes please", SHOP, after(AMBIGUOUS, back), clarified=True)
    reply = await take_turn(asked, knows, UNSURE)
    assert (reply.outcome, reply.citations[0].article_id) == ("answer", back.choices[0].article_id)
    for question in ("no", "None of these."):
        reply = await take_turn(replace(asked, question=question), knows, UNSURE)
        assert (reply.outcome, reply.text, reply.rated) == ("small_talk", ENGLISH.say("none_meant"), None)


async def test_after_asking_back_the_bot_suggests_but_does_not_ask_again(versions, shop):
    knows = shop(versions)
    back = await take_turn(TurnInput(AMBIGUOUS, SHOP), knows, UNSURE)
    asked = TurnInput(AMBIGUOUS, SHOP, after(AMBIGUOUS, back), clarified=True)
    assert (await take_turn(asked, knows, UNSURE)).outcome == "suggest"


async def test_who_names_one_of_them_is_not_asked_back(versions, shop):
    reply = await take_turn(TurnInput(f"{AMBIGUOUS} It is a C20.", SHOP), shop(versions), Policy())
    assert reply.outcome in ("answer", "suggest")
    assert reply.citations[0].article_id == "camera"


async def test_an_unsure_bot_shows_the_passage_hedged_with_its_source_and_the_other_articles(twins, shop):
    knows = shop(twins)
    reply = await take_turn(TurnInput(AMBIGUOUS, SHOP), knows, UNSURE)
    first, second, *_ = reply.citations
    assert (reply.outcome, reply.handoff, reply.offers_person) == ("suggest", None, False)
    assert {first.title, second.title} == {"Reset the lamp", "Reset the camera"}
    hedge, passage, source = reply.text.split("\n\n")
    assert hedge == ENGLISH.hedge(rejected=False)
    assert passage == reply.passage
    assert passage.startswith("To reset it, hold the button")
    assert source == ENGLISH.source_line(f"[{first.title}]({first.url})", more=False)
    assert second.quote.startswith("To reset it, hold the button")
    assert reply.ranked[0] == first.article_id
    assert reply.shown == tuple(citation.article_id for citation in reply.citations)


async def test_a_suggestion_has_buttons_for_the_other_articles_then_for_a_verdict(twins, shop):
    reply = await take_turn(TurnInput(AMBIGUOUS, SHOP), shop(twins), UNSURE)
    others = [citation.title for citation in reply.citations[1:]]
    assert list(labels(reply)) == [*others, ENGLISH.helped_label, ENGLISH.not_helped_label]
    assert [choice.kind for choice in reply.choices] == [*("article" for _ in others), "helped", "not_helped"]


@pytest.mark.parametrize("desk_open", [True, False])
async def test_whoever_is_stuck_may_have_a_person_beside_a_suggestion_if_one_is_there(twins, shop, desk_open):
    asked = TurnInput(AMBIGUOUS, SHOP, failures=1, desk_open=desk_open)
    reply = await take_turn(asked, shop(twins), UNSURE)
    assert reply.outcome == "suggest"
    assert (reply.choices[-1].kind == "person") is desk_open
    assert (labels(reply)[-1] == ENGLISH.not_helped_label) is not desk_open


async def test_who_presses_that_it_did_not_help_gets_the_next_articles_for_the_same_question(shop):
    knows = shop(dozen())
    first = await take_turn(TurnInput(CLEANING, SHOP), knows, UNSURE)
    pressed = TurnInput(
        ENGLISH.not_helped_label, SHOP, after(CLEANING, first), 1, rejected=Rejected(frozenset(first.shown))
    )
    second = await take_turn(pressed, knows, UNSURE)
    assert len(first.shown) == 3
    assert second.outcome == "suggest"
    assert not {*second.shown} & {*first.shown}
    assert second.trace["query"] == first.trace["query"] == CLEANING
    assert second.text.startswith(ENGLISH.hedge(rejected=True))
    assert (second.rated.of, second.rated.helpful) == (3, False)
    again = replace(
        pressed, earlier=after(CLEANING, first, second), rejected=Rejected(frozenset({*first.shown, *second.shown}))
    )
    third = await take_turn(again, knows, UNSURE)
    assert third.trace["query"] == CLEANING
    assert not {*third.shown} & {*first.shown, *second.shown}


async def test_a_card_quotes_no_section_that_was_rejected(shop):
    texts = {
        "lamp.md": "# The lamp\n\nClean the filter with water.\n\n## Oil\n\nClean the filter with oil, then dry it for a day.",
        "camera.md": "# The camera\n\nHow do I clean the filter with water? Hold its lens below a tap, never use soap, wipe gently until no drops remain.",
    }
    rejected = Rejected(sections=frozenset({("lamp", None)}))
    reply = await take_turn(TurnInput(CLEANING, SHOP, rejected=rejected), shop(texts), UNSURE)
    assert [(citation.article_id, citation.heading) for citation in reply.citations] == [
        ("camera", None),
        ("lamp", "Oil"),
    ]


@pytest.mark.parametrize("said", [ENGLISH.helped_label, "yes", "Yes!"])
async def test_who_says_that_a_suggestion_helped_is_thanked_and_that_is_their_rating(twins, shop, said):
    knows = shop(twins)
    first = await take_turn(TurnInput(AMBIGUOUS, SHOP), knows, UNSURE)
    reply = await take_turn(TurnInput(said, SHOP, after(AMBIGUOUS, first)), knows, UNSURE)
    assert (reply.outcome, reply.text, reply.choices) == ("small_talk", ENGLISH.say("helped"), ())
    assert (reply.rated.of, reply.rated.helpful) == (3, True)


async def test_yes_to_a_suggestion_that_offers_a_person_calls_one(twins, shop):
    knows = shop(twins)
    angry = await take_turn(TurnInput(f"This is ridiculous. {AMBIGUOUS}", SHOP), knows, UNSURE)
    assert (angry.outcome, angry.offers_person) == ("suggest", True)
    assert angry.text.endswith(ENGLISH.say("beside"))
    reply = await take_turn(TurnInput("yes", SHOP, after(AMBIGUOUS, angry)), knows, UNSURE)
    assert (reply.outcome, reply.handoff, reply.rated) == ("handoff", "visitor_asked", None)


async def test_the_words_of_a_button_tell_no_mood_and_no_subject(twins, shop):
    knows = shop(twins)
    first = await take_turn(TurnInput(AMBIGUOUS, SHOP), knows, UNSURE)
    other = replace(ENGLISH, not_helped_label="This is ridiculous, you are useless!")
    bot = after(AMBIGUOUS, first)[1]
    choices = tuple(
        replace(choice, label=other.not_helped_label) if choice.kind == "not_helped" else choice
        for choice in first.choices
    )
    worded = [Said("visitor", AMBIGUOUS), replace(bot, choices=choices)]
    plain = await take_turn(TurnInput(ENGLISH.not_helped_label, SHOP, after(AMBIGUOUS, first)), knows, UNSURE)
    rude = await take_turn(TurnInput(other.not_helped_label, SHOP, worded), knows, UNSURE)
    assert (plain.mood, plain.trace["context"]) == (rude.mood, rude.trace["context"])
    then = "And which colour?"
    ours = await take_turn(
        TurnInput(then, SHOP, [*after(AMBIGUOUS, first), Said("visitor", ENGLISH.not_helped_label), bot]), knows, UNSURE
    )
    theirs = await take_turn(
        TurnInput(then, SHOP, [*worded, Said("visitor", other.not_helped_label), bot]), knows, UNSURE
    )
    assert (ours.mood, ours.trace["context"]) == (theirs.mood, theirs.trace["context"])


async def test_a_refusal_names_what_the_nearest_articles_are_about_as_plain_text(hashed):
    texts = {
        "a.md": "---\ncategory: '*Bills*'\n---\n# Refunds\n\nA refund takes five days.",
        "b.md": "---\ncategory: Account\n---\n# Passwords\n\nReset a password.",
        "c.md": "# Other\n\nSomething takes days.",
    }
    encoder = HashingEncoder()
    snapshot = build([parse(text, path=path) for path, text in texts.items()], encoder)
    deps = TurnDeps(snapshot, RecordingEncode(encoder), calibration=hashed)
    refusing = Policy(answer_confidence=1.0, suggest_usefulness=1.0)
    reply = await take_turn(TurnInput("How many days does it take?", SHOP), deps, refusing)
    assert (reply.outcome, reply.shown) == ("no_answer", ())
    assert "\\*Bills\\*" in reply.text
    closed = await take_turn(TurnInput("talk to a human", SHOP, desk_open=False), deps, refusing)
    assert "Bills" not in closed.text


async def test_articles_that_say_the_same_are_no_choice(twins, shop):
    twins["copy.md"] = twins.pop("lamp.md")
    twins["other.md"] = twins["copy.md"].replace("Reset the lamp", "Reset your lamp")
    del twins["camera.md"]
    reply = await take_turn(TurnInput(AMBIGUOUS, SHOP), shop(twins), Policy(answer_confidence=0))
    assert (reply.outcome, labels(reply)) == ("answer", ())


async def test_what_is_internal_is_never_offered(twins, shop):
    twins["camera.md"] = twins["camera.md"].replace("---\ntitle", "---\nvisibility: internal\ntitle")
    reply = await take_turn(TurnInput(AMBIGUOUS, SHOP), shop(twins), Policy())
    assert (reply.outcome, labels(reply)) == ("answer", ())


async def test_the_title_of_an_article_is_answered_from_it_in_any_case(twins, shop):
    reply = await take_turn(TurnInput("  reset the CAMERA ", SHOP), shop(twins), Policy(answer_confidence=1.0))
    assert (reply.outcome, reply.ranked[0]) == ("answer", "camera")


async def test_an_answer_suggests_what_is_related_and_nothing_else(twins, shop):
    reply = await take_turn(TurnInput(AMBIGUOUS, SHOP), shop(twins), Policy(answer_confidence=0.2))
    assert reply.outcome == "answer"
    assert {reply.citations[0].title, *labels(reply)} == {"Reset the lamp", "Reset the camera"}
    assert reply.trace["offered"] == [reply.ranked[1]]


async def test_an_answer_after_a_failure_offers_a_person_if_one_is_there(twins, shop):
    knows = shop(twins)
    reply = await take_turn(TurnInput("Reset the lamp", SHOP, failures=1), knows, Policy())
    assert labels(reply)[-1] == ENGLISH.person_label
    alone = await take_turn(TurnInput("Reset the lamp", SHOP, failures=1, desk_open=False), knows, Policy())
    assert ENGLISH.person_label not in labels(alone)


async def test_a_rejected_article_is_found_but_not_told_and_the_next_one_is_likelier(twins, shop):
    knows = shop(twins)
    asked = TurnInput(AMBIGUOUS, SHOP)
    before = await take_turn(asked, knows, Policy(answer_confidence=0.05))
    first, second, *_ = before.ranked
    sure = Policy(answer_confidence=0.05)
    reply = await take_turn(replace(asked, rejected=Rejected(frozenset({first}))), knows, sure)
    assert (reply.outcome, reply.citations[0].article_id) == ("answer", second)
    assert (reply.ranked, reply.trace["rejected"]) == (before.ranked, [first])
    assert before.citations[0].title not in (reply.text, *labels(reply))
    assert reply.text.startswith(before.text.split(". ")[0])  # the twins say the same in their first sentence


async def test_an_article_that_says_the_same_as_a_rejected_one_is_not_told_either(twins, shop):
    del twins["camera.md"]
    twins["copy.md"] = twins["lamp.md"]
    knows, asked = shop(twins), TurnInput(AMBIGUOUS, SHOP)
    before = await take_turn(asked, knows, Policy(answer_confidence=0))
    again = replace(asked, rejected=Rejected(frozenset({before.citations[0].article_id})))
    reply = await take_turn(again, knows, Policy(answer_confidence=0))
    assert before.text.split(". ")[0] not in reply.text


async def test_where_nothing_else_is_left_a_person_is_offered(knows):
    asked = TurnInput(KNOWN, SHOP, rejected=Rejected(frozenset({"refunds", "passwords"})))
    reply = await take_turn(asked, knows, Policy(answer_confidence=0))
    assert (reply.outcome, labels(reply)) == ("no_answer", (ENGLISH.person_label,))
    assert reply.text == f"I am sorry, I did not find another answer in our help articles. {ENGLISH.offer}"
    assert reply.ranked[0] == "refunds"


async def test_a_rejected_article_is_told_to_whoever_names_it(twins, shop):
    asked = TurnInput("Reset the lamp", SHOP, rejected=Rejected(frozenset({"lamp"})))
    reply = await take_turn(asked, shop(twins), Policy())
    assert (reply.outcome, reply.citations[0].article_id) == ("answer", "lamp")


async def test_a_site_sees_its_own_articles_only():
    encoder = HashingEncoder()
    texts = {
        "a.md": "---\nsites: [shop]\n---\n# Refunds\n\nRefunds at the shop.",
        "b.md": "# Refunds\n\nRefunds elsewhere.",
    }
    snapshot = build([parse(text, path=path) for path, text in texts.items()], encoder)

    deps = TurnDeps(snapshot, RecordingEncode(encoder))
    reply = await take_turn(TurnInput("refunds at the shop", SHOP), deps, Policy(answer_confidence=0.0))
    assert reply.ranked == ("b",)
