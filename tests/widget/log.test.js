import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { apply, drafted, emptyLog, isGap, said, unread, welcomed } from "../../widget/log.js";

const GOLDEN = new URL("../golden/", import.meta.url);
const goldens = readdirSync(GOLDEN)
  .filter((name) => name.endsWith(".json"))
  .map((name) => JSON.parse(readFileSync(new URL(name, GOLDEN), "utf-8")));

const summary = (log) => ({
  state: log.state,
  holder: log.holder,
  hold: log.hold,
  seq: log.seq,
  messages: said(log).map((item) => ({ by: item.by.kind, text: item.text })),
});
const fold = (events) => events.reduce(apply, emptyLog());
const at = "2026-11-02T09:30:00.000000Z";
const visitorSaid = (seq, text = "Hello") => ({ seq, kind: "visitor_said", at, by: { kind: "visitor" }, text });
const botSaid = (seq, more = {}) => ({ seq, kind: "bot_said", at, by: { kind: "bot" }, text: "Hi", ...more });
const claimed = (seq, hold = 1) => ({ seq, kind: "claimed", at, state: "agent", holder: { kind: "agent", name: "Ana" }, hold });

test("there are golden logs", () => assert.ok(goldens.length >= 4));

for (const golden of goldens) {
  test(`golden log ${golden.name} folds to what it says`, () => {
    assert.deepEqual(summary(fold(golden.events)), golden.expect);
  });

  test(`golden log ${golden.name} folds the same with every event doubled`, () => {
    assert.deepEqual(fold(golden.events.flatMap((event) => [event, event])), fold(golden.events));
  });

  test(`golden log ${golden.name} folds the same with repeats of any event at any time`, () => {
    const repeats = golden.events.map((event) => ({ ...event, again: true }));
    assert.deepEqual(fold(golden.events.flatMap((event) => [...repeats, event])), fold(golden.events));
  });

  test(`golden log ${golden.name} is the same after any cut and resume`, () => {
    const whole = fold(golden.events);
    for (let cut = 0; cut <= golden.events.length; cut += 1) {
      const before = fold(golden.events.slice(0, cut));
      assert.deepEqual(golden.events.slice(cut).reduce(apply, before), whole);
    }
  });

  test(`golden log ${golden.name} is never changed in place`, () => {
    const log = fold(golden.events.slice(0, 2));
    const copy = structuredClone(log);
    golden.events.slice(2).reduce(apply, log);
    assert.deepEqual(log, copy);
  });
}

test("an event further on than the next is a gap, a repeat or an old one is not", () => {
  const log = fold([visitorSaid(1), visitorSaid(2)]);
  assert.equal(isGap(log, visitorSaid(4)), true);
  assert.equal(isGap(log, visitorSaid(3)), false);
  assert.equal(isGap(log, visitorSaid(1)), false);
  assert.equal(isGap(log, { ...visitorSaid(9), again: true }), false);
});

test("a welcome to the same conversation goes on, to another one begins anew", () => {
  const log = welcomed(emptyLog(), { conversation_id: "one", seq: 0, state: "bot", holder: { kind: "bot" } });
  const grown = apply(log, visitorSaid(1));
  const same = { conversation_id: "one", seq: 5, state: "agent", holder: { kind: "agent", name: "Ana" } };
  assert.equal(welcomed(grown, same).seq, 1);
  assert.deepEqual(welcomed(grown, { ...same, conversation_id: "two" }).items, []);
  assert.equal(welcomed(grown, { ...same, conversation_id: "two" }).state, "agent");
});

test("a server that knows less of the conversation than we do is read from the start", () => {
  const log = { ...fold([visitorSaid(1), visitorSaid(2)]), conversation_id: "one" };
  assert.equal(welcomed(log, { conversation_id: "one", seq: 1, state: "bot", holder: { kind: "bot" } }).seq, 0);
});

test("drafts are pieced together by code points", () => {
  const one = drafted(emptyLog(), { turn_id: "t", attempt: 1, offset: 0, text: "Hi 🙂" });
  const two = drafted(one, { turn_id: "t", attempt: 1, offset: 4, text: " there" });
  assert.equal(two.sketch.text, "Hi 🙂 there");
});

test("a piece that came twice or after a lost one is left out", () => {
  const one = drafted(emptyLog(), { turn_id: "t", attempt: 1, offset: 0, text: "abc" });
  assert.equal(drafted(one, { turn_id: "t", attempt: 1, offset: 0, text: "abc" }).sketch.text, "abc");
  assert.equal(drafted(one, { turn_id: "t", attempt: 1, offset: 9, text: "xyz" }).sketch.text, "abc");
});

test("a new attempt throws the draft away and an old one is ignored", () => {
  const one = drafted(emptyLog(), { turn_id: "t", attempt: 1, offset: 0, text: "abc" });
  const two = drafted(one, { turn_id: "t", attempt: 2, offset: 0, text: "x" });
  assert.equal(two.sketch.text, "x");
  assert.equal(drafted(two, { turn_id: "t", attempt: 1, offset: 3, text: "def" }), two);
  assert.equal(drafted(two, { turn_id: "t", attempt: 3, offset: 7, text: "late" }).sketch, null);
});

test("a draft goes when its reply comes, and a late piece of it does not bring it back", () => {
  const piece = { turn_id: "t", attempt: 1, offset: 0, text: "abc" };
  const log = apply(drafted(apply(emptyLog(), visitorSaid(1)), piece), botSaid(2, { turn_id: "t", answers: [1] }));
  assert.equal(log.sketch, null);
  assert.equal(drafted(log, piece).sketch, null);
});

test("a draft goes when a person takes the chat, and none is shown while a person holds it", () => {
  const piece = { turn_id: "t", attempt: 1, offset: 0, text: "abc" };
  const log = apply(drafted(emptyLog(), piece), claimed(1));
  assert.equal(log.sketch, null);
  assert.equal(drafted(log, { ...piece, turn_id: "u" }).sketch, null);
});

test("the bot owes an answer to what no reply names, until another holds the chat", () => {
  const asked = [visitorSaid(1), visitorSaid(2)];
  assert.deepEqual(fold(asked).unanswered, [1, 2]);
  assert.deepEqual(fold([...asked, botSaid(3, { answers: [1] })]).unanswered, [2]);
  assert.deepEqual(fold([...asked, claimed(3)]).unanswered, []);
});

test("who waits is told at once that a message was added, then once a minute, and nobody else is", () => {
  const after = (seconds) => ({ at: `2026-11-02T09:${30 + Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}.000000Z` });
  const queued = { seq: 2, kind: "handoff_requested", at, state: "queued", holder: { kind: "queue", name: null }, hold: 1 };
  const toldOf = (...seconds) => fold([visitorSaid(1), queued, ...seconds.map((s, n) => ({ ...visitorSaid(n + 3), ...after(s) }))]).told;
  assert.equal(toldOf(), "");
  assert.equal(toldOf(5), after(5).at);
  assert.equal(toldOf(5, 30, 64), after(5).at);
  assert.equal(toldOf(5, 30, 65, 70), after(65).at);
  assert.equal(fold([visitorSaid(1), queued, visitorSaid(3), claimed(4, 2), visitorSaid(5)]).told, "");
});

test("a reply without an answer asks for an address, until one is left or another reply helps", () => {
  const asked = [visitorSaid(1), botSaid(2, { outcome: "no_answer" })];
  const left = { seq: 3, kind: "contact_left", at, email: "kim@example.org" };
  const addressAfter = (...more) => fold([...asked, ...more]).address;
  assert.equal(fold([visitorSaid(1)]).address, "open");
  assert.equal(addressAfter(), "asked");
  assert.equal(addressAfter(visitorSaid(3)), "asked");
  assert.equal(addressAfter(botSaid(3, { outcome: "small_talk" })), "asked");
  assert.equal(addressAfter(botSaid(3, { outcome: "answer" })), "open");
  assert.equal(addressAfter(left), "left");
  assert.equal(addressAfter(left, botSaid(4, { outcome: "no_answer" })), "asked");
  assert.equal(addressAfter(claimed(3)), "open");
});

test("unread counts what others have said since", () => {
  const log = fold([visitorSaid(1), botSaid(2), visitorSaid(3), botSaid(4)]);
  assert.deepEqual([unread(log, 0), unread(log, 2), unread(log, 4)], [2, 1, 0]);
});

test("a message without text, as erasure leaves it, counts as erased", () => {
  const log = fold([{ ...visitorSaid(1), text: undefined }]);
  assert.equal(log.items[0].redacted, true);
  assert.deepEqual(said(log), []);
});

test("redaction leaves nothing of the text in memory", () => {
  const log = fold([visitorSaid(1, "secret"), botSaid(2, { citations: [{ quote: "secret" }] }), { seq: 3, kind: "redacted", at, seqs: [1, 2] }]);
  assert.ok(!JSON.stringify(log).includes("secret"));
});
