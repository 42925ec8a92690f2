"""Asking back over the whole way: what is offered is sent as the next message, and answered."""

import pytest

from bot.answer.policy import Policy
from retrieval.articles.article import parse
from retrieval.index.builder import build
from retrieval.model.encoder import HashingEncoder

ARTICLES = {
    "lamp.md": "# Reset the L10\n\nTo reset it, hold the button until it clicks. Ten moments later green light fills rooms.",
    "camera.md": "# Reset the C20\n\nTo reset it, hold the button until it clicks. Pictures remain while seven profiles vanish quickly.",
    "invoices.md": "# Invoices\n\nDownload every invoice as a PDF.",
}
TITLES = {"L10": "Reset the L10", "C20": "Reset the C20"}
AMBIGUOUS = "How to reset it, hold the button until it clicks?"


@pytest.fixture(scope="module")
def snapshot():
    return build([parse(text, path=path) for path, text in ARTICLES.items()], HashingEncoder())


@pytest.fixture
def lobby(lobby):
    """Its bot is never sure enough to answer what is not named."""
    lobby.responder.policy = Policy(answer_confidence=1.0, suggest_usefulness=0.0)
    return lobby


@pytest.mark.parametrize("at", [0, 1])
async def test_pressing_a_quick_reply_is_answered_from_its_article(lobby, at):
    guest = lobby.arrive()
    await guest.hello()
    back = await guest.ask(AMBIGUOUS)
    assert (back["outcome"], back["citations"]) == ("clarify", [])
    assert set(back["suggestions"]) == {*TITLES}
    chosen = back["suggestions"][at]
    reply = await guest.ask(chosen)
    assert (reply["outcome"], reply["citations"][0]["title"]) == ("answer", TITLES[chosen])


async def test_yes_is_answered_from_the_likeliest_article(lobby):
    guest = lobby.arrive()
    await guest.hello()
    back = await guest.ask(AMBIGUOUS)
    reply = await guest.ask("yes")
    assert (reply["outcome"], reply["citations"][0]["title"]) == ("answer", TITLES[back["suggestions"][0]])


@pytest.mark.parametrize(("text", "option"), [("it is a c20", "C20"), ("L10 please", "L10"), ("C20!", "C20")])
async def test_an_option_named_in_own_words_is_answered_from_its_article(lobby, text, option):
    guest = lobby.arrive()
    await guest.hello()
    await guest.ask(AMBIGUOUS)
    reply = await guest.ask(text)
    assert (reply["outcome"], reply["citations"][0]["title"]) == ("answer", TITLES[option])


async def test_who_does_not_choose_is_not_asked_again(lobby):
    guest = lobby.arrive()
    await guest.hello()
    assert (await guest.ask(AMBIGUOUS))["outcome"] == "clarify"
    assert (await guest.ask(AMBIGUOUS))["outcome"] == "suggest"


async def test_who_wants_none_of_them_is_asked_for_other_words(lobby):
    guest = lobby.arrive()
    await guest.hello()
    await guest.ask(AMBIGUOUS)
    reply = await guest.ask("none of these")
    assert (reply["outcome"], reply["choices"]) == ("small_talk", [])
