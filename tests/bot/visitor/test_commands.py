import uuid
from datetime import UTC, datetime, timedelta

import pytest

from bot.answer.reply.catalogue import default_phrasebook
from bot.visitor.commands import CommandContext, ConversationEnded, RateLimited, decision
from bot.visitor.protocol import CallHuman, CancelHuman, CloseChat, Contact, Rate, Say, Survey
from conversation.errors import IllegalTransition
from conversation.events import Author, Claimed, Closed, HandoffRequested, Opened, VisitorSaid
from conversation.reducer import advance
from conversation.values import Draft

ENGLISH = default_phrasebook().speaking("en")

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ADA = Author("visitor", None, "ada")
ANA = Author("agent", "Ana", "ana")
OPENED = Opened("shop", "de", {"url": "https://shop.example/"})


def arrival(*, at=NOON, desk_open=True, **more) -> CommandContext:
    return CommandContext(by=ADA, opened=OPENED, at=at, desk_open=desk_open, reopen_h=24, phrases=ENGLISH, **more)


def conversation(state: str):
    """A conversation in `state`, with one unanswered question (seq 2) while the bot holds it."""
    steps = {
        "bot": [],
        "queued": [Draft(ADA, HandoffRequested("visitor_asked"))],
        "agent": [Draft(ANA, Claimed())],
        "closed": [Draft(ADA, Closed("visitor"))],
    }
    drafts = [Draft(ADA, OPENED), Draft(ADA, VisitorSaid("hi")), *steps[state]]
    return advance(None, drafts, conversation_id="c", at=NOON, client_id=None)[0]


def command(kind, **fields):
    names = {
        Say: "say",
        CallHuman: "call_human",
        CancelHuman: "cancel_human",
        Rate: "rate",
        Survey: "survey",
        Contact: "contact",
        CloseChat: "close",
    }
    return kind(type=names[kind], client_id=str(uuid.uuid4()), **fields)


SAY = command(Say, text="hello")
CALL = command(CallHuman)
CANCEL = command(CancelHuman)
RATE = command(Rate, seq=3, helpful=True, comment="good")
SURVEY = command(Survey, score=4)
CONTACT = command(Contact, email="a@b.example", name="Ada")
CLOSE = command(CloseChat)


def kinds(command, before, when=None) -> list[str]:
    """What is appended, after checking that the log takes it."""
    drafts = decision(command, when or arrival())(before)
    advance(before, drafts, conversation_id="c", at=NOON, client_id=str(command.client_id))
    return [draft.payload.kind for draft in drafts]


@pytest.mark.parametrize(
    ("command", "state", "appended"),
    [
        (SAY, None, ["opened", "visitor_said"]),
        (SAY, "bot", ["visitor_said"]),
        (SAY, "queued", ["visitor_said"]),
        (SAY, "agent", ["visitor_said"]),
        (SAY, "closed", ["reopened", "visitor_said"]),
        (CALL, None, ["opened", "handoff_requested"]),
        (CALL, "bot", ["handoff_requested"]),
        (CALL, "closed", ["reopened", "handoff_requested"]),
        (CANCEL, "queued", ["returned_to_bot"]),
        (RATE, "bot", ["rated"]),
        (RATE, "agent", ["rated"]),
        (RATE, "closed", ["rated"]),
        (SURVEY, "bot", ["surveyed"]),
        (SURVEY, "closed", ["surveyed"]),
        (CONTACT, None, ["opened", "contact_left"]),
        (CONTACT, "bot", ["contact_left"]),
        (CONTACT, "queued", ["contact_left"]),
        (CONTACT, "closed", ["contact_left"]),
        (CLOSE, "bot", ["closed"]),
        (CLOSE, "queued", ["closed"]),
        (CLOSE, "agent", ["closed"]),
    ],
)
def test_what_a_command_appends(command, state, appended):
    assert kinds(command, None if state is None else conversation(state)) == appended


@pytest.mark.parametrize(
    ("command", "state"),
    [
        (CALL, "queued"),
        (CALL, "agent"),
        (CANCEL, None),
        (CANCEL, "bot"),
        (CANCEL, "agent"),
        (CANCEL, "closed"),
        (RATE, None),
        (SURVEY, None),
        (CLOSE, None),
        (CLOSE, "closed"),
    ],
)
def test_what_a_command_cannot_do(command, state):
    with pytest.raises(IllegalTransition):
        kinds(command, None if state is None else conversation(state))


def test_what_is_said_is_kept_with_its_author_and_the_page():
    opened, said = decision(SAY, arrival())(None)
    assert (opened.by, opened.payload) == (ADA, OPENED)
    assert (said.by, said.payload) == (ADA, VisitorSaid("hello"))


def test_ratings_surveys_and_addresses_are_kept_whole():
    before = conversation("bot")
    rated, surveyed, contact = (decision(command, arrival())(before)[0].payload for command in (RATE, SURVEY, CONTACT))
    assert (rated.of, rated.helpful, rated.comment) == (3, True, "good")
    assert (surveyed.score, surveyed.comment) == (4, None)
    assert (contact.email, contact.name) == ("a@b.example", "Ada")


@pytest.mark.parametrize("command", [SAY, CALL])
def test_a_closed_conversation_reopens_for_24_hours_and_no_longer(command):
    before = conversation("closed")
    assert kinds(command, before, arrival(at=NOON + timedelta(hours=24)))[0] == "reopened"
    with pytest.raises(ConversationEnded):
        kinds(command, before, arrival(at=NOON + timedelta(hours=24, seconds=1)))


@pytest.mark.parametrize("command", [RATE, SURVEY, CONTACT])
def test_verdicts_and_addresses_never_reopen(command):
    assert len(kinds(command, conversation("closed"), arrival(at=NOON + timedelta(days=30)))) == 1


@pytest.mark.parametrize("state", [None, "bot", "closed"])
def test_with_nobody_at_the_desk_the_bot_keeps_the_chat_and_asks_for_an_address(state):
    before = None if state is None else conversation(state)
    assert "handoff_requested" not in kinds(CALL, before, arrival(desk_open=False))
    *_, said = decision(CALL, arrival(desk_open=False))(before)
    assert said.by.kind == "bot"
    assert (said.payload.text, said.payload.outcome) == (ENGLISH.say("desk_closed"), "no_answer")
    assert said.payload.answers == ((2,) if state == "bot" else ())


@pytest.mark.parametrize("state", [None, "bot", "queued", "agent", "closed"])
@pytest.mark.parametrize("command", [SAY, CALL, CANCEL, RATE, SURVEY, CONTACT, CLOSE])
def test_over_the_limit_nothing_happens_and_the_wait_is_told(command, state):
    before = None if state is None else conversation(state)
    with pytest.raises(RateLimited) as limited:
        decision(command, arrival(retry_after_s=2.5))(before)
    assert limited.value.retry_after_s == 2.5
    assert "2.5 s" in str(limited.value)


def test_the_call_for_a_person_says_why():
    call = HandoffRequested("visitor_asked", "pressed the button")
    (draft,) = decision(CALL, arrival(call=lambda: call))(conversation("bot"))
    assert (draft.by, draft.payload) == (ADA, call)
