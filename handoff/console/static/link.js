// The desk socket: connects, stays, comes back, and resumes after the last event it has seen.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const PATIENCE_MS = 10_000; // a ping without an answer for this long means a dead connection
const SIGNED_OUT = 4401;

export class Link {
  /** @type {WebSocket | null} */ #socket = null;
  /** @type {Map<string, number>} */ #watched = new Map();
  #failures = 0;
  #pause = 0;
  #patience = 0;
  #heartbeatMs = 15_000;

  /** @param {{frame: (frame: any) => void, status: (status: "connecting" | "online" | "waiting" | "signed_out") => void}} told */
  constructor(told) {
    this.told = told;
  }

  connect() {
    clearTimeout(this.#pause);
    this.told.status("connecting");
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/desk`);
    this.#socket = socket;
    socket.addEventListener("open", () => this.#send({ type: "hello", watch: Object.fromEntries(this.#watched) }));
    socket.addEventListener("message", ({ data }) => this.#hear(JSON.parse(data)));
    socket.addEventListener("close", ({ code }) => socket === this.#socket && this.#lost(code));
    this.#await();
  }

  /** Events of this conversation after `after`. @param {string} conversationId @param {number} after */
  watch(conversationId, after) {
    this.#watched.set(conversationId, after);
    this.#send({ type: "watch", conversation_id: conversationId, after });
  }

  /** @param {string} conversationId */
  unwatch(conversationId) {
    if (this.#watched.delete(conversationId)) this.#send({ type: "unwatch", conversation_id: conversationId });
  }

  /** @param {string} conversationId @param {boolean} on */
  typing(conversationId, on) {
    this.#send({ type: "typing", conversation_id: conversationId, on });
  }

  /** @param {any} frame */
  #hear(frame) {
    this.#calm();
    if (frame.type === "welcome") this.#heartbeatMs = frame.heartbeat_s * 1000;
    if (frame.type === "event" && !this.#advance(frame)) return;
    this.told.frame(frame);
    if (frame.type === "ready") {
      this.#failures = 0;
      this.told.status("online");
    }
  }

  /** Whether the event is the next one; anything else came twice, or too late to matter. @param {any} event */
  #advance(event) {
    if (event.seq !== (this.#watched.get(event.conversation_id) ?? NaN) + 1) return false;
    this.#watched.set(event.conversation_id, event.seq);
    return true;
  }

  /** Something came: the next ping is due a heartbeat from now. Browsers keep timers of hidden pages that follow a
   * message, where a chain of timers would be slowed to once a minute and the agent would look absent. */
  #calm() {
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => {
      this.#send({ type: "ping" });
      this.#await();
    }, this.#heartbeatMs);
  }

  #await() {
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.#drop(), PATIENCE_MS);
  }

  /** The connection is dead but nobody has told the browser. */
  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#lost(1006);
  }

  /** @param {number} code */
  #lost(code) {
    clearTimeout(this.#patience);
    this.#socket = null;
    if (code === SIGNED_OUT) {
      this.told.status("signed_out");
      return;
    }
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures++);
    this.told.status("waiting");
    this.#pause = setTimeout(() => this.connect(), longest * (0.5 + Math.random() / 2));
  }

  /** @param {object} frame */
  #send(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }
}
