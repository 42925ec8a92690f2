"""The delivered script in a real browser, on a foreign page with a strict policy, against a scripted server."""

import asyncio
import json
import re
import uuid
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect
from websockets.asyncio.server import serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Response

from widget.delivery import bundle

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
BOT = {"kind": "bot", "name": None}
ANA = {"kind": "agent", "name": "Ana"}
SYSTEM = {"kind": "system", "name": None}
REFUNDS = {
    "article_id": "refunds",
    "title": "Refunds",
    "heading": "How long it takes",
    "url": "/help/refunds#how-long",
    "quote": "A refund reaches your bank within 5 days.",
}


@dataclass
class Conversation:
    conversation_id: str
    state: str = "bot"
    hold: int = 0
    holder: dict = field(default_factory=lambda: BOT)
    events: list = field(default_factory=list)


EXCHANGES = REFUNDS | {
    "article_id": "exchanges",
    "title": "Exchanges",
    "heading": "Another size",
    "url": "/help/exchanges#another-size",
    "quote": "Send it back and name the size you want.",
}
WARRANTY = REFUNDS | {"article_id": "warranty", "title": "Warranty", "heading": "Warranty", "quote": "Two years."}
HEDGE = "I am not sure that this is what you mean, but it may help:"


class Server:
    """Speaks the visitor socket as docs/protocol.md has it; what goes wrong is said by `up`, `admits`, `fate` and `refusals`."""

    def __init__(self):
        self.up = True
        self.admits = True  # the origin of the page
        self.fate = None  # of the next message: "lost" before it is committed, or "unacknowledged" after
        self.refusals = []  # error frames for the next commands
        self.desk_open = True
        self.at = "2026-11-02T09:30:00.000000Z"  # of the next events
        self.replies = {}
        self.hellos = []
        self.commands = []
        self.tokens = {}
        self.sockets = {}

    async def run(self, started):
        async with serve(self.chat, "127.0.0.1", 0, process_request=self.http, compression=None) as server:
            self.port = server.sockets[0].getsockname()[1]
            started.set()
            await asyncio.get_running_loop().create_future()

    @property
    def page_url(self):
        """On another origin than the script's."""
        return f"http://localhost:{self.port}/"

    def http(self, _connection, request):
        if request.path == "/v1/chat":
            return self.upgrade()
        if request.path == "/widget.js":
            return _response(HTTPStatus.OK, "text/javascript", bundle().source)
        if request.path in {"/", "/own"}:
            return self.page(request.path)
        return _response(HTTPStatus.NOT_FOUND, "text/plain", b"missing")

    def upgrade(self):
        if not self.admits:
            return _response(HTTPStatus.FORBIDDEN, "text/plain", b"")
        return None if self.up else _response(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", b"")

    def page(self, path):
        origin = f"127.0.0.1:{self.port}"
        policy = (
            f"default-src 'none'; script-src http://{origin}; connect-src ws://{origin}; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )
        element = '<handrail-chat data-title="Own"></handrail-chat>' if path == "/own" else ""
        html = (
            '<!doctype html><html lang="en"><head><title>Shop</title>'
            f'<script src="http://{origin}/widget.js" data-title="Shop help" defer></script></head>'
            f"<body><main><h1>Shop</h1></main>{element}</body></html>"
        )
        return _response(HTTPStatus.OK, "text/html; charset=utf-8", html.encode(), policy)

    async def chat(self, socket):
        hello = json.loads(await socket.recv())
        self.hellos.append(hello)
        token = hello.get("token") or uuid.uuid4().hex
        if "token" in hello and token not in self.tokens:
            await socket.close(4401)
            return
        conversation = self.tokens.get(token)
        if conversation is None or hello.get("fresh"):
            conversation = Conversation(uuid.uuid4().hex)
        self.sockets[socket] = (token, conversation)
        try:
            await self.welcome(socket, token, conversation, hello)
            async for text in socket:
                await self.obey(socket, token, conversation, json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            del self.sockets[socket]

    async def welcome(self, socket, token, conversation, hello):
        seq = len(conversation.events)
        frame = {"type": "welcome", "protocol": 1, "conversation_id": conversation.conversation_id, "token": token}
        frame |= {"seq": seq, "state": conversation.state, "holder": conversation.holder, "queue": None}
        frame |= {"desk_open": self.desk_open, "limits": {"max_text_chars": 4000, "heartbeat_s": 25}}
        await socket.send(json.dumps(frame))
        known = hello.get("conversation_id") == conversation.conversation_id and hello.get("after", 0) <= seq
        for event in conversation.events[hello.get("after", 0) if known else 0 :]:
            await socket.send(json.dumps(event))

    async def obey(self, socket, token, conversation, frame):
        if frame["type"] == "ping":
            await socket.send(json.dumps({"type": "pong", "seq": len(conversation.events)}))
        if "client_id" not in frame:
            return
        self.commands.append(frame)
        if self.refusals:
            refusal = {"type": "error", "message": "", "client_id": frame["client_id"]} | self.refusals.pop(0)
            await socket.send(json.dumps(refusal))
            return
        fate, self.fate = self.fate, None
        if fate == "lost":
            socket.transport.abort()
            return
        repeat = next((event for event in conversation.events if event.get("client_id") == frame["client_id"]), None)
        if repeat:
            await socket.send(json.dumps(repeat | {"again": True}))
            return
        self.tokens[token] = conversation
        if fate == "unacknowledged":
            socket.transport.abort()
            self.sockets[socket] = (token, Conversation("gone"))
        await self.commit(conversation, frame)

    async def commit(self, conversation, frame):
        client_id = frame["client_id"]
        if not conversation.events:
            await self.append(conversation, "opened", state="bot", hold=0, holder=BOT)
        match frame["type"]:
            case "say":
                await self.append(conversation, "visitor_said", client_id=client_id, text=frame["text"])
                for reply in self.replies.pop(frame["text"], ()):
                    await self.reply(conversation, reply)
            case "call_human" if self.desk_open:
                await self.move(
                    conversation, "handoff_requested", "queued", {"kind": "queue", "name": None}, client_id=client_id
                )
                await self.tell(conversation, {"type": "queue", "position": 2, "wait_s": 170})
            case "call_human":
                fields = {
                    "text": "Nobody is here right now. Leave your address.",
                    "outcome": "no_answer",
                    "answers": [],
                }
                await self.append(conversation, "bot_said", by=BOT, client_id=client_id, **fields)
            case "cancel_human":
                await self.move(conversation, "returned_to_bot", "bot", BOT, client_id=client_id)
            case "rate":
                fields = {"of": frame["seq"], "helpful": frame["helpful"]}
                await self.append(conversation, "rated", client_id=client_id, **fields)
            case "contact":
                await self.append(conversation, "contact_left", client_id=client_id, email=frame["email"])
            case "survey":
                await self.append(conversation, "surveyed", client_id=client_id, score=frame["score"])

    async def reply(self, conversation, frame):
        if frame["type"] == "event":
            answers = [len(conversation.events)]
            await self.append(conversation, by=BOT, **({"answers": answers} | frame))
        else:
            await self.tell(conversation, frame)

    async def move(self, conversation, kind, state, holder, *, client_id=None, by=BOT):
        conversation.state, conversation.holder = state, holder
        conversation.hold += 1
        fields = {"client_id": client_id} if client_id else {}
        await self.append(conversation, kind, by=by, state=state, holder=holder, hold=conversation.hold, **fields)

    async def append(self, conversation, kind, *, by=None, **fields):
        seq = len(conversation.events) + 1
        event = {"type": "event", "seq": seq, "event_id": uuid.uuid4().hex, "at": self.at}
        event |= {key: value for key, value in fields.items() if key != "type"}
        event |= {"kind": kind, "by": by or {"kind": "visitor", "name": None}}
        conversation.events.append(event)
        await self.tell(conversation, event)

    async def tell(self, conversation, frame):
        for socket, (_, there) in list(self.sockets.items()):
            if there is conversation:
                await socket.send(json.dumps(frame))

    async def kick(self, code):
        for socket in list(self.sockets):
            await socket.close(code)

    @property
    def only(self):
        """The one conversation there is."""
        [conversation] = {conversation.conversation_id: conversation for conversation in self.tokens.values()}.values()
        return conversation

    def sent(self, kind):
        return [frame for frame in self.commands if frame["type"] == kind]


def _response(status, content_type, body, policy=None):
    headers = Headers({"Content-Type": content_type, "Content-Length": str(len(body)), "Connection": "close"})
    if policy:
        headers["Content-Security-Policy"] = policy
    return Response(status.value, status.phrase, headers, body)


def said(text, **fields):
    return {"type": "event", "kind": "bot_said", "text": text, "outcome": "answer", "citations": [], **fields}


def suggested(**fields):
    """A suggestion with two other articles, as the bot makes one."""
    source = f"This is from our article [Refunds › How long it takes]({REFUNDS['url']})."
    choices = [
        {"kind": "article", "label": "Exchanges", "article_id": "exchanges"},
        {"kind": "article", "label": "Warranty", "article_id": "warranty"},
        {"kind": "helped", "label": "That helped", "article_id": None},
        {"kind": "not_helped", "label": "Not what I meant", "article_id": None},
        {"kind": "person", "label": "Ask a colleague", "article_id": None},
    ]
    text = f"{HEDGE}\n\nWithin **5 days**.\n\n{source}"
    return said(
        text, **({"outcome": "suggest", "citations": [REFUNDS, EXCHANGES, WARRANTY], "choices": choices} | fields)
    )


def draft(text, offset, attempt=1):
    return {"type": "draft", "turn_id": "t1", "attempt": attempt, "offset": offset, "text": text}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser(chromium_path, chromium_args, node_modules):
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium_path, args=chromium_args)
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="module")
async def server():
    made, started = Server(), asyncio.Event()
    running = asyncio.create_task(made.run(started))
    await started.wait()
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest_asyncio.fixture(loop_scope="module")
async def context(browser):
    made = await browser.new_context(locale="en-GB", viewport={"width": 1000, "height": 800})
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(context, server):
    made = await context.new_page()
    made.troubles = []
    made.on("pageerror", lambda error: made.troubles.append(str(error)))
    made.on("console", lambda message: made.troubles.append(message.text) if "Policy" in message.text else None)
    made.on("dialog", lambda dialog: made.troubles.append(dialog.message))
    await made.goto(server.page_url)
    yield made
    assert made.troubles == []


async def open_chat(page):
    await page.get_by_role("button", name="Open chat").click()
    return page.get_by_role("textbox", name="Your message")


async def say(page, text):
    field = page.get_by_role("textbox", name="Your message")
    await field.fill(text)
    await field.press("Enter")


def log_of(page):
    return page.get_by_role("log")


async def test_a_page_with_the_script_opens_no_socket_and_sets_nothing(page, server, context):
    await expect(page.get_by_role("button", name="Open chat")).to_be_visible()
    assert server.hellos == []
    assert await context.cookies() == []
    assert await page.evaluate("localStorage.length") == 0
    plain = await context.new_page()
    await plain.goto(server.page_url + "missing")
    known = set(await plain.evaluate("Object.getOwnPropertyNames(window)"))
    assert set(await page.evaluate("Object.getOwnPropertyNames(window)")) <= known


async def test_the_open_chat_says_that_it_is_an_ai(page):
    await open_chat(page)
    dialog = page.get_by_role("dialog", name="Shop help")
    await expect(dialog).to_contain_text("You are chatting with an AI assistant.")
    await expect(dialog.locator(".who")).to_have_text("AI assistant")


async def test_an_answer_comes_with_its_source_and_suggestions_and_can_be_rated(page, server):
    server.replies["How long?"] = [
        said(
            "Within **5 days**.",
            citations=[REFUNDS],
            choices=[{"kind": "article", "label": "And abroad?", "article_id": "abroad"}],
        )
    ]
    await open_chat(page)
    await say(page, "How long?")
    await expect(log_of(page)).to_contain_text("Sent")
    await expect(log_of(page).locator("strong")).to_have_text("5 days")
    source = log_of(page).get_by_role("link")
    await expect(source).to_have_text("Refunds › How long it takes (opens in a new tab)")
    await expect(source).to_have_attribute("href", f"http://127.0.0.1:{server.port}/help/refunds#how-long")
    await expect(source).to_have_attribute("rel", "noopener noreferrer")
    await expect(source).to_have_attribute("title", REFUNDS["quote"])
    await page.get_by_role("button", name="Yes").click()
    await expect(page.get_by_text("Thank you for telling us.")).to_be_visible()
    await page.get_by_role("button", name="And abroad?").click()
    await expect(log_of(page)).to_contain_text("And abroad?")
    assert [frame["text"] for frame in server.sent("say")] == ["How long?", "And abroad?"]
    assert [(frame["seq"], frame["helpful"]) for frame in server.sent("rate")] == [(3, True)]


async def test_a_suggestion_is_hedged_and_names_its_own_source_alone(page, server):
    server.replies["Money?"] = [suggested()]
    await open_chat(page)
    await say(page, "Money?")
    reply = log_of(page).locator(".theirs .text")
    await expect(reply.locator("p")).to_have_text([HEDGE, "Within 5 days.", re.compile("^This is from our article")])
    size = "node => parseFloat(getComputedStyle(node).fontSize)"
    assert await reply.locator("p").nth(0).evaluate(size) < await reply.locator("p").nth(1).evaluate(size)
    await expect(log_of(page).get_by_role("link")).to_have_text("Refunds › How long it takes (opens in a new tab)")
    await expect(page.get_by_text("Did this help?")).to_be_hidden()


async def test_the_other_articles_of_a_suggestion_are_cards_before_its_verdicts_and_the_person(page, server):
    server.replies["Money?"] = [suggested()]
    await open_chat(page)
    await say(page, "Money?")
    group = page.get_by_role("group", name="Suggestions")
    card = group.get_by_role("button", name="Exchanges", exact=True)
    await expect(card).to_have_text("ExchangesAnother size · Send it back and name the size you want.")
    await expect(card).to_have_accessible_description("Another size · Send it back and name the size you want.")
    await expect(group.get_by_role("button", name="Warranty", exact=True)).to_have_text("WarrantyTwo years.")
    names = ["Exchanges", "Warranty", "That helped", "Not what I meant", "Ask a colleague"]
    await card.focus()
    for name in names:
        await expect(page.locator("handrail-chat :focus")).to_have_accessible_name(name)
        await page.keyboard.press("Tab")
    await expect(page.get_by_role("textbox", name="Your message")).to_be_focused()
    await expect(group.get_by_role("button")).to_have_count(len(names))


@pytest.mark.parametrize("name", ["Exchanges", "That helped", "Not what I meant", "Ask a colleague"])
async def test_whoever_presses_a_choice_says_it_once_and_goes_on_writing(page, server, name):
    server.replies["Money?"] = [suggested()]
    server.replies[name] = [said("All right.", outcome="small_talk")]
    await open_chat(page)
    await say(page, "Money?")
    await page.get_by_role("button", name=name, exact=True).press("Enter")
    await expect(page.get_by_role("textbox", name="Your message")).to_be_focused()
    await expect(page.get_by_role("group", name="Suggestions")).to_be_hidden()
    await expect(log_of(page)).to_contain_text("All right.")
    await expect(page.get_by_role("group", name="Suggestions")).to_be_hidden()
    assert [frame["text"] for frame in server.sent("say")] == ["Money?", name]
    assert server.sent("rate") == []
    await page.reload()
    await open_chat(page)
    await expect(log_of(page)).to_contain_text("All right.")
    await expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)


@pytest.mark.parametrize("name", ["Exchanges", "That helped"])
async def test_a_choice_pressed_with_a_finger_brings_up_no_keyboard(browser, server, name):
    server.replies["Money?"] = [suggested()]
    server.replies[name] = [said("All right.", outcome="small_talk")]
    context = await browser.new_context(locale="en-GB", has_touch=True)
    page = await context.new_page()
    await page.goto(server.page_url)
    await open_chat(page)
    await say(page, "Money?")
    await page.get_by_role("button", name=name, exact=True).tap()
    await expect(page.get_by_role("region", name="Messages")).to_be_focused()
    await expect(log_of(page)).to_contain_text("All right.")
    await page.keyboard.press("Tab")
    await expect(page.locator("handrail-chat :focus")).to_have_count(1)
    await context.close()


async def test_of_two_suggestions_the_newer_one_alone_can_be_answered(page, server):
    fewer = [
        {"kind": "helped", "label": "That helped", "article_id": None},
        {"kind": "not_helped", "label": "Not what I meant", "article_id": None},
    ]
    server.replies["Money?"] = [suggested()]
    server.replies["Not what I meant"] = [suggested(citations=[EXCHANGES], choices=fewer)]
    await open_chat(page)
    await say(page, "Money?")
    await page.get_by_role("button", name="Not what I meant").click()
    await expect(log_of(page).get_by_text(HEDGE)).to_have_count(2)
    group = page.get_by_role("group", name="Suggestions")
    await expect(group.get_by_role("button")).to_have_text(["That helped", "Not what I meant"])
    await expect(group.locator(".card")).to_have_count(0)


async def test_a_question_back_offers_the_differences_and_says_the_one_that_is_pressed(page, server):
    choices = [
        {"kind": "article", "label": label, "article_id": f"install-{label}"} for label in ("Windows", "macOS", "Linux")
    ]
    server.replies["Install?"] = [
        said("Which one?\n\n- Windows: Run it.\n- macOS: Drag it.", outcome="clarify", choices=choices)
    ]
    server.replies["macOS"] = [said("Drag it into Applications.")]
    await open_chat(page)
    await say(page, "Install?")
    group = page.get_by_role("group", name="Suggestions")
    await expect(group.get_by_role("button")).to_have_text(["Windows", "macOS", "Linux"])
    await expect(page.get_by_text("Did this help?")).to_be_hidden()
    await group.get_by_role("button", name="macOS").click()
    await expect(log_of(page)).to_contain_text("Drag it into Applications.")
    await expect(group).to_be_hidden()
    assert [frame["text"] for frame in server.sent("say")] == ["Install?", "macOS"]


async def test_a_source_that_the_reply_links_itself_is_not_listed_again(page, server):
    shipping = REFUNDS | {"title": "Shipping", "heading": None, "url": "/help/shipping"}
    server.replies["How?"] = [said(f"See [Refunds]({REFUNDS['url']}).", citations=[REFUNDS, shipping])]
    await open_chat(page)
    await say(page, "How?")
    await expect(log_of(page).get_by_role("link")).to_have_text(
        ["Refunds (opens in a new tab)", "Shipping (opens in a new tab)"]
    )


async def test_a_long_answer_is_read_from_its_beginning_and_what_follows_is_followed(page, server):
    server.replies["Tell me all"] = [said("\n\n".join(f"Paragraph {number}." for number in range(60)))]
    await open_chat(page)
    await say(page, "Tell me all")
    await expect(log_of(page).get_by_text("Paragraph 0.")).to_be_in_viewport()
    await expect(log_of(page).get_by_text("Paragraph 59.")).not_to_be_in_viewport()
    await say(page, "More")
    await expect(log_of(page).get_by_text("More")).to_be_in_viewport()


async def test_whoever_has_scrolled_back_is_left_where_they_read(page, server):
    server.replies["Tell me all"] = [said("\n\n".join(f"Paragraph {number}." for number in range(60)))]
    await open_chat(page)
    await say(page, "Tell me all")
    await log_of(page).get_by_text("Paragraph 30.").scroll_into_view_if_needed()
    await server.reply(server.only, said("And one more thing."))
    await expect(log_of(page)).to_contain_text("And one more thing.")
    await expect(log_of(page).get_by_text("Paragraph 30.")).to_be_in_viewport()


async def test_a_draft_grows_and_gives_way_to_the_reply(page, server):
    server.replies["Tell me"] = [
        draft("It *tak", 0),
        draft("es* ", 7),
        draft("Again: *it", 0, 2),
        draft("* takes", 10, 2),
    ]
    await open_chat(page)
    await say(page, "Tell me")
    await expect(page.locator(".draft em")).to_have_text("it")
    await expect(page.locator(".draft")).to_contain_text("Again: it takes")
    await expect(log_of(page)).not_to_contain_text("Again")
    await server.reply(server.only, said("It takes 5 days.", turn_id="t1"))
    await expect(log_of(page)).to_contain_text("It takes 5 days.")
    await expect(page.locator(".draft")).to_be_hidden()


@pytest.mark.parametrize("fate", ["lost", "unacknowledged"])
async def test_a_message_whose_line_breaks_is_stored_once_and_under_one_id(page, server, fate):
    server.fate = fate
    await open_chat(page)
    await say(page, "Hello")
    await expect(log_of(page)).to_contain_text("Sent", timeout=10_000)
    texts = [event["text"] for event in server.only.events if event["kind"] == "visitor_said"]
    assert texts == ["Hello"]
    assert len({frame["client_id"] for frame in server.sent("say")}) == 1
    await expect(log_of(page).locator(".mine")).to_have_count(1)


async def test_messages_written_without_a_server_survive_the_page_and_arrive_in_order(page, server):
    server.up = False
    await open_chat(page)
    await say(page, "One")
    await say(page, "Two")
    await expect(log_of(page)).to_contain_text("Not sent yet. It will be sent when the chat is connected again.")
    await page.reload()
    await open_chat(page)
    await expect(log_of(page).locator(".mine")).to_have_count(2)
    server.up = True
    await page.evaluate("dispatchEvent(new Event('online'))")
    await expect(log_of(page).locator(".mine").last).to_contain_text("Sent", timeout=40_000)
    texts = [event["text"] for event in server.only.events if event["kind"] == "visitor_said"]
    assert texts == ["One", "Two"]


async def test_after_a_restart_the_rest_is_asked_for_and_nothing_shows_twice(page, server):
    server.replies["Hello"] = [said("Hi there")]
    await open_chat(page)
    await say(page, "Hello")
    await expect(log_of(page)).to_contain_text("Hi there")
    server.up = False
    await server.kick(1012)
    await expect(page.get_by_text("Reconnecting…")).to_be_visible()
    await server.append(server.only, "agent_said", by=ANA, text="Written meanwhile")
    server.up = True
    await page.evaluate("dispatchEvent(new Event('online'))")
    await expect(log_of(page)).to_contain_text("Written meanwhile", timeout=40_000)
    await server.tell(server.only, server.only.events[1] | {"again": True})
    await server.tell(server.only, server.only.events[2])
    await server.append(server.only, "hidden")
    await server.append(server.only, "agent_said", by=ANA, text="The end")
    await expect(log_of(page)).to_contain_text("The end")
    assert server.hellos[-1]["after"] == 3
    await expect(log_of(page).locator("> *")).to_have_count(4)
    await expect(page.get_by_text("Reconnecting…")).to_be_hidden()


async def test_a_gap_is_filled_by_asking_again(page, server):
    await open_chat(page)
    await say(page, "Hello")
    await expect(log_of(page)).to_contain_text("Sent")
    conversation = server.only
    conversation.events.append({**conversation.events[-1], "seq": 3, "client_id": "x", "text": "The lost one"})
    await server.append(conversation, "agent_said", by=ANA, text="The next one")
    await expect(log_of(page)).to_contain_text("The lost one")
    await expect(log_of(page)).to_contain_text("The next one")


async def test_markup_in_any_field_is_text(page, server):
    image, script = "<img src=x onerror=alert(1)>", "<script>alert(2)</script>"
    citation = {"article_id": "a", "title": image, "heading": script, "url": "javascript:alert(3)", "quote": image}
    text = f"{image} {script} [x](javascript:alert(4)) ![x](http://127.0.0.1:1/a.png) **{image}** `{script}`"
    server.replies[image] = [said(text, citations=[citation], suggestions=[script])]
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    await open_chat(page)
    await say(page, image)
    await expect(page.get_by_role("button", name=script)).to_be_visible()
    await server.move(
        server.only, "claimed", "agent", {"kind": "agent", "name": image}, by={"kind": "agent", "name": image}
    )
    await server.append(server.only, "agent_said", by={"kind": "agent", "name": script}, text=f"{script} **plain**")
    await expect(log_of(page)).to_contain_text(f"{script} **plain**")
    await expect(page.locator(".who")).to_have_text(image)
    assert await page.locator("handrail-chat img, handrail-chat script, handrail-chat a").count() == 0
    assert asked == []


async def test_everything_works_by_keyboard(page, server):
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Open chat")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox", name="Your message")).to_be_focused()
    await page.keyboard.type("One line")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("and another")
    await page.keyboard.press("Enter")
    await expect(log_of(page)).to_contain_text("Sent")
    assert [frame["text"] for frame in server.sent("say")] == ["One line\nand another"]
    for name in ["Messages", "Close chat", "Talk to a person"]:
        await page.keyboard.press("Shift+Tab")
        await expect(page.locator("handrail-chat :focus")).to_have_accessible_name(name)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(page.get_by_role("button", name="Open chat")).to_be_focused()


async def test_keys_typed_in_the_chat_are_no_shortcuts_of_the_page(page):
    await page.evaluate("document.addEventListener('keydown', (event) => { document.title += event.key })")
    field = await open_chat(page)
    await field.press("x")
    assert await page.title() == "Shop"


async def test_enter_that_ends_a_composition_does_not_send(page, server):
    field = await open_chat(page)
    await field.fill("日本")
    await field.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    await field.dispatch_event("keydown", {"key": "Enter", "keyCode": 229})
    await expect(field).to_have_value("日本")
    await field.press("Enter")
    await expect(log_of(page)).to_contain_text("Sent")
    assert len(server.sent("say")) == 1


async def test_a_person_can_be_called_cancelled_and_met(page, server):
    await open_chat(page)
    await page.get_by_role("button", name="Talk to a person").click()
    await expect(page.locator(".who")).to_have_text("You are number 2 in the queue, about 3 min to go")
    await page.get_by_role("button", name="Cancel request").click()
    await expect(log_of(page)).to_contain_text("You are back with the AI assistant")
    await page.get_by_role("button", name="Talk to a person").click()
    await expect(page.get_by_role("button", name="Cancel request")).to_be_visible()
    await server.move(server.only, "claimed", "agent", ANA, by=ANA)
    await server.append(server.only, "agent_said", by=ANA, text="Hello *you*")
    await expect(log_of(page)).to_contain_text("Ana joined the chat")
    await expect(log_of(page)).to_contain_text("Hello *you*")
    await expect(page.locator(".who")).to_have_text("Ana")
    await expect(page.get_by_role("button", name="Talk to a person")).to_be_hidden()
    await server.tell(server.only, {"type": "typing", "by": ANA, "on": True})
    await expect(page.get_by_text("Ana is typing…")).to_be_visible()
    await server.move(server.only, "released", "queued", {"kind": "queue", "name": None}, by=SYSTEM)
    await expect(log_of(page)).to_contain_text("not there any more. You are first in line")


async def test_with_nobody_at_the_desk_an_address_can_be_left(page, server):
    server.desk_open = False
    await open_chat(page)
    await page.get_by_role("button", name="Talk to a person").click()
    await page.get_by_role("textbox", name="Email").fill("kim@example.org")
    await page.get_by_role("textbox", name="Name (optional)").fill("Kim")
    server.refusals.append({"code": "bad_frame", "final": True})
    await page.get_by_role("button", name="Send address").click()
    await expect(page.get_by_role("alert")).to_have_text("That did not work. Please check the address.")
    await expect(page.get_by_role("textbox", name="Name (optional)")).to_have_value("Kim")
    await page.get_by_role("textbox", name="Email").fill("kim@example.com")
    await page.get_by_role("button", name="Send address").click()
    await expect(log_of(page)).to_contain_text("We will write to kim@example.com")
    await expect(page.get_by_role("button", name="Send address")).to_be_hidden()
    await expect(page.get_by_role("textbox", name="Your message")).to_be_focused()
    assert [(frame["email"], frame["name"]) for frame in server.sent("contact")] == [
        ("kim@example.org", "Kim"),
        ("kim@example.com", "Kim"),
    ]


@pytest.mark.parametrize("by", ["typing", "suggestion"])
async def test_a_request_in_words_asks_for_an_address_where_nobody_is_at_the_desk(page, server, by):
    server.desk_open = False
    server.replies["Hello"] = [said("Hi.", outcome="small_talk", suggestions=["Talk to somebody"])]
    server.replies["Talk to somebody"] = [said("Nobody is here. Leave your address.", outcome="no_answer")]
    server.replies["How long?"] = [said("Within 5 days.")]
    await open_chat(page)
    await say(page, "Hello")
    suggestion = page.get_by_role("button", name="Talk to somebody")
    await expect(suggestion).to_be_visible()
    await expect(page.get_by_role("textbox", name="Email")).to_be_hidden()
    await (suggestion.click() if by == "suggestion" else say(page, "Talk to somebody"))
    await expect(page.get_by_role("textbox", name="Email")).to_be_visible()
    await page.reload()
    await open_chat(page)
    await expect(page.get_by_role("textbox", name="Email")).to_be_visible()
    await say(page, "How long?")
    await expect(log_of(page)).to_contain_text("Within 5 days.")
    await expect(page.get_by_role("textbox", name="Email")).to_be_hidden()


async def test_the_form_for_an_address_comes_and_goes_with_the_desk_and_keeps_its_text(page, server):
    server.replies["Hello"] = [said("I found nothing.", outcome="no_answer")]
    await open_chat(page)
    await say(page, "Hello")
    await expect(log_of(page)).to_contain_text("I found nothing.")
    email = page.get_by_role("textbox", name="Email")
    await expect(email).to_be_hidden()
    await server.tell(server.only, {"type": "desk", "open": False})
    await email.fill("kim@exa")
    await server.tell(server.only, {"type": "desk", "open": True})
    await expect(email).to_be_hidden()
    await expect(page.get_by_role("textbox", name="Your message")).to_be_focused()
    await server.tell(server.only, {"type": "desk", "open": False})
    await expect(email).to_have_value("kim@exa")


async def call_person(page):
    await page.get_by_role("button", name="Talk to a person").click()
    await expect(page.get_by_role("button", name="Cancel request")).to_be_visible()


async def test_who_writes_while_waiting_hears_that_it_was_added_and_where_they_stand(page, server):
    await open_chat(page)
    await call_person(page)
    line = page.get_by_role("status").filter(has_text="Your message was added.")
    await expect(line).to_be_hidden()
    await say(page, "thanks!")
    await expect(line).to_have_text("Your message was added. You are number 2 in the queue, about 3 min to go.")
    await expect(page.locator(".who")).to_have_attribute("aria-live", "off")
    for place, text in [
        ({"position": 1, "wait_s": 20}, "You are number 1 in the queue, less than a minute to go."),
        ({"position": 1, "wait_s": None}, "You are number 1 in the queue."),
        ({"position": 1, "wait_s": 20, "overdue": True}, "You are number 1 in the queue."),
    ]:
        await server.tell(server.only, {"type": "queue", **place})
        await expect(line).to_have_text(f"Your message was added. {text}")
    await page.reload()
    await open_chat(page)
    await expect(line).to_have_text("Your message was added. You are in the queue.")


async def test_who_writes_again_and_again_while_waiting_hears_it_at_most_once_a_minute(page, server):
    await open_chat(page)
    await call_person(page)
    line = page.get_by_role("status").filter(has_text="Your message was added.")
    told = []
    for seconds, text in enumerate(["thanks!", "??", "hello?", "anybody?"]):
        server.at = f"2026-11-02T09:3{seconds // 2}:{30 * seconds % 60:02}.000000Z"
        await say(page, text)
        await expect(log_of(page).get_by_text("Sent")).to_have_count(len(told) + 1)
        told.append(await line.evaluate("node => !node.firstChild.told && (node.firstChild.told = true)"))
    assert told == [True, False, True, False]


@pytest.mark.parametrize(
    ("kind", "state", "holder"),
    [
        ("claimed", "agent", ANA),
        ("returned_to_bot", "bot", BOT),
        ("closed", "closed", {"kind": "nobody", "name": None}),
    ],
)
async def test_nothing_more_is_said_of_the_queue_once_the_wait_is_over(page, server, kind, state, holder):
    await open_chat(page)
    await call_person(page)
    await say(page, "thanks!")
    line = page.get_by_text("Your message was added.")
    await expect(line).to_be_visible()
    await server.move(server.only, kind, state, holder, by=holder)
    await expect(line).to_be_hidden()
    await say(page, "Hello")
    await expect(log_of(page).get_by_text("Sent")).to_have_count(2)
    await expect(line).to_be_hidden()
    await expect(page.locator(".who")).to_have_attribute("aria-live", "polite")


@pytest.mark.parametrize("name", ["That helped", "Yes"])
async def test_a_verdict_pressed_while_a_person_is_being_called_breaks_nothing(page, server, name):
    server.replies["Money?"] = [suggested() if name == "That helped" else said("Within 5 days.")]
    await open_chat(page)
    await say(page, "Money?")
    button = page.get_by_role("button", name=name, exact=True)
    await button.wait_for()
    person = page.get_by_role("button", name="Talk to a person")
    await person.evaluate("(person, button) => { person.click(); button.click(); }", await button.element_handle())
    await expect(button).to_be_hidden()
    await say(page, "thanks!")
    await expect(page.get_by_text("Your message was added.")).to_be_visible()
    await expect(page.locator(".who")).to_contain_text("in the queue")
    kinds = [frame["type"] for frame in server.commands]
    assert kinds == ["say", "call_human", "say" if name == "That helped" else "rate", "say"]


OVERDUE = (
    "This is taking longer than usual. Leave your email address and a person will get back to you, "
    "or go on with the AI assistant."
)


async def test_whoever_waits_too_long_may_leave_an_address_and_keeps_the_place(page, server):
    await open_chat(page)
    await page.get_by_role("button", name="Talk to a person").click()
    await expect(page.locator(".who")).to_have_text("You are number 2 in the queue, about 3 min to go")
    await expect(page.get_by_text(OVERDUE)).to_be_hidden()
    await server.tell(server.only, {"type": "queue", "position": 2, "wait_s": None, "overdue": True})
    await expect(page.get_by_role("status").filter(has_text=OVERDUE)).to_be_visible()
    await expect(page.get_by_role("button", name="Cancel request")).to_be_visible()
    await page.get_by_role("textbox", name="Email").fill("kim@example.org")
    await page.get_by_role("button", name="Send address").click()
    await expect(log_of(page)).to_contain_text("We will write to kim@example.org")
    await expect(page.get_by_text(OVERDUE)).to_be_hidden()
    await expect(page.get_by_role("textbox", name="Email")).to_be_hidden()
    await expect(page.locator(".who")).to_have_text("You are number 2 in the queue")


@pytest.mark.parametrize("name", ["Cancel request", "Go on with the AI assistant"])
async def test_whoever_waits_too_long_may_go_on_with_the_bot(page, server, name):
    await open_chat(page)
    await page.get_by_role("button", name="Talk to a person").click()
    await expect(page.get_by_role("button", name="Cancel request")).to_be_visible()
    await server.tell(server.only, {"type": "queue", "position": 2, "wait_s": None, "overdue": True})
    await page.get_by_role("button", name=name).click()
    await expect(log_of(page)).to_contain_text("You are back with the AI assistant")
    await expect(page.get_by_text(OVERDUE)).to_be_hidden()
    await expect(page.get_by_role("textbox", name="Email")).to_be_hidden()
    await expect(page.get_by_role("button", name="Talk to a person")).to_be_visible()


async def test_a_page_that_is_not_let_in_says_so_and_goes_on_trying(page, server):
    warnings = []
    page.on("console", lambda message: warnings.append(message.text) if message.type == "warning" else None)
    await page.add_init_script("Math.random = () => 0.02")  # pauses of 20, 40, 80 ms and so on
    await page.reload()
    server.admits = False
    await open_chat(page)
    banner = page.locator(".banner")
    await expect(banner).to_have_text("The chat cannot be reached from this page right now.")
    await say(page, "Hello")
    await expect(banner).to_have_text("The chat cannot be reached from this page right now. Your message is kept.")
    [warning] = warnings
    assert "allowed_origins" in warning
    assert f"http://localhost:{server.port}" in warning
    server.admits = True
    await expect(log_of(page)).to_contain_text("Sent")
    await expect(banner).to_be_hidden()


async def test_a_request_that_the_server_refuses_is_told_and_one_that_is_needless_is_not(page, server):
    await open_chat(page)
    server.refusals += [{"code": "bad_frame", "final": True}, {"code": "illegal_transition", "final": True}]
    await page.get_by_role("button", name="Talk to a person").click()
    await expect(page.locator(".banner")).to_have_text("That did not work. Please try again.")
    await page.get_by_role("button", name="Talk to a person").click()
    await expect(page.locator(".banner")).to_be_hidden()
    await say(page, "Hello")
    await expect(log_of(page)).to_contain_text("Sent")
    await expect(page.locator(".banner")).to_be_hidden()
    assert len(server.sent("call_human")) == 2


async def test_a_message_that_is_not_possible_any_more_stays_in_sight(page, server):
    await open_chat(page)
    await say(page, "Hello")
    await expect(log_of(page)).to_contain_text("Sent")
    server.refusals.append({"code": "newer_conversation", "final": True})
    await say(page, "Too late")
    await expect(log_of(page).locator(".mine").last).to_contain_text("This message could not be sent.")
    await expect(log_of(page).locator(".mine").last).to_contain_text("Too late")
    await say(page, "In time")
    await expect(log_of(page).locator(".mine").last).to_contain_text("This message could not be sent.")
    await expect(log_of(page).locator(".mine").nth(1)).to_contain_text("Sent")


async def test_a_closed_chat_is_rated_and_followed_by_a_new_one(page, server):
    await open_chat(page)
    await say(page, "Hello")
    await expect(log_of(page)).to_contain_text("Sent")
    await server.move(server.only, "closed", "closed", {"kind": "nobody", "name": None})
    await page.get_by_role("button", name="4 of 5").click()
    await expect(page.get_by_role("button", name="4 of 5")).to_be_hidden()
    assert [frame["score"] for frame in server.sent("survey")] == [4]
    await page.get_by_role("button", name="Start a new chat").click()
    await expect(log_of(page)).not_to_contain_text("Hello")
    await say(page, "Something else")
    await expect(log_of(page)).to_contain_text("Sent")
    assert [hello.get("fresh") for hello in server.hellos] == [None, True]


async def test_a_passing_refusal_delays_a_message_and_a_final_one_keeps_its_text(page, server):
    server.refusals += [
        {"code": "storage_unavailable", "final": False},
        {"code": "rate_limited", "retry_after_s": 1, "final": False},
    ]
    await open_chat(page)
    await say(page, "Later")
    await expect(log_of(page)).to_contain_text("Sent", timeout=10_000)
    server.refusals.append({"code": "text_too_long", "final": True})
    await say(page, "Never")
    await expect(log_of(page)).to_contain_text("This message is too long to be sent.")
    await say(page, "After all")
    await expect(log_of(page).locator(".mine").nth(2)).to_contain_text("Never")
    await page.get_by_role("button", name="Remove").click()
    await expect(log_of(page).locator(".mine")).to_have_count(2)


async def test_what_is_too_long_is_counted_and_not_sent(page, server):
    field = await open_chat(page)
    await field.fill("🙂" * 3990)
    await expect(page.get_by_text("10 characters left")).to_be_visible()
    await field.fill("🙂" * 4001)
    await expect(page.get_by_text("1 characters too many")).to_be_visible()
    await field.press("Enter")
    await expect(field).to_have_attribute("aria-invalid", "true")
    assert server.sent("say") == []


async def test_an_unknown_token_is_dropped_and_a_new_visitor_begins(page, server):
    await open_chat(page)
    await say(page, "Hello")
    await expect(log_of(page)).to_contain_text("Sent")
    server.tokens.clear()
    await page.reload()
    await open_chat(page)
    await say(page, "Hello again")
    await expect(log_of(page)).to_contain_text("Sent")
    assert ["token" in hello for hello in server.hellos] == [False, True, False]


async def test_two_pages_of_one_browser_follow_one_conversation(page, server, context):
    await open_chat(page)
    other = await context.new_page()
    await other.goto(server.page_url)
    await open_chat(other)
    await say(page, "From the first")
    await expect(log_of(other)).to_contain_text("From the first")
    await say(other, "From the second")
    await expect(log_of(page)).to_contain_text("From the second")
    texts = [event["text"] for event in server.only.events if event["kind"] == "visitor_said"]
    assert texts == ["From the first", "From the second"]


async def test_what_was_written_while_the_panel_was_shut_is_counted(page, server):
    await open_chat(page)
    await say(page, "Hello")
    await expect(log_of(page)).to_contain_text("Sent")
    await page.get_by_role("button", name="Close chat").first.click()
    await server.append(server.only, "agent_said", by=ANA, text="Are you there?")
    await expect(page.get_by_role("button", name="Open chat, 1 unread")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("button", name="Open chat, 1 unread")).to_be_visible()
    await page.get_by_role("button", name="Open chat").click()
    await expect(log_of(page)).to_contain_text("Are you there?")
    await page.reload()
    await expect(page.get_by_role("button", name="Open chat", exact=True)).to_be_visible()


async def test_a_browser_that_refuses_storage_can_chat(page, server):
    await page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('denied') }})")
    await page.reload()
    await open_chat(page)
    server.fate = "lost"
    await say(page, "Hello")
    await expect(log_of(page)).to_contain_text("Sent", timeout=10_000)
    assert len(server.only.events) == 2


async def test_a_page_may_place_and_open_the_element_itself(page, server):
    await page.goto(server.page_url + "own")
    await page.evaluate("document.querySelector('handrail-chat').open()")
    await expect(page.get_by_role("dialog", name="Own")).to_be_visible()
    await expect(page.locator("handrail-chat")).to_have_count(1)
    await page.evaluate("document.querySelector('handrail-chat').close()")
    await expect(page.get_by_role("dialog", name="Own")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_state_has_an_accessibility_fault(page, server, scheme):
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    server.desk_open = False
    server.replies["Hello"] = [
        said("See *this*:\n\n- `code`\n\n```\nx\n```", citations=[REFUNDS], suggestions=["More"])
    ]
    await require_no_faults(page)
    await open_chat(page)
    await require_no_faults(page)
    await say(page, "Hello")
    await expect(page.get_by_role("button", name="Yes")).to_be_visible()
    await require_no_faults(page)
    server.replies["Money?"] = [suggested()]
    await say(page, "Money?")
    await expect(page.get_by_role("button", name="That helped")).to_be_visible()
    await require_no_faults(page)
    await page.get_by_role("button", name="Talk to a person").click()
    await expect(page.get_by_role("textbox", name="Email")).to_be_visible()
    await require_no_faults(page)
    await server.move(server.only, "handoff_requested", "queued", {"kind": "queue", "name": None})
    await server.tell(server.only, {"type": "queue", "position": 1, "wait_s": None, "overdue": True})
    await expect(page.get_by_text(OVERDUE)).to_be_visible()
    await say(page, "thanks!")
    await expect(page.get_by_text("Your message was added.")).to_be_visible()
    await require_no_faults(page)
    await server.move(server.only, "closed", "closed", {"kind": "nobody", "name": None})
    await expect(page.get_by_role("button", name="4 of 5")).to_be_visible()
    server.up = False
    await server.kick(1012)
    await expect(page.get_by_text("Reconnecting…")).to_be_visible()
    await require_no_faults(page)


async def require_no_faults(page):
    """Axe's rules (WCAG 2.2 A and AA, best practices) over page and shadow tree."""
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    result = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    faults = [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in result["violations"]]
    assert faults == []
