"""What visitors read: from an article and a question to the reply."""

import pytest

from bot.answer.reply.catalogue import default_phrasebook
from bot.answer.reply.extractive.extraction import compose, extract
from bot.answer.reply.extractive.query_coverage import query_coverage
from retrieval.articles.article import parse
from retrieval.articles.audience import Audience
from retrieval.index.builder import build
from retrieval.model.encoder import HashingEncoder
from retrieval.search.signals import Query
from retrieval.search.stages import search

ENCODER = HashingEncoder()
BASE = "https://help.example"


def extracted(body, question, title):
    """What an article with this body says of `question`."""
    snapshot = build([parse(f"---\ntitle: '{title}'\n---\n\n{body}", path="refunds.md")], ENCODER)
    hits = search(snapshot, Query(question, ENCODER.encode([question])[0]), Audience("default"))
    return extract(hits, question, snapshot, BASE)


def replied(body, question, title="Refunds [2026]"):
    """The reply to `question` from such an article."""
    return compose(extracted(body, question, title), BASE, default_phrasebook().speaking("en"))


def told(body, question, title="Refunds"):
    """The same without its source."""
    return extracted(body, question, title).text


def test_a_reply_ends_with_its_source_and_brackets_cannot_break_the_link():
    assert replied(
        "Opening words.\n\n## When the money arrives\n\nWithin five days.", "When does the money arrive?"
    ) == (
        "Within five days.\n\n"
        "This is from our article [Refunds \\[2026\\] › When the money arrives](https://help.example/help/refunds#when-the-money-arrives)."
    )


def test_a_heading_that_is_the_title_is_named_once():
    assert replied("# Refunds\n\nWithin five days.", "refunds", "Refunds").endswith(
        "This is from our article [Refunds](https://help.example/help/refunds#refunds)."
    )


def test_a_question_as_heading_is_answered_by_what_stands_below_it():
    faq = "## Questions\n\n### Do you allow pets?\n\nNo pets are allowed.\n\n### Is there a lift?\n\nNo, there is no lift."
    assert told(faq, "are pets allowed") == "No pets are allowed."


def test_steps_are_complete_and_come_with_what_announces_them():
    steps = "\n".join(f"{n}. Step {n} has quite a few words in it, about ten of them." for n in range(1, 21))
    body = f"## Send it back\n\nThis takes two minutes.\n\nDo this:\n\n{steps}\n\n{'And then more. ' * 60}"
    assert told(body, "How do I send it back?") == f"This takes two minutes.\n\nDo this:\n\n{steps}"


def test_steps_that_were_cut_into_several_passages_are_put_together_again():
    steps = "\n".join(f"{n}. Step {n} is told with some words, so that all of them are too long." for n in range(1, 26))
    body = f"Hello.\n\n## Swap the battery\n\n{steps}"
    assert told(body, "How do I swap the battery?") == steps


def test_of_long_prose_the_paragraphs_around_the_answer_are_shown():
    paragraphs = [f"{'Nothing to see here. ' * 15}Number {n}." for n in range(6)]
    paragraphs[4] = "The warranty covers a broken hinge. " + "It does not cover rust. " * 10
    reply = replied("## Warranty\n\n" + "\n\n".join(paragraphs), "Is a broken hinge covered by the warranty?")
    assert (
        reply.startswith("The warranty covers a broken hinge. ") or "\n\nThe warranty covers a broken hinge. " in reply
    )
    passage, _, source = reply.rpartition("\n\n")
    assert len(passage.split()) <= 120
    assert source.startswith("You can read on in our article [")


def test_a_paragraph_that_is_too_long_is_cut_between_sentences():
    body = f"## Warranty\n\n{'We care e.g. about quality. ' * 40}A broken hinge is covered. {'And so on. ' * 40}"
    reply = told(body, "broken hinge")
    assert "A broken hinge is covered. And so on. " in reply
    assert reply.startswith(("We care", "A broken"))
    assert reply.endswith("And so on.")
    assert len(reply.split()) <= 120


def test_of_a_list_that_is_too_long_the_items_that_answer_are_shown_in_their_order():
    phrases = [f"phrase number {n} about the weather in the town of {n}" for n in range(60)]
    phrases[20], phrases[40] = "can I pay with a cheque", "do you take a cheque"
    body = "Visitors ask about this in words such as:\n\n" + "\n".join(f"- {phrase}" for phrase in phrases)
    reply = told(body, "pay by cheque", "Payment")
    lead, items = reply.split("\n\n")
    assert lead == "Visitors ask about this in words such as:"
    assert items.split("\n")[:8][-1].startswith("- ")
    assert "- can I pay with a cheque" in items
    assert items.index("can I pay with a cheque") < items.index("do you take a cheque")
    assert len(items.split("\n")) <= 8


def test_a_section_that_only_points_elsewhere_does_not_answer():
    body = (
        "Learn how to export data.\n\n## How to ask for it\n\n1. Open the page.\n2. Press **Export data**.\n\n"
        "## Further reading\n\n- [Export of historical data](https://docs.example/export)"
    )
    assert told(body, "Export of historical data", "Data").startswith(
        "Learn how to export data.\n\n**How to ask for it**\n\n1. Open the page.\n2. Press **Export data**."
    )


def test_an_opening_leads_on_to_the_section_it_announces():
    body = (
        "To mend this, follow the steps below.\n\n## Steps\n\n1. Unplug it.\n2. Plug it in.\n\n## More\n\nOther words."
    )
    assert told(body, "How do I mend it?", "Mend it") == (
        "To mend this, follow the steps below.\n\n**Steps**\n\n1. Unplug it.\n2. Plug it in."
    )


def test_an_opening_with_a_table_of_contents_offers_links_to_the_headings():
    body = "Ways to reset it.\n\nIn this article:\n\n- [Soft](#soft)\n- [Hard](#hard)\n\n## Soft\n\nTap.\n\n## Hard\n\nPress."
    assert told(body, "Which ways to reset it are there in this article?", "Reset") == (
        "Ways to reset it.\n\nIn this article:\n\n"
        "- [Soft](https://help.example/help/refunds#soft)\n- [Hard](https://help.example/help/refunds#hard)"
    )


def test_a_section_named_by_the_question_is_preferred_to_the_opening():
    body = (
        "Ways to reset your board.\n\n## Soft reset\n\nTap the button.\n\n## Factory reset\n\nPress it for ten seconds."
    )
    assert told(body, "reset your board to factory", "Reset your board") == "Press it for ten seconds."


def test_what_is_needed_leads_on_to_what_is_done():
    body = "## Solder\n\n### What you'll need\n\n- Tin\n\n### Instructions\n\n1. Heat it.\n\n## Sell\n\nSell it."
    assert told(body, "What do I need to solder?", "Metal") == "- Tin\n\n**Instructions**\n\n1. Heat it."


def test_of_a_long_section_the_part_with_the_words_of_the_question_is_read():
    body = "## Prices\n\n" + "\n\n".join(
        [
            f"The parking costs five euros a day. {'And more words. ' * 30}",
            f"The wifi is free. {'And more words. ' * 30}",
        ]
    )
    snapshot = build([parse(f"# Hotel\n\n{body}", path="hotel.md")], ENCODER)
    hits = search(snapshot, Query("hotel", ENCODER.encode(["hotel"])[0]), Audience("default"))
    reply = extract(hits, "and wifi?", snapshot, BASE)
    assert reply.text.startswith("The wifi is free.")
    assert reply.more


@pytest.mark.parametrize("body", ["![A cable](cable.png)", "## Only a heading", "<br>"])
def test_an_article_without_words_is_still_pointed_to(body):
    assert replied(body, "refunds", "Refunds").startswith("This is from our article [Refunds")


LOGIN = (
    "Press the link on the login page if you forgot your password. You get a message with a link for one hour.\n\n"
    "## The message does not arrive\n\nLook into the spam folder.\n\n## Locked\n\nI forgot my password. I forgot my password."
)


def test_what_the_title_asks_is_answered_by_the_opening():
    assert told(LOGIN, "I forgot my password", "I forgot my password").startswith("Press the link")


def test_what_a_heading_asks_is_answered_by_its_section_whatever_the_title_has():
    question = "I forgot my password and the message does not arrive"
    assert told(LOGIN, question, "I forgot my password") == "Look into the spam folder."


def test_a_table_of_contents_gives_way_to_the_section_that_is_named():
    menu = "- [Windows](#windows)\n- [Linux](#linux)"
    body = f"Learn how to install it.\n\nIn this article:\n\n{menu}\n\n## Windows\n\nRun it.\n\n## Linux\n\nUnpack it."
    assert told(body, "install it on linux", "Install it") == "Unpack it."


def test_a_section_that_was_told_is_not_told_again():
    question = "I forgot my password"
    snapshot = build([parse(f"---\ntitle: {question}\n---\n\n{LOGIN}", path="login.md")], ENCODER)
    hits = search(snapshot, Query(question, ENCODER.encode([question])[0]), Audience("default"))
    rest = [hit for hit in hits if hit.chunk.heading_path]
    again = extract(rest, question, snapshot, BASE, told={("login", None)})
    assert again.hit.chunk.heading_path


@pytest.mark.parametrize("filler", ["Words and words of no matter. ", "Wörter "])
def test_passages_that_are_far_apart_in_a_long_article_do_no_harm(filler):
    parts = (f"## Part {n}\n\nHow to reset number {n}. {filler * 400}" for n in range(12))
    body = "\n\n".join(parts)
    for question in ("reset number 1", "reset number 11", "part"):
        assert told(body, question, "Reset it")


def test_a_word_that_no_article_has_is_missing_nowhere():
    snapshot = build([parse(f"---\ntitle: Login\n---\n\n{LOGIN}", path="login.md")], ENCODER)
    asked, hurried = (query_coverage(text, snapshot) for text in ("forgot my password", "forgot my password plz asap"))
    assert asked.total == hurried.total > 0
    assert hurried.share("You forgot your password.") == 1


def test_who_asks_for_a_part_of_the_title_is_not_answered_by_the_opening():
    title = "My parcel arrived damaged or a part of it is missing"
    body = (
        "Take a photo of the parcel that arrived and of what is broken, and send both of them to us within a week.\n\n"
        "## It is lost\n\nAsk us to search for the parcel if the parcel has not arrived."
    )
    assert (
        told(body, "my parcel has not arrived", title)
        == "Ask us to search for the parcel if the parcel has not arrived."
    )
