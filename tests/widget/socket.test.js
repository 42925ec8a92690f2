import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Connection, pause } from "../../widget/socket.js";
import { FakeClock, fakeSockets } from "./fakes.js";

function connected({ random = () => 0.5, dropToken = () => true, cursor = () => 0 } = {}) {
  const clock = new FakeClock();
  const sockets = fakeSockets();
  const seen = { frames: [], statuses: [], oversize: 0 };
  const listener = {
    hello: () => ({ type: "hello", protocol: 1 }),
    dropToken,
    receive: (frame) => seen.frames.push(frame),
    turn: (status) => seen.statuses.push(status),
    oversize: () => (seen.oversize += 1),
    cursor,
  };
  const env = { WebSocket: sockets.WebSocket, later: clock.later, cancel: clock.cancel, now: () => clock.time, random };
  const line = new Connection("wss://help.example/v1/chat", listener, env);
  return { clock, sockets, seen, line };
}

const silently = (run, level = "error") => {
  const spoken = mock.method(console, level, () => {});
  try {
    run();
    return spoken.mock.calls.map((call) => String(call.arguments[0]));
  } finally {
    spoken.mock.restore();
  }
};

test("hello is the first frame, and the line is up with the welcome", () => {
  const { line, sockets, seen } = connected();
  line.start();
  assert.equal(sockets.last.url, "wss://help.example/v1/chat");
  assert.equal(line.send({ type: "ping" }), false);
  sockets.last.welcome();
  assert.deepEqual(sockets.last.sent, [{ type: "hello", protocol: 1 }]);
  assert.deepEqual(seen.statuses, ["connecting", "online"]);
});

test("pauses grow, are random from zero on, and end at half a minute", () => {
  const longest = [0, 1, 2, 3, 4, 5, 6, 60].map((attempt) => pause(attempt, 1006, () => 1));
  assert.deepEqual(longest, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  assert.equal(pause(5, 1006, () => 0), 0);
});

for (const code of [1013, 4429]) {
  test(`after ${code} the pause is at least five seconds, and the crowd spreads over five more`, () => {
    assert.equal(pause(0, code, () => 0), 5_000);
    assert.equal(pause(0, code, () => 1), 10_000);
    assert.equal(pause(4, code, () => 1), 21_000);
  });
}

for (const code of [1000, 1001, 1006, 1012, 1013, 4408, 4429]) {
  test(`after ${code} the line comes back by itself`, () => {
    const { line, clock, sockets, seen } = connected();
    line.start();
    sockets.last.welcome();
    sockets.last.drop(code);
    assert.equal(line.status, "waiting");
    clock.pass(7_500);
    sockets.last.welcome();
    assert.deepEqual(seen.statuses, ["connecting", "online", "waiting", "connecting", "online"]);
  });
}

for (const code of [4403, 4404]) {
  test(`${code} is the end and says so on the console`, () => {
    const { line, clock, sockets } = connected();
    line.start();
    sockets.last.open();
    const said = silently(() => sockets.last.drop(code));
    clock.pass(3_600_000);
    line.wake();
    line.restart();
    assert.equal(line.status, "stopped");
    assert.equal(sockets.made.length, 1);
    assert.match(said[0], new RegExp(`^handrail: .*${code}`));
  });
}

test("4400 is the end before the welcome, and a reason to come back after it", () => {
  const { line, sockets } = connected();
  line.start();
  sockets.last.open();
  silently(() => sockets.last.drop(4400));
  assert.equal(line.status, "stopped");
  const other = connected();
  other.line.start();
  other.sockets.last.welcome();
  other.sockets.last.drop(4400);
  assert.equal(other.line.status, "waiting");
});

test("4401 drops the token once and says hello anew at once", () => {
  let drops = 0;
  const { line, sockets } = connected({ dropToken: () => ((drops += 1), true) });
  line.start();
  sockets.last.open();
  sockets.last.drop(4401);
  assert.equal(sockets.made.length, 2);
  sockets.last.open();
  silently(() => sockets.last.drop(4401));
  assert.deepEqual([drops, sockets.made.length, line.status], [1, 2, "stopped"]);
});

test("a token refused after a welcome is dropped again", () => {
  const { line, sockets } = connected();
  line.start();
  for (let round = 0; round < 3; round += 1) {
    sockets.last.open();
    sockets.last.drop(4401);
    sockets.last.welcome();
  }
  assert.equal(line.status, "online");
});

test("a frame too large for the server is reported before the line comes back", () => {
  for (const code of [1009, 4413]) {
    const { line, sockets, seen } = connected();
    line.start();
    sockets.last.welcome();
    sockets.last.drop(code);
    assert.deepEqual([seen.oversize, line.status], [1, "waiting"]);
  }
});

test("a ping follows each heartbeat of silence, and other frames put it off", () => {
  const { line, clock, sockets } = connected();
  line.start();
  sockets.last.welcome({ limits: { heartbeat_s: 10 } });
  const pings = () => sockets.last.sent.filter((frame) => frame.type === "ping").length;
  clock.pass(9_000);
  sockets.last.push({ type: "desk", open: true });
  clock.pass(9_000);
  assert.equal(pings(), 0);
  clock.pass(1_000);
  assert.equal(pings(), 1);
  sockets.last.push({ type: "pong", seq: 0 });
  clock.pass(10_000);
  assert.equal(pings(), 2);
});

test("a line that answers no ping is given up and made anew", () => {
  const { line, clock, sockets } = connected();
  line.start();
  sockets.last.welcome();
  const dead = sockets.last;
  clock.pass(25_000 + 10_000);
  assert.equal(line.status, "waiting");
  assert.equal(dead.closedWith, 4000);
  clock.pass(1_000);
  sockets.last.welcome();
  dead.push({ type: "event", seq: 9 });
  assert.equal(line.status, "online");
});

test("nothing is heard from a socket that was left", () => {
  const { line, sockets, seen } = connected();
  line.start();
  const old = sockets.last;
  old.welcome();
  line.restart();
  const before = seen.frames.length;
  old.push({ type: "desk", open: false });
  old.drop(1006);
  assert.equal(seen.frames.length, before);
  assert.equal(line.status, "connecting");
});

test("a handshake that hangs is given up", () => {
  const { line, clock, sockets } = connected();
  line.start();
  clock.pass(15_000);
  assert.equal(line.status, "waiting");
  assert.equal(sockets.last.closedWith, 4000);
});

test("events that a pong promised and that have not come by the next one bring the line down", () => {
  const { line, clock, sockets } = connected({ cursor: () => 3 });
  line.start();
  sockets.last.welcome();
  for (const seq of [3, 4]) {
    clock.pass(25_000);
    sockets.last.push({ type: "pong", seq });
    assert.equal(line.status, "online");
  }
  clock.pass(25_000);
  sockets.last.push({ type: "pong", seq: 4 });
  assert.equal(line.status, "waiting");
});

test("a server that drops every line right after the welcome is not hammered", () => {
  const { line, clock, sockets } = connected({ random: () => 1 });
  line.start();
  const waits = [0, 1, 2, 3].map(() => {
    sockets.last.welcome();
    sockets.last.drop(1006);
    const [wait] = clock.pending;
    clock.pass(wait);
    return wait;
  });
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000]);
});

function turnedAway({ line, clock, sockets }, times, code = 1006) {
  for (let round = 0; round < times; round += 1) {
    if (line.status === "waiting") clock.pass(clock.pending[0]);
    sockets.last.drop(code);
  }
}

test("a line that is cut five times before any welcome is unreachable, and the console hears once why", () => {
  const set = connected({ random: () => 1 });
  set.line.start();
  assert.deepEqual(silently(() => turnedAway(set, 4), "warn"), []);
  assert.equal(set.line.unreachable, false);
  const [warning, ...more] = silently(() => turnedAway(set, 20), "warn");
  assert.match(warning, /^handrail: .*allowed_origins/);
  assert.deepEqual(more, []);
  assert.equal(set.line.unreachable, true);
  assert.deepEqual([set.line.status, set.clock.pending], ["waiting", [30_000]]);
  set.clock.pass(30_000);
  assert.equal(set.line.unreachable, true);
  set.sockets.last.welcome();
  assert.deepEqual([set.line.status, set.line.unreachable], ["online", false]);
});

test("a handshake that hangs five times is unreachable too", () => {
  const { line, clock } = connected({ random: () => 0 });
  line.start();
  assert.equal(silently(() => clock.pass(5 * 15_000), "warn").length, 1);
  assert.equal(line.unreachable, true);
});

test("a line that stood before is not unreachable, as its page may connect", () => {
  const set = connected();
  set.line.start();
  set.sockets.last.welcome();
  assert.deepEqual(silently(() => turnedAway(set, 20), "warn"), []);
  assert.equal(set.line.unreachable, false);
});

test("a server that answers with a code of its own is not unreachable", () => {
  const set = connected();
  set.line.start();
  assert.deepEqual(silently(() => turnedAway(set, 20, 1013), "warn"), []);
  assert.equal(set.line.unreachable, false);
});

test("a line that held for a while starts with short pauses again", () => {
  const { line, clock, sockets } = connected({ random: () => 1 });
  line.start();
  for (let round = 0; round < 4; round += 1) {
    sockets.last.drop(1006);
    clock.pass(clock.pending[0]);
  }
  sockets.last.welcome();
  clock.pass(10_000);
  sockets.last.drop(1012);
  assert.deepEqual(clock.pending, [1_000]);
});

test("waking up ends the pause, and asks a line that stands whether it lives", () => {
  const { line, clock, sockets } = connected();
  line.start();
  sockets.last.drop(1006);
  line.wake();
  assert.equal(sockets.made.length, 2);
  sockets.last.welcome();
  line.wake();
  assert.equal(sockets.last.sent.at(-1).type, "ping");
  clock.pass(10_000);
  assert.equal(line.status, "waiting");
});

test("frames that are no JSON, no object or of no known type do no harm", () => {
  const { line, sockets, seen } = connected();
  line.start();
  sockets.last.welcome();
  for (const text of ["", "{", "null", "[]", "7", '"welcome"', '{"type":7}']) sockets.last.push(text);
  assert.equal(seen.frames.length, 1);
  assert.equal(line.status, "online");
});

test("after stop nothing is awaited and nothing comes back", () => {
  const { line, clock, sockets } = connected();
  line.start();
  sockets.last.welcome();
  line.stop();
  clock.pass(3_600_000);
  assert.deepEqual([clock.pending.length, sockets.made.length, line.status], [0, 1, "idle"]);
});
