import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Chat } from "../../widget/chat.js";
import { occasion } from "../../widget/contact.js";
import { Store } from "../../widget/store.js";
import { counter, FakeClock, fakeSockets, FakeStorage } from "./fakes.js";

const at = "2026-11-02T09:30:00.000000Z";

function page({ area = new FakeStorage(), newId = counter(), tab = "tab", ...options } = {}) {
  const clock = new FakeClock();
  const sockets = fakeSockets();
  const store = new Store(area, "h:");
  const env = { WebSocket: sockets.WebSocket, later: clock.later, cancel: clock.cancel, now: () => clock.time, random: () => 0.5 };
  const outside = { store, tab, changed: () => {}, env, today: () => 1_700_000_000_000 + clock.time, newId };
  const chat = new Chat({ url: "wss://h/v1/chat", site: "default", ...options }, outside);
  const next = (welcome) => {
    while (chat.status === "waiting") clock.pass(clock.pending[0]);
    sockets.last.welcome(welcome);
    return sockets.last;
  };
  return { chat, clock, sockets, store, next, area };
}

const event = (seq, kind, more = {}) => ({ type: "event", seq, event_id: `e${seq}`, at, kind, by: { kind: "visitor" }, ...more });
const ack = (seq, command, more = {}) => event(seq, "visitor_said", { client_id: command.client_id, text: command.text, ...more });
const opened = event(1, "opened", { state: "bot", hold: 0, holder: { kind: "bot", name: null } });
const commands = (socket, type = "say") => socket.sent.filter((frame) => frame.type === type);

test("a page that is only looked at opens no socket and stores nothing", () => {
  const { chat, sockets, area } = page();
  assert.equal(chat.returning, false);
  assert.equal(sockets.made.length, 0);
  chat.start();
  sockets.last.welcome();
  assert.equal(area.length, 0);
});

test("the first hello names the site, and the page, and no token", () => {
  const { chat, sockets } = page({ site: "shop", locale: "de", page: { url: "https://shop/", title: "Shop" } });
  chat.start();
  sockets.last.open();
  const expected = { type: "hello", protocol: 1, site: "shop", locale: "de", page: { url: "https://shop/", title: "Shop" } };
  assert.deepEqual(sockets.last.sent[0], expected);
});

test("a long page title is cut to what the server takes, and never within a character", () => {
  const { chat, sockets } = page({ page: { url: "https://shop/", title: `\uDC00${"🙂".repeat(300)}` } });
  chat.start();
  sockets.last.open();
  assert.equal(sockets.last.sent[0].page.title, `\uFFFD${"🙂".repeat(199)}`);
});

test("an identity is handed on as it is", () => {
  const identity = { claims: '{"user_id":"7"}', signature: "ab" };
  const { chat, sockets } = page({ identity });
  chat.start();
  sockets.last.open();
  assert.deepEqual(sockets.last.sent[0].identity, identity);
});

test("the token is kept from the moment a command leaves, and comes with the next page's hello", () => {
  const first = page();
  first.chat.say("Hello");
  first.next();
  const second = page({ area: first.area });
  assert.equal(second.chat.returning, true);
  second.chat.start();
  second.sockets.last.open();
  const { token, conversation_id, after } = second.sockets.last.sent[0];
  assert.deepEqual([token, conversation_id, after], ["t1", "c1", 0]);
});

test("a message written offline leaves with the welcome and is done with its event", () => {
  const { chat, next } = page();
  chat.say("  Hello  ");
  const socket = next();
  const [say] = commands(socket);
  assert.equal(say.text, "Hello");
  socket.push(opened);
  socket.push(ack(2, say));
  assert.deepEqual(chat.outbox.entries, []);
  assert.deepEqual(chat.log.items.map((item) => item.text), ["Hello"]);
});

test("a message lost with the line is sent again with the same id, after the log is complete", () => {
  const { chat, next } = page();
  chat.say("Hello");
  const lost = next();
  lost.drop(1006);
  const socket = next({ seq: 2 });
  assert.deepEqual(commands(socket), []);
  socket.push(opened);
  socket.push(event(2, "hidden"));
  assert.deepEqual(commands(socket), commands(lost));
});

test("a message whose acknowledgement was lost is found in the log and not sent again", () => {
  const { chat, next } = page();
  chat.say("Hello");
  const lost = next();
  const [say] = commands(lost);
  lost.drop(1006);
  const socket = next({ seq: 2 });
  socket.push(opened);
  socket.push(ack(2, say));
  assert.deepEqual(commands(socket), []);
  assert.deepEqual(chat.outbox.entries, []);
});

test("the repeat of an event acknowledges without moving the cursor", () => {
  const { chat, next } = page();
  chat.say("Hello");
  const socket = next();
  const [say] = commands(socket);
  socket.push(ack(2, say, { again: true }));
  assert.deepEqual([chat.log.seq, chat.outbox.entries.length], [0, 0]);
});

test("over many broken lines each message is stored once, in order", () => {
  const { chat, next } = page();
  const stored = [];
  const serve = (socket) => {
    for (const say of commands(socket)) if (!stored.some((each) => each.client_id === say.client_id)) stored.push(say);
  };
  const backfill = (socket) => {
    socket.push(opened);
    stored.forEach((say, index) => socket.push(ack(index + 2, say)));
  };
  for (let round = 0; round < 30; round += 1) {
    chat.say(`message ${round}`);
    const socket = next({ seq: stored.length + 1 });
    backfill(socket);
    if (round % 3 !== 0) serve(socket);
    socket.drop(1006);
  }
  for (let round = 0; round < 30 && chat.outbox.waiting; round += 1) {
    const socket = next({ seq: stored.length + 1 });
    backfill(socket);
    serve(socket);
    socket.drop(1006);
  }
  assert.deepEqual(stored.map((say) => say.text), Array.from({ length: 30 }, (_, round) => `message ${round}`));
});

test("a message survives the page, and the next page sends it with the same id", () => {
  const first = page();
  first.chat.say("Hello");
  const [say] = commands(first.next());
  const second = page({ area: first.area, tab: "second" });
  second.chat.outbox.adopt("tab");
  second.chat.start();
  assert.deepEqual(commands(second.next()), [say]);
});

test("resume asks for what comes after the last event seen", () => {
  const { chat, next } = page();
  chat.start();
  const socket = next({ seq: 2 });
  socket.push(opened);
  socket.push(event(2, "hidden"));
  socket.drop(1012);
  const { conversation_id, after, token } = next({ seq: 2 }).sent[0];
  assert.deepEqual([conversation_id, after, token], ["c1", 2, "t1"]);
});

test("a gap brings the line down and the rest is asked for", () => {
  const { chat, next } = page();
  chat.start();
  const socket = next();
  socket.push(opened);
  socket.push(event(3, "hidden"));
  assert.equal(chat.status, "waiting");
  assert.equal(next({ seq: 3 }).sent[0].after, 1);
});

test("a token the server does not know is dropped once, and the messages go to the new visitor", () => {
  const first = page();
  first.chat.say("Hello");
  first.next();
  const { chat, sockets, area } = page({ area: first.area });
  chat.outbox.adopt("tab");
  chat.say("Again");
  sockets.last.open();
  sockets.last.drop(4401);
  assert.equal(area.getItem("h:pass"), null);
  sockets.last.welcome({ token: "t2", conversation_id: "c2" });
  assert.equal("token" in sockets.last.sent[0], false);
  assert.equal(commands(sockets.last)[0].text, "Again");
  assert.equal(JSON.parse(area.getItem("h:pass")).token, "t2");
});

test("where another page has got a newer token, that one is tried instead", () => {
  const first = page();
  first.chat.say("Hello");
  first.next();
  const { chat, sockets, store } = page({ area: first.area });
  chat.start();
  store.set("pass", { token: "newer", conversation_id: "c9", read: 0 });
  sockets.last.open();
  sockets.last.drop(4401);
  sockets.last.open();
  assert.equal(sockets.last.sent[0].token, "newer");
});

test("a page that has said nothing follows the visitor that another page has become", () => {
  const quiet = page();
  quiet.chat.start();
  quiet.next();
  quiet.store.set("pass", { token: "theirs", conversation_id: "c7", read: 0 });
  quiet.chat.follow();
  quiet.sockets.last.open();
  assert.equal(quiet.sockets.last.sent[0].token, "theirs");
});

test("a welcome to another conversation shows that one alone", () => {
  const { chat, next } = page();
  chat.start();
  const socket = next();
  socket.push(opened);
  socket.push(event(2, "visitor_said", { text: "old" }));
  socket.welcome({ conversation_id: "c2", seq: 1 });
  socket.push(opened);
  assert.deepEqual([chat.log.conversation_id, chat.log.seq, chat.log.items], ["c2", 1, []]);
});

test("a new chat is asked for until something was said in it", () => {
  const { chat, next } = page();
  chat.start();
  next();
  chat.renew();
  const second = next({ conversation_id: "c2" });
  assert.equal(second.sent[0].fresh, true);
  second.drop(1006);
  const third = next({ conversation_id: "c2" });
  assert.equal(third.sent[0].fresh, true);
  chat.say("Hello");
  third.drop(1006);
  assert.equal("fresh" in next({ conversation_id: "c2" }).sent[0], false);
});

test("after a rate limit the message goes out again by itself", () => {
  const { chat, clock, next } = page();
  chat.say("Hello");
  const socket = next();
  const [{ client_id }] = commands(socket);
  socket.push({ type: "error", code: "rate_limited", message: "", client_id, retry_after_s: 4, final: false });
  clock.pass(3_900);
  assert.equal(commands(socket).length, 1);
  clock.pass(200);
  assert.deepEqual(commands(socket).map((say) => say.client_id), [client_id, client_id]);
});

test("half a surrogate pair is mended before it leaves", () => {
  const { chat, next } = page();
  chat.say("a\uD800b");
  assert.equal(commands(next())[0].text, "a\uFFFDb");
});

test("an empty message is none", () => {
  const { chat } = page();
  chat.say(" \n ");
  assert.deepEqual(chat.outbox.entries, []);
});

test("a person is asked for once, however often the button is pressed", () => {
  const { chat, next } = page();
  chat.callHuman();
  chat.callHuman();
  const socket = next();
  chat.callHuman();
  assert.equal(commands(socket, "call_human").length, 1);
});

const botSaid = (seq, outcome, more = {}) => event(seq, "bot_said", { by: { kind: "bot", name: null }, text: "Well", outcome, ...more });
const moved = (seq, kind, state, more = {}) => event(seq, kind, { state, hold: seq, holder: { kind: state, name: null }, ...more });

test("with the desk closed an address is asked for at the press of the button, until one is left", () => {
  const { chat, next } = page();
  chat.callHuman();
  const socket = next({ desk_open: false });
  socket.push(opened);
  assert.equal(occasion(chat), "closed");
  socket.push(botSaid(2, "no_answer", { client_id: commands(socket, "call_human")[0].client_id }));
  assert.equal(occasion(chat), "closed");
  chat.contact("kim@example.org", "");
  assert.equal(occasion(chat), null);
  socket.push(event(3, "contact_left", { email: "kim@example.org", client_id: commands(socket, "contact")[0].client_id }));
  assert.equal(occasion(chat), null);
});

test("with the desk closed an address is asked for after a reply without an answer, until an answer comes", () => {
  const { chat, next } = page();
  chat.start();
  const socket = next({ desk_open: false });
  for (const frame of [opened, event(2, "visitor_said", { text: "A person, please" })]) socket.push(frame);
  assert.equal(occasion(chat), null);
  socket.push(botSaid(3, "no_answer"));
  assert.equal(occasion(chat), "closed");
  socket.push(botSaid(4, "answer"));
  assert.equal(occasion(chat), null);
});

test("the next page still asks for the address that the bot asked for", () => {
  const first = page();
  first.chat.say("A person, please");
  first.next({ desk_open: false });
  const second = page({ area: first.area });
  second.chat.start();
  const socket = second.next({ desk_open: false, seq: 2 });
  socket.push(opened);
  socket.push(botSaid(2, "no_answer"));
  assert.equal(occasion(second.chat), "closed");
});

test("the form for an address comes and goes with the desk", () => {
  const { chat, next } = page();
  chat.start();
  const socket = next();
  socket.push(opened);
  socket.push(botSaid(2, "no_answer"));
  const seen = [occasion(chat)];
  for (const open of [false, true, false]) {
    socket.push({ type: "desk", open });
    seen.push(occasion(chat));
  }
  assert.deepEqual(seen, [null, "closed", null, "closed"]);
});

test("whoever waits too long may leave an address, once", () => {
  const { chat, next } = page();
  chat.start();
  const socket = next();
  socket.push(opened);
  socket.push(moved(2, "handoff_requested", "queued"));
  socket.push({ type: "queue", position: 1, wait_s: null });
  assert.equal(occasion(chat), null);
  socket.push({ type: "queue", position: 1, wait_s: null, overdue: true });
  assert.equal(occasion(chat), "overdue");
  socket.push(event(3, "contact_left", { email: "kim@example.org" }));
  assert.equal(occasion(chat), null);
});

test("a page that is opened while the wait is too long says so at once", () => {
  const { chat, next } = page();
  chat.start();
  const socket = next({ seq: 2, state: "queued", queue: { position: 1, wait_s: null, overdue: true } });
  socket.push(opened);
  socket.push(moved(2, "handoff_requested", "queued"));
  assert.equal(occasion(chat), "overdue");
});

for (const [kind, state] of [["claimed", "agent"], ["returned_to_bot", "bot"], ["closed", "closed"]]) {
  test(`nobody waits too long any more once the chat is ${kind}`, () => {
    const { chat, next } = page();
    chat.start();
    const socket = next();
    socket.push(opened);
    socket.push(moved(2, "handoff_requested", "queued"));
    socket.push({ type: "queue", position: 1, wait_s: null, overdue: true });
    socket.push(moved(3, kind, state));
    assert.equal(occasion(chat), null);
    socket.push(moved(4, "handoff_requested", "queued"));
    assert.equal(occasion(chat), null);
  });
}

test("what was said in the queue is no news to a page that is yet to hear who took the chat", () => {
  const { chat, next } = page();
  chat.start();
  const socket = next({ seq: 4, state: "agent" });
  const seen = [];
  for (const one of [opened, moved(2, "handoff_requested", "queued"), event(3, "visitor_said", { text: "??" }), moved(4, "claimed", "agent")]) {
    socket.push(one);
    seen.push(chat.complete && chat.log.told);
  }
  assert.deepEqual(seen, [false, false, false, ""]);
});

test("queue, desk and typing frames are shown, and typing fades", () => {
  const { chat, clock, next } = page();
  chat.start();
  const socket = next();
  socket.push({ type: "queue", position: 2, wait_s: 180 });
  socket.push({ type: "desk", open: false });
  socket.push({ type: "typing", by: { kind: "agent", name: "Ana" }, on: true });
  assert.deepEqual([chat.queue.position, chat.deskOpen, chat.otherIsTyping], [2, false, true]);
  clock.pass(6_000);
  assert.equal(chat.otherIsTyping, false);
});

test("one's own typing is told to a person only, at most every three seconds", () => {
  const { chat, clock, next } = page();
  chat.start();
  const socket = next();
  chat.typing(true);
  socket.push(opened);
  socket.push(event(2, "claimed", { state: "agent", hold: 1, holder: { kind: "agent", name: "Ana" } }));
  clock.pass(5_000);
  for (let key = 0; key < 10; key += 1) chat.typing(true);
  chat.typing(false);
  chat.typing(false);
  assert.deepEqual(commands(socket, "typing").map((frame) => frame.on), [true, false]);
});

test("what was in view is not unread on the next page", () => {
  const first = page();
  first.chat.say("Hello");
  const socket = first.next();
  socket.push(opened);
  socket.push(ack(2, commands(socket)[0]));
  first.chat.seen();
  const second = page({ area: first.area });
  second.chat.start();
  second.next({ seq: 2 });
  assert.equal(second.chat.read, 2);
});

test("a contact that the server refuses is told, other refused requests are not kept", () => {
  const { chat, next } = page();
  chat.contact("nobody", "");
  const socket = next();
  const [{ client_id }] = commands(socket, "contact");
  socket.push({ type: "error", code: "bad_frame", message: "", client_id, final: true });
  assert.equal(chat.refused, "contact");
  assert.deepEqual(chat.outbox.entries, []);
});

const refusal = (code, command) => ({ type: "error", code, message: "", client_id: command.client_id, final: true });
const requests = { call_human: (chat) => chat.callHuman(), cancel_human: (chat) => chat.cancelHuman() };

for (const [type, state] of [
  ["call_human", "queued"],
  ["call_human", "agent"],
  ["cancel_human", "bot"],
  ["cancel_human", "agent"],
]) {
  for (const code of ["illegal_transition", "newer_conversation"]) {
    test(`a ${type} refused as ${code} while the chat is ${state} has its purpose and is forgotten`, () => {
      const { chat, next } = page();
      chat.start();
      const socket = next();
      socket.push(opened);
      socket.push(moved(2, "moved", state));
      requests[type](chat);
      socket.push(refusal(code, commands(socket, type)[0]));
      assert.deepEqual([chat.outbox.entries, chat.refused], [[], null]);
    });
  }
}

test("a request that another page's has overtaken is forgotten before the event of it comes", () => {
  const { chat, next } = page();
  chat.callHuman();
  const socket = next();
  socket.push(opened);
  socket.push(refusal("illegal_transition", commands(socket, "call_human")[0]));
  assert.deepEqual([chat.outbox.entries, chat.refused], [[], null]);
});

test("a request that did not get its purpose is told, until the next one or a change of holder", () => {
  const { chat, next } = page();
  chat.callHuman();
  const refused = () => {
    const socket = next();
    socket.push(refusal("newer_conversation", commands(socket, "call_human")[0]));
    return chat.refused;
  };
  assert.equal(refused(), "call_human");
  chat.callHuman();
  assert.equal(chat.refused, null);
  assert.equal(refused(), "call_human");
  const socket = next();
  socket.push(opened);
  socket.push(moved(2, "claimed", "agent"));
  assert.equal(chat.refused, null);
});

for (const code of ["illegal_transition", "newer_conversation"]) {
  test(`a message refused as ${code} is kept as not sent, and the next one goes out`, () => {
    const { chat, next } = page();
    chat.say("First");
    chat.say("Second");
    next().push(refusal(code, { client_id: "id1" }));
    assert.deepEqual(chat.outbox.entries.map((entry) => [entry.command.text, entry.failed]), [["First", code], ["Second", null]]);
    const socket = chat.status === "online" ? null : next();
    assert.equal(commands(next()).at(-1).text, "Second");
  });
}

test("where a newer conversation is open the line is made anew, to go on there", () => {
  const { chat, next } = page();
  chat.say("Hello");
  next().push(refusal("newer_conversation", { client_id: "id1" }));
  assert.equal(chat.status, "waiting");
  next({ conversation_id: "c2" });
  assert.equal(chat.log.conversation_id, "c2");
});

test("a message too large for the server is refused, and the next one goes out", () => {
  const { chat, next } = page();
  chat.say("large");
  chat.say("small");
  next().drop(4413);
  assert.deepEqual(chat.outbox.entries.map((entry) => entry.failed), ["text_too_long", null]);
  assert.deepEqual(commands(next()).map((say) => say.text), ["small"]);
});

test("frames and kinds of a later version do no harm", () => {
  const { chat, next } = page();
  chat.start();
  const socket = next();
  socket.push({ type: "hologram", seq: 3 });
  socket.push(opened);
  socket.push(event(2, "hologram_sent", { by: undefined }));
  socket.push({ type: "event", seq: "3", kind: "visitor_said" });
  assert.deepEqual([chat.status, chat.log.seq], ["online", 2]);
});

test("a refused origin ends the chat and keeps the message", () => {
  const { chat, sockets } = page();
  const error = mock.method(console, "error", () => {});
  chat.say("Hello");
  sockets.last.open();
  sockets.last.drop(4403);
  error.mock.restore();
  assert.deepEqual([chat.status, chat.outbox.waiting], ["stopped", true]);
});
