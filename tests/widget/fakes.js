/** A clock that moves when it is told to, a socket whose other end is the test, and storage. */

export class FakeClock {
  time = 0;
  #timers = [];

  later = (run, wait_ms) => {
    const timer = { run, at: this.time + wait_ms };
    this.#timers.push(timer);
    return timer;
  };

  cancel = (timer) => {
    this.#timers = this.#timers.filter((each) => each !== timer);
  };

  get pending() {
    return this.#timers.map((timer) => timer.at - this.time).sort((one, other) => one - other);
  }

  pass(wait_ms) {
    const end = this.time + wait_ms;
    for (;;) {
      const [next] = this.#timers.filter((timer) => timer.at <= end).sort((one, other) => one.at - other.at);
      if (!next) break;
      this.cancel(next);
      this.time = next.at;
      next.run();
    }
    this.time = end;
  }
}

/** A class to hand in as `WebSocket`; `made` holds its instances in order. */
export function fakeSockets() {
  const made = [];
  return {
    made,
    get last() {
      return made.at(-1);
    },
    WebSocket: class {
      readyState = 0;
      sent = [];
      closedWith = null;

      constructor(url) {
        this.url = url;
        made.push(this);
      }

      send(text) {
        this.sent.push(JSON.parse(text));
      }

      close(code) {
        this.readyState = 3;
        this.closedWith = code;
      }

      open() {
        this.readyState = 1;
        this.onopen?.({});
      }

      push(frame) {
        this.onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
      }

      drop(code) {
        this.readyState = 3;
        this.onclose?.({ code });
      }

      welcome(more = {}) {
        this.open();
        this.push({
          type: "welcome",
          protocol: 1,
          conversation_id: "c1",
          token: "t1",
          seq: 0,
          state: "bot",
          holder: { kind: "bot", name: null },
          queue: null,
          desk_open: true,
          limits: { max_text_chars: 4000, heartbeat_s: 25 },
          ...more,
        });
      }
    },
  };
}

export class FakeStorage {
  #values = new Map();

  get length() {
    return this.#values.size;
  }

  key(index) {
    return [...this.#values.keys()][index] ?? null;
  }

  getItem(key) {
    return this.#values.get(key) ?? null;
  }

  setItem(key, value) {
    this.#values.set(key, String(value));
  }

  removeItem(key) {
    this.#values.delete(key);
  }
}

/** What a browser does that refuses storage. */
export class RefusedStorage {
  get length() {
    throw new Error("denied");
  }
  key() {
    throw new Error("denied");
  }
  getItem() {
    throw new Error("denied");
  }
  setItem() {
    throw new Error("denied");
  }
  removeItem() {
    throw new Error("denied");
  }
}

/** Ids that tell their order. */
export function counter(prefix = "id") {
  let made = 0;
  return () => `${prefix}${(made += 1)}`;
}
