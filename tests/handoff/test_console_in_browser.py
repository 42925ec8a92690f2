import re

import pytest
from playwright.async_api import async_playwright, expect

from conversation.events import (
    BOT,
    Author,
    BotSaid,
    Choice,
    Citation,
    ContactLeft,
    HandoffRequested,
    Rated,
    Reopened,
    ReturnedToBot,
    Tagged,
    VisitorSaid,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NEW_TAB = " (opens in a new tab)"  # read aloud, not shown
HOSTILE = "<img src=x onerror=alert(1)> [go](javascript:alert(1))"


@pytest.fixture
async def context(chromium_path, chromium_args):
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=chromium_args)
        yield await browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
        await browser.close()


@pytest.fixture
async def page(context, office, server):
    """Ana, signed in by her login link, with a console that must not break any rule of its own policy."""
    page, troubles = await context.new_page(), []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text) if "Policy" in message.text else None)
    page.on("dialog", lambda dialog: troubles.append(dialog.message))
    await office.agent()
    token = await office.accounts.login_link_token("ana@example.com")
    await page.goto(f"http://{server}/console/login?token={token}")
    await page.get_by_role("button", name="Sign in as Ana").click()
    await expect(page.get_by_text("You hold no chat.")).to_be_visible()
    yield page
    assert troubles == []


async def visitor_says(office, conversation_id, text):
    now = await office.store.conversation(conversation_id)
    await office.append(conversation_id, (Author("visitor", None, now.visitor_id), VisitorSaid(text)))


async def events(office, conversation_id, kind):
    return [event.payload.text for event in await office.store.events(conversation_id) if event.kind == kind]


async def test_agent_takes_a_chat_over_answers_by_keyboard_and_closes_it(page, office):
    conversation_id = await office.open("my invoice is wrong", waiting=True)
    await expect(page).to_have_title("(1) Handrail console")
    await page.get_by_role("button", name="my invoice is wrong").press("Enter")
    await page.get_by_role("button", name="Take over").press("Enter")
    await expect(page.get_by_label("Reply to the visitor")).to_be_focused()
    await page.keyboard.type("Hello, I am Ana.")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("What is wrong?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".said.agent:not(.unsent)")).to_contain_text("Hello, I am Ana.\nWhat is wrong?")
    assert await events(office, conversation_id, "agent_said") == ["Hello, I am Ana.\nWhat is wrong?"]
    await visitor_says(office, conversation_id, "the sum")
    await expect(page.get_by_role("log")).to_contain_text("the sum")
    await page.get_by_role("button", name="Close", exact=True).click()
    await expect(page.get_by_role("button", name="Reopen")).to_be_visible()
    assert (await office.store.conversation(conversation_id)).state == "closed"


async def test_who_was_silent_reads_what_was_taken_and_sees_it_first_in_the_queue(page, office):
    conversation_id = await office.open("my invoice is wrong", waiting=True)
    urgent = await office.open("the house is on fire", waiting=True)
    await office.desk.prioritise(urgent, (await office.store.agents())[0], priority="urgent")
    await page.get_by_role("button", name="my invoice is wrong").click()
    await page.get_by_role("button", name="Take over").click()
    await expect(page.get_by_role("button", name="Release to queue")).to_be_visible()
    held = await office.store.conversation(conversation_id)
    await office.desk.take_back(held, "Ana was not there for 2 minutes")
    await expect(page.get_by_role("alert")).to_contain_text("a chat of yours went back to the queue")
    await expect(page.get_by_role("log")).to_contain_text("Back in the queue: Ana was not there for 2 minutes")
    waiting = page.locator("#queue section").first.get_by_role("button")
    await expect(waiting.first).to_contain_text("my invoice is wrong")
    await expect(waiting.first).to_contain_text("was yours")
    await page.reload()
    await expect(page.get_by_role("alert")).to_contain_text("a chat of yours went back to the queue")


async def test_who_comes_second_reads_who_was_first(page, office):
    conversation_id = await office.open("my invoice is wrong", waiting=True)
    await page.get_by_role("button", name="my invoice is wrong").click()
    ben = await office.agent("Ben")

    async def overtake(route):
        await office.desk.claim(conversation_id, ben)
        await route.continue_()

    await page.route("**/claim", overtake)
    await page.get_by_role("button", name="Take over").click()
    await expect(page.get_by_role("alert")).to_contain_text("Ben took this chat first.")
    await expect(page.get_by_role("heading", name="Chat with Ben")).to_be_visible()


async def test_what_was_written_offline_is_sent_once_afterwards(page, context, office):
    conversation_id = await office.open("my invoice is wrong", waiting=True)
    await page.get_by_role("button", name="my invoice is wrong").click()
    await page.get_by_role("button", name="Take over").click()
    await expect(page.get_by_role("button", name="Close", exact=True)).to_be_visible()
    await context.set_offline(True)
    await page.get_by_label("Reply to the visitor").fill("are you there?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".said.unsent")).to_contain_text("are you there?")
    await context.set_offline(False)
    await expect(page.locator(".said.agent:not(.unsent)")).to_have_count(1, timeout=20_000)
    await expect(page.locator(".said.unsent")).to_have_count(0)
    assert await events(office, conversation_id, "agent_said") == ["are you there?"]


async def test_answer_that_got_lost_does_not_double_the_message(page, office):
    conversation_id = await office.open("my invoice is wrong", waiting=True)
    await page.get_by_role("button", name="my invoice is wrong").click()
    await page.get_by_role("button", name="Take over").click()
    await expect(page.get_by_role("button", name="Close", exact=True)).to_be_visible()
    lost = []

    async def lose_the_first_answer(route):
        await route.fetch()
        lost.append(route.request.post_data_json["client_id"])
        await (route.abort() if len(lost) == 1 else route.continue_())

    await page.route("**/note", lose_the_first_answer)
    await page.get_by_label("Reply to the visitor").fill("calls back on Monday")
    await page.get_by_role("button", name="Add note").click()
    await expect(page.locator(".said.note:not(.unsent)")).to_have_count(1)
    await expect(page.locator(".said.unsent")).to_have_count(0)
    assert await events(office, conversation_id, "note_added") == ["calls back on Monday"]


async def test_bot_markdown_is_drawn_and_hostile_text_stays_text(page, office):
    conversation_id = await office.open(HOSTILE)
    cited = Citation("ports", "Ports", "No port", "/help/ports", "...")
    evil = Citation("evil", "Evil", None, "javascript:alert(1)", "...")
    said = f"Check **this**:\n\n1. a `cable`\n2. [ports](/help/ports)\n3. 2 \\* 3, [a \\[b\\]](/help/b)\n\n{HOSTILE}"
    offered = (Choice("article", f"More {HOSTILE}", "more"), Choice("person", "Talk to a person"))
    await office.append(conversation_id, (BOT, BotSaid(said, "answer", (2,), (cited, evil), choices=offered)))
    await page.get_by_role("button", name=re.compile("^Check")).click()
    log = page.get_by_role("log")
    await expect(log.locator(".said.visitor .words")).to_have_text(HOSTILE)
    await expect(log.locator(".said.bot strong")).to_have_text("this")
    await expect(log.locator(".said.bot ol li")).to_have_text(["a cable", f"ports{NEW_TAB}", f"2 * 3, a [b]{NEW_TAB}"])
    await expect(log.locator(".sources")).to_have_text(
        [f"Source: Ports › No port{NEW_TAB}, Evil", f"Buttons offered: More {HOSTILE} · Talk to a person"]
    )
    assert await log.locator("a").evaluate_all("links => links.map((link) => new URL(link.href).pathname)") == [
        "/help/ports",
        "/help/b",
        "/help/ports",
    ]
    await expect(page.locator("main img")).to_have_count(0)


async def test_agent_reads_what_a_reply_was_which_articles_stood_beside_it_and_what_the_visitor_thought(page, office):
    conversation_id = await office.open("when is my money back?")
    visitor = Author("visitor", None, (await office.store.conversation(conversation_id)).visitor_id)
    cited = [
        Citation("refunds", "Refunds", "How long", "/help/refunds", "Within 5 days."),
        Citation("exchanges", "Exchanges", None, "/help/exchanges", "Name the size."),
    ]
    choices = (
        Choice("article", "Exchanges", "exchanges"),
        Choice("helped", "That helped"),
        Choice("not_helped", "Not what I meant"),
    )
    suggestion = BotSaid("Perhaps:\n\nWithin 5 days.", "suggest", (2,), tuple(cited), choices=choices)
    await office.append(
        conversation_id,
        (BOT, suggestion),
        (visitor, VisitorSaid("Not what I meant")),
        (visitor, Rated(3, helpful=False)),
        (BOT, BotSaid("Which?", "clarify", (4,), choices=(Choice("article", "Windows", "windows"),))),
        (BOT, BotSaid("So it is.", "answer", ())),
        (BOT, BotSaid("I do not know.", "no_answer", ())),
        (BOT, BotSaid("Hello!", "small_talk", ())),
    )
    await page.get_by_role("button", name=re.compile("^Hello")).click()
    log = page.get_by_role("log")
    outcomes = [r"suggested, not sure · ", r"asked back · ", r"answered · ", r"had no answer · ", r""]
    time = r"\d+ \w+ \d+, \d\d:\d\d|\d\d:\d\d"
    await expect(log.locator(".said.bot .by")).to_have_text(
        [re.compile(rf"^Bot · {words}({time})$") for words in outcomes]
    )
    shown = log.locator(".said.bot").first
    await expect(shown.locator("p.sources")).to_have_text(
        [f"Source: Refunds › How long{NEW_TAB}", "Buttons offered: That helped · Not what I meant"]
    )
    await expect(shown.get_by_role("listitem")).to_have_text([f"Exchanges{NEW_TAB} Name the size."])
    await expect(log).to_contain_text("Buttons offered: Windows")
    await expect(log).to_contain_text("The visitor found a reply not helpful")


async def test_agent_reads_an_article_as_the_visitor_would_and_uses_it_as_plain_text(page, office):
    text = (
        "Set `port` **first**, see [ports](/help/ports) or <https://example.org/>:\n\n"
        "3. open `a`\n   - one  \n     and more\n   - two\n4. shut\n\n```\nif x:\n    `y`\n```"
    )
    office.suggestions.append({"title": "Ports", "url": "/help/ports", "text": text, "score": 1.0})
    await office.open("which port?", waiting=True)
    await page.get_by_role("button", name="which port?").click()
    article = page.get_by_role("complementary").get_by_role("article")
    await expect(article.locator("code")).to_have_text(["port", "a", "if x:\n    `y`"])
    await expect(article.locator("strong")).to_have_text("first")
    await expect(article).not_to_contain_text("**")
    await article.get_by_role("button", name="Use this text").click()
    address = await page.evaluate("new URL('/help/ports', location).href")
    await expect(page.get_by_label("Reply to the visitor")).to_have_value(
        f"Set port first, see ports ({address}) or https://example.org/:\n\n"
        "3. open a\n   - one  \n     and more\n   - two\n4. shut\n\nif x:\n    `y`"
    )


async def test_a_reply_looks_as_in_the_visitors_window(page, office):
    said = "1. open\n   - one *or*\n   - two\n\n   ```\n   if x:\n       `y`\n   ```\n2. shut  \n   it\n\n- ``a ` b``"
    conversation_id = await office.open("how?")
    await office.append(conversation_id, (BOT, BotSaid(said, "answer", (2,))))
    await page.get_by_role("button", name=re.compile("^1. open")).click()
    words = page.locator(".said.bot .words")
    await expect(words).to_be_visible()
    assert await words.inner_html() == (
        '<ol start="1"><li><p>open</p><ul><li><p>one <em>or</em></p></li><li><p>two</p></li></ul>'
        "<pre><code>if x:\n    `y`</code></pre></li><li><p>shut  <br>it</p></li></ol>"
        "<ul><li><p><code>a ` b</code></p></li></ul>"
    )


async def test_what_is_erased_vanishes_from_an_open_console_and_is_not_there_when_it_is_opened_again(page, office):
    secret = "my card is 4111"
    conversation_id = await office.open(secret)
    visitor = Author("visitor", "Ada Secret", (await office.store.conversation(conversation_id)).visitor_id)
    called = HandoffRequested("visitor_asked", f"Wants: “{secret}”")
    await office.append(conversation_id, (BOT, BotSaid(f"About {secret}", "no_answer", (2,))), (visitor, called))
    ana = Author("agent", "Ana", (await office.store.agent_by_email("ana@example.com"))[0].agent_id)
    await office.append(conversation_id, (ana, Tagged(("4111",))), (visitor, ContactLeft("4111@example.org", "4111")))
    await page.get_by_role("button", name="4111").click()
    await expect(page.get_by_role("log")).to_contain_text("The visitor can be reached at 4111@example.org")
    await office.publisher.erase(conversation_id)
    log = page.get_by_role("log")
    await expect(log).to_contain_text("Something was erased")
    await expect(log.locator(".erased")).to_have_text(["Erased", "Erased"])
    await expect(page.locator("body")).not_to_contain_text("4111")
    await expect(page.locator("body")).not_to_contain_text("Ada")
    await page.reload()
    await expect(page.get_by_text("You hold no chat.")).to_be_visible()
    await office.append(conversation_id, (visitor, Reopened()), (visitor, VisitorSaid("a new question")))
    await page.get_by_role("button", name="a new question").click()
    await expect(log).to_contain_text("a new question")
    await expect(log.locator(".erased")).to_have_text(["Erased", "Erased"])
    await expect(log).to_contain_text("The visitor left an address")
    await expect(page.locator("body")).not_to_contain_text("4111")


async def test_agent_reads_at_the_top_what_is_wanted_without_scrolling(page, office):
    conversation_id = await office.open(*[f"question {n}\n" * 4 for n in range(15)])
    detail = f"Wants: “{HOSTILE}”\nTried: “Track a parcel” (marked not helpful)\nWhy: the visitor pressed the button"
    await office.append(conversation_id, (BOT, HandoffRequested("visitor_asked", detail)))
    await page.get_by_role("button", name="Wants: “<img").click()
    summary = page.get_by_role("region", name="Summary")
    await expect(summary.get_by_role("term")).to_have_text(["Wants", "Tried", "Why"])
    await expect(summary.get_by_role("definition")).to_have_text(
        [f"“{HOSTILE}”", "“Track a parcel” (marked not helpful)", "the visitor pressed the button"]
    )
    await expect(page.get_by_role("log")).to_contain_text("A person was called: asked for a person")
    await expect(page.get_by_role("log").get_by_text("A person was called")).to_be_in_viewport()
    await expect(summary).to_be_in_viewport(ratio=1)
    await summary.focus()
    await expect(summary).to_be_focused()
    await office.append(conversation_id, (BOT, ReturnedToBot()))
    await expect(summary).to_be_hidden()


async def test_whoever_has_waited_long_stands_above_newer_more_urgent_ones(page, office):
    now = await page.evaluate("() => Date.now()")
    office.clock.advance(now / 1000 - office.clock.now().timestamp() - 301)
    await office.open("waits for five minutes", waiting=True)
    office.clock.advance(300)
    await office.append(await office.open("came just now"), (BOT, HandoffRequested("repeated_failure", "", "high")))
    waiting = page.get_by_role("listitem")
    await expect(waiting).to_have_text([re.compile("five minutes"), re.compile("just now")])


async def test_signed_out_elsewhere_the_console_says_so_and_keeps_the_draft(page, office):
    await office.open("my invoice is wrong", waiting=True)
    await page.get_by_role("button", name="my invoice is wrong").click()
    await page.get_by_label("Reply to the visitor").fill("half a sentence")
    cookie = next(cookie for cookie in await page.context.cookies() if cookie["name"] == "handrail_session")
    await office.accounts.sign_out(await office.accounts.authenticate(cookie["value"], "session"))
    office.clock.advance(5)
    await expect(page.get_by_role("alert")).to_contain_text("You have been signed out.")
    await expect(page.get_by_label("Reply to the visitor")).to_have_value("half a sentence")


async def test_writer_sees_the_chats_and_no_way_to_act(page, context, office, server):
    await office.open("my invoice is wrong", waiting=True)
    writer = await office.agent("Wim", "writer")
    token = await office.accounts.login_link_token(writer.email)
    await page.goto(f"http://{server}/console/login?token={token}")
    await page.get_by_role("button", name="Sign in as Wim").click()
    await page.get_by_role("button", name="my invoice is wrong").click()
    await expect(page.get_by_role("log")).to_contain_text("my invoice is wrong")
    await expect(page.get_by_role("button", name="Take over")).to_have_count(0)
    await expect(page.get_by_label("Reply to the visitor")).to_be_hidden()
