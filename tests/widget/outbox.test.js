import assert from "node:assert/strict";
import { test } from "node:test";

import { Outbox } from "../../widget/outbox.js";
import { Store } from "../../widget/store.js";
import { inherit } from "../../widget/tabs.js";
import { counter, FakeStorage, RefusedStorage } from "./fakes.js";

const by = { now: 1_000, random: () => 0.5, newId: counter("new") };
const say = (client_id, text = client_id) => ({ type: "say", client_id, text });
const box = (area = new FakeStorage(), tab = "tab") => new Outbox(new Store(area, "h:"), tab);
const filled = (...ids) => {
  const outbox = box();
  for (const id of ids) outbox.add(say(id), 5);
  return outbox;
};

test("commands leave in order, one at a time", () => {
  const outbox = filled("a", "b");
  assert.equal(outbox.next(0).client_id, "a");
  assert.equal(outbox.next(0), null);
  outbox.acknowledge("a");
  assert.equal(outbox.next(0).client_id, "b");
});

test("what was on its way goes out again, unchanged, after the connection has ended", () => {
  const outbox = filled("a");
  const first = outbox.next(0);
  outbox.land();
  assert.deepEqual(outbox.next(0), first);
});

test("only an acknowledgement removes a command from storage", () => {
  const area = new FakeStorage();
  const outbox = box(area);
  outbox.add(say("a"), 1);
  outbox.next(0);
  assert.equal(area.length, 1);
  outbox.acknowledge("a");
  assert.equal(area.length, 0);
});

test("an acknowledgement of something else changes nothing", () => {
  const outbox = filled("a");
  outbox.next(0);
  assert.equal(outbox.acknowledge("zzz"), null);
  assert.equal(outbox.next(0), null);
  assert.equal(outbox.flying, "a");
});

test("commands made within one millisecond keep their order over a reload", () => {
  const area = new FakeStorage();
  const before = box(area, "old");
  for (const id of ["z", "m", "a"]) before.add(say(id), 7);
  const after = box(area, "new");
  inherit(after, "lock:", undefined, () => {});
  assert.deepEqual(after.entries.map((entry) => entry.command.client_id), ["z", "m", "a"]);
});

test("a page takes over only when the other's lock is free, and only what is left then", async () => {
  const area = new FakeStorage();
  const other = box(area, "other");
  other.add(say("a"), 1);
  other.add(say("b"), 2);
  const requests = [];
  const mine = box(area, "mine");
  inherit(mine, "lock:", { request: (name, run) => requests.push({ name, run }) }, () => {});
  assert.deepEqual(mine.entries, []);
  other.acknowledge("a");
  assert.equal(requests[0].name, "lock:other");
  requests[0].run();
  assert.deepEqual(mine.entries.map((entry) => entry.command.client_id), ["b"]);
});

test("of two pages that wait for a third one's commands, one gets them", () => {
  const area = new FakeStorage();
  box(area, "gone").add(say("a"), 1);
  const [one, two] = [box(area, "one"), box(area, "two")];
  one.adopt("gone");
  assert.equal(two.adopt("gone"), false);
  assert.deepEqual(two.entries, []);
});

test("a rate limit makes the command wait as long as the server says", () => {
  const outbox = filled("a", "b");
  outbox.next(1_000);
  outbox.refuse({ code: "rate_limited", client_id: "a", retry_after_s: 7, final: false }, by);
  assert.equal(outbox.next(1_000), 7_000);
  assert.equal(outbox.next(8_000).client_id, "a");
});

test("storage that stays away is asked ever less often, up to half a minute", () => {
  const outbox = filled("a");
  const waits = Array.from({ length: 8 }, (_, round) => {
    const now = round * 100_000;
    outbox.next(now);
    outbox.refuse({ code: "storage_unavailable", client_id: "a", final: false }, { ...by, now });
    return outbox.next(now);
  });
  assert.deepEqual(waits, [750, 1_500, 3_000, 6_000, 12_000, 22_500, 22_500, 22_500]);
});

test("a message of another conversation counts as sent", () => {
  const outbox = filled("a", "b");
  outbox.next(0);
  outbox.refuse({ code: "already_sent", client_id: "a", final: true }, by);
  assert.equal(outbox.next(0).client_id, "b");
});

test("a text whose id is taken goes out under a new one, in its old place", () => {
  const outbox = filled("a", "b");
  outbox.next(0);
  outbox.refuse({ code: "client_id_reused", client_id: "a", final: true }, { ...by, newId: () => "fresh" });
  assert.deepEqual(outbox.next(0), say("fresh", "a"));
  assert.deepEqual(outbox.entries.map((entry) => entry.command.client_id), ["fresh", "b"]);
});

test("a refused message stays in sight, is not sent again, and does not block the next", () => {
  const outbox = filled("a", "b");
  outbox.next(0);
  assert.equal(outbox.refuse({ code: "text_too_long", client_id: "a", final: true }, by).client_id, "a");
  assert.deepEqual(outbox.entries.map((entry) => entry.failed), ["text_too_long", null]);
  assert.equal(outbox.next(0).client_id, "b");
  outbox.discard("a");
  assert.equal(outbox.entries.length, 1);
});

test("a refused request other than a message is forgotten", () => {
  const outbox = box();
  outbox.add({ type: "contact", client_id: "a", email: "x" }, 1);
  outbox.next(0);
  assert.equal(outbox.refuse({ code: "bad_frame", client_id: "a", final: true }, by).type, "contact");
  assert.deepEqual(outbox.entries, []);
});

test("a final refusal that names no command ends none", () => {
  const outbox = filled("a");
  outbox.next(0);
  assert.equal(outbox.refuse({ code: "bad_frame", final: true }, by), null);
  assert.equal(outbox.flying, "a");
});

test("a late acknowledgement of a command that waits for its retry removes it", () => {
  const outbox = filled("a", "b");
  outbox.next(1_000);
  outbox.refuse({ code: "rate_limited", final: false }, by);
  outbox.acknowledge("a");
  assert.equal(outbox.next(1_000).client_id, "b");
});

test("without storage everything works in memory", () => {
  for (const area of [null, new RefusedStorage()]) {
    const outbox = box(area);
    outbox.add(say("a"), 1);
    assert.equal(outbox.next(0).client_id, "a");
    outbox.acknowledge("a");
    assert.equal(outbox.waiting, false);
  }
});

test("what the host page or an older version left in storage does no harm", () => {
  const area = new FakeStorage();
  for (const [index, text] of ["{", "null", "7", '"x"', "{}", '{"tab":"t"}', '{"tab":"t","order":1,"command":{}}'].entries()) {
    area.setItem(`h:out:${index}`, text);
  }
  const outbox = box(area);
  inherit(outbox, "lock:", undefined, () => {});
  assert.deepEqual(outbox.entries, []);
});
