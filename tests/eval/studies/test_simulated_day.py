import pytest

from bot.answer.policy import Policy
from eval.studies.simulated_day import Visit, Visitor, visitors, visits
from eval.task import run_cases

SUGGESTS = Policy(answer_confidence=1.0, suggest_usefulness=0.02)


@pytest.fixture
def come(question):
    def make(*asked, other_words=("", ""), helped=False, impatient=False):
        questions = [question(text, text=text, gold=gold) for text, gold in asked]
        return Visitor(questions, other_words, presses_helped=helped, impatient=impatient)

    return make


PASSWORD = ("How do I change my password?", ("passwords",))
TRACKING = ("Where can I track my parcel?", ("shipping",))
ALIEN = ("zebra", ())


async def test_who_is_shown_a_right_passage_leaves_and_may_say_that_it_helped(deps, come):
    quiet, polite = await visits([come(PASSWORD, TRACKING), come(PASSWORD, TRACKING, helped=True)], deps, SUGGESTS)
    assert quiet == Visit("left", 2, [True, True])
    assert polite == Visit("left", 4, [True, True])


async def test_the_right_card_is_taken_where_the_passage_is_wrong(deps, come):
    text = "open the mail account"
    always = Policy(answer_confidence=1.0, suggest_usefulness=0.0)
    (row,) = await run_cases([("q", (), text)], deps, always)
    (visit,) = await visits([come((text, (row.shown[1],)), TRACKING)], deps, always)
    assert visit == Visit("left", 3, [True, True])


async def test_a_wrong_passage_is_rejected_once_and_a_refusal_is_not(deps, come):
    (visit,) = await visits([come((PASSWORD[0], ("gone",)), ALIEN)], deps, SUGGESTS)
    assert visit.served == [False]
    (patient,) = await visits([come((PASSWORD[0], ("gone",)), other_words=("",))], deps, SUGGESTS)
    assert patient == Visit("left", 2, [False])  # the question, and that it is not what was meant


async def test_a_call_is_asked_for_and_two_refusals_force_one(deps, come, question):
    calls = Visitor([question("q", text="I want a human", labels={"handoff_request": True})], [""], False, False)
    asked, forced = await visits([calls, come(ALIEN, ("giraffe", ()))], deps, SUGGESTS)
    assert (asked.ending, asked.served) == ("asked", [])
    assert forced.ending == "forced"


async def test_the_impatient_press_the_button_for_a_person(deps, come):
    (visit,) = await visits([come(ALIEN, ALIEN, impatient=True)], deps, SUGGESTS)
    assert visit == Visit("asked", 2, [])


def test_the_same_visitors_come_every_time_and_only_with_questions_that_stand_alone(question):
    asked = [question(f"q{n}", text=f"Question {n}?", gold=("a",) if n % 2 else ()) for n in range(8)]
    asked.append(question("chat", labels={"scope": "chitchat"}, gold=()))
    come = visitors(asked, 20)
    assert come == visitors(asked, 20)
    assert all(asked.case_id != "chat" for visitor in come for asked in visitor.questions)
    reworded = [
        pair for visitor in come for pair in zip(visitor.questions, visitor.other_words, strict=True) if pair[1]
    ]
    assert reworded
    assert all(question.answerable and words != question.question for question, words in reworded)
