"""A visitor's question, answered by the bot, handed to a person, answered by the person: one server, two browsers."""

import json
import re

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.harness.running import handrail, start

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 20_000


@pytest.fixture
def server(data_dir, small_kb):
    running = start(data_dir, kb=small_kb)
    yield running
    if running.process.poll() is None:  # one test kills it
        assert running.stop() == 0


@pytest.fixture
def browser(chromium_path, chromium_args):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=chromium_args)
        yield browser
        browser.close()


@pytest.fixture
def agent(server, browser, data_dir):
    """The console, signed in through the one-time link that `agent add` prints."""
    link = handrail("agent", "add", "ana@example.com", "--name", "Ana", "--url", server.url, data=data_dir)
    page = browser.new_context().new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(re.search(r"http\S+", link).group())
    page.get_by_role("button", name="Sign in as Ana").click()
    expect(page.get_by_text("You hold no chat.")).to_be_visible()
    return page


@pytest.fixture
def visitor(server, browser):
    page = browser.new_context().new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{server.url}/demo")
    page.get_by_role("button", name="Open chat").click()
    return page


def say(page, text):
    page.get_by_role("textbox", name="Your message").fill(text)
    page.keyboard.press("Enter")


def test_a_question_is_answered_handed_over_and_answered_by_a_person(agent, visitor):
    log = visitor.get_by_role("log")
    expect(visitor.get_by_role("dialog")).to_contain_text("You are chatting with an AI assistant")

    say(visitor, "When does the money of a refund arrive?")
    expect(log).to_contain_text("We send the money back within five working days")
    source = log.get_by_role("link", name=re.compile("Refunds")).first
    expect(source).to_have_attribute("href", re.compile(r"/help/refunds#when-the-money-arrives$"))

    say(visitor, "I want to talk to a human")
    expect(visitor.locator(".who")).to_contain_text("in the queue")

    agent.get_by_role("button", name=re.compile("asked for a person")).click()
    expect(agent.get_by_role("log")).to_contain_text("When does the money of a refund arrive?")
    agent.get_by_role("button", name="Take over").click()
    agent.get_by_label("Reply to the visitor").fill("Hello, I am Ana. I have looked: it is on its way.")
    agent.get_by_role("button", name="Send").click()

    expect(visitor.locator(".who")).to_have_text("Ana")
    expect(log).to_contain_text("it is on its way.")
    say(visitor, "Thank you, Ana")
    expect(agent.get_by_role("log")).to_contain_text("Thank you, Ana")

    agent.get_by_role("button", name="Close", exact=True).click()
    expect(visitor.locator(".who")).to_have_text("The chat was closed")


def test_a_cited_article_opens_at_its_heading(server, visitor):
    say(visitor, "When does the money of a refund arrive?")
    source = visitor.get_by_role("log").get_by_role("link", name=re.compile("Refunds")).first
    with visitor.context.expect_page() as opened:
        source.click()
    article = opened.value
    expect(article.get_by_role("heading", name="When the money arrives")).to_be_in_viewport()
    assert article.url == f"{server.url}/help/refunds#when-the-money-arrives"


def test_a_saved_article_is_answered_from_within_seconds(small_kb, visitor):
    say(visitor, "Do you repair bicycles?")
    expect(visitor.get_by_role("log")).to_contain_text("I did not find an answer")
    (small_kb / "repairs.md").write_text(
        "# Bicycle repairs\n\nWe repair bicycles on Tuesdays, without an appointment.\n"
    )
    for _ in range(20):
        visitor.wait_for_timeout(250)  # the article is watched by another process; the visitor asks until it is there
        say(visitor, "Do you repair bicycles?")
        visitor.wait_for_timeout(100)
        if "on Tuesdays" in visitor.get_by_role("log").inner_text():
            return
    pytest.fail("the article was not answered from within 5 s")


def test_a_message_survives_the_death_of_the_server(server, visitor, data_dir, small_kb):
    say(visitor, "When does the money of a refund arrive?")
    expect(visitor.get_by_role("log")).to_contain_text("within five working days")
    server.kill()
    say(visitor, "How do I track my parcel?")
    expect(visitor.get_by_text("Reconnecting…")).to_be_visible()
    again = start(data_dir, kb=small_kb, port=int(server.url.rsplit(":", 1)[1]))
    try:
        expect(visitor.get_by_role("log")).to_contain_text("Track my parcel", timeout=40_000)
        expect(visitor.get_by_role("log").locator(".mine")).to_have_count(2)
    finally:
        again.stop()


def test_what_is_erased_from_the_command_line_vanishes_from_an_open_widget(visitor, data_dir):
    log = visitor.get_by_role("log")
    say(visitor, "When does the money of a refund arrive?")
    expect(log).to_contain_text("We send the money back within five working days")
    say(visitor, "My number is 4111-secret.")
    expect(log.locator(".theirs")).to_have_count(2)
    expect(log).to_contain_text("4111-secret")
    exported = [json.loads(line) for line in handrail("export", data=data_dir).splitlines()]
    (visitor_id,) = {line["by"]["id"] for line in exported if line["by"]["kind"] == "visitor"}
    output = handrail("erase", "--visitor", visitor_id, "--find", "4111-secret", "--yes", data=data_dir)
    assert "tables: searched for 1 texts, found none" in output
    assert "found;" not in output
    expect(log).not_to_contain_text("4111-secret")
    expect(log).to_contain_text("This message was deleted.")
    say(visitor, "When does the money of a refund arrive?")
    expect(log).to_contain_text("We send the money back within five working days")
