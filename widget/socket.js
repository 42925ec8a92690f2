/**
 * One lasting connection to `/v1/chat`: says `hello`, notices when the line is dead, and comes back with growing,
 * random pauses. It knows the close codes, and nothing of what the frames mean.
 *
 * @import {ServerFrame, Welcome} from "./wire.js"
 *
 * @typedef {"idle" | "connecting" | "online" | "waiting" | "stopped"} Status
 *
 * @typedef {object} Environment  What a browser offers and a test replaces.
 * @property {new (url: string) => WebSocket} WebSocket
 * @property {(run: () => void, wait_ms: number) => unknown} later
 * @property {(timer: unknown) => void} cancel
 * @property {() => number} now  Milliseconds.
 * @property {() => number} random  In [0, 1).
 *
 * @typedef {object} Listener
 * @property {() => object} hello  The first frame, made anew for each connection.
 * @property {() => boolean} dropToken  Forgets the token that was refused; false if none was sent.
 * @property {(frame: ServerFrame) => void} receive
 * @property {(status: Status) => void} turn  The status has changed.
 * @property {() => void} oversize  The last frame was too large for the server.
 * @property {() => number} cursor  Number of the last event seen.
 */

const BACKOFF_MS = 1_000;
const BACKOFF_CAP_MS = 30_000; // longer, and a restarted server looks dead to those who watch
const STABLE_MS = 10_000; // a line that held this long was no failed attempt
const BUSY_MS = 5_000; // least pause after "too many" and "try later"
const WELCOME_WAIT_MS = 15_000; // opening handshake and hello; slow mobile lines need several seconds
const PONG_WAIT_MS = 10_000; // a round trip that takes longer is a line that is gone
const VAIN = 5; // with the pauses between them 8 s on average, 15 s at most, where attempts fail at once
const HEARTBEAT_S = 25; // proxies cut idle sockets at 60 s; the welcome may say otherwise
const RESYNC = 4000; // our own close code: events are missing, or the line is dead

/** Close codes after which trying again cannot help, and what the page's owner should know. */
const FINAL = new Map([
  [4400, "widget and server are of different versions"],
  [4403, "the server refuses this page's origin or the identity; see allowed_origins and identity_secret"],
  [4404, "the server does not know the site in data-site"],
]);
/** Without a word of the server: a refused upgrade, which browsers do not tell from no server, or a handshake that hangs. */
const CUT = new Set([1006, RESYNC]);
const BUSY = new Set([1013, 4429]);
const OVERSIZE = new Set([1009, 4413]);

/**
 * Full jitter (Brooker, "Exponential Backoff And Jitter", 2015), with a floor where the server asked for a pause.
 * @param {number} attempt  0 for the first reconnect.
 * @param {number} code  The close code.
 * @param {() => number} random
 * @returns {number} milliseconds
 */
export function pause(attempt, code, random) {
  const spread = Math.min(BACKOFF_CAP_MS, BACKOFF_MS * 2 ** Math.min(attempt, 10));
  // as wide as it is long: many are told to try later at the same moment
  return BUSY.has(code) ? BUSY_MS + random() * Math.max(BUSY_MS, spread) : random() * spread;
}

export class Connection {
  #url;
  #on;
  #env;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Status} */
  #status = "idle";
  #attempt = 0;
  #met = false;
  /** Attempts that were cut while no welcome has ever come. */
  #vain = 0;
  #dropped = false;
  #welcomedAt = 0;
  #heartbeat_ms = HEARTBEAT_S * 1_000;
  #promised = 0;
  /** @type {unknown} */
  #timer = null;

  /**
   * @param {string} url  `wss://host/v1/chat`
   * @param {Listener} on
   * @param {Environment} env
   */
  constructor(url, on, env) {
    this.#url = url;
    this.#on = on;
    this.#env = env;
  }

  get status() {
    return this.#status;
  }

  /** Whether a welcome has ever come. */
  get met() {
    return this.#met;
  }

  /** Whether there has been no welcome in so many attempts that this page is rather not let in than unlucky. */
  get unreachable() {
    return !this.#met && this.#vain >= VAIN;
  }

  /** Connects, unless that has been done already or is of no use. */
  start() {
    if (this.#status === "idle") this.#connect();
  }

  /** Ends the connection; `start` begins a new one. */
  stop() {
    this.#leave();
    this.#attempt = 0;
    if (this.#status !== "stopped") this.#turn("idle");
  }

  /** Says `hello` anew at once, on a new line. */
  restart() {
    if (this.#status === "stopped") return;
    this.#leave();
    this.#connect();
  }

  /** Events are missing: comes back after a pause, as a server that skips one may skip it again. */
  resync() {
    this.#lost(RESYNC);
  }

  /** The network or the page has come back: try now, or find out whether the line still stands. */
  wake() {
    if (this.#status === "waiting") this.#connect();
    else if (this.#status === "online") this.#ping();
  }

  /**
   * Sends a frame; false if there is no line to send it on.
   * @param {object} frame
   */
  send(frame) {
    if (this.#status !== "online" || this.#socket?.readyState !== 1) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #connect() {
    this.#clock(() => this.#lost(RESYNC), WELCOME_WAIT_MS);
    const socket = new this.#env.WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => socket.send(JSON.stringify(this.#on.hello()));
    socket.onmessage = (message) => this.#hear(message.data);
    socket.onclose = (event) => this.#lost(event.code);
    this.#turn("connecting");
  }

  /** @param {unknown} data */
  #hear(data) {
    const frame = frameOf(data);
    if (!frame) return;
    if (this.#status === "online") this.#clock(() => this.#ping(), this.#heartbeat_ms);
    if (frame.type === "welcome") this.#welcome(frame);
    if (frame.type === "pong") this.#pong(frame.seq ?? 0);
    else this.#on.receive(frame);
  }

  /** @param {Welcome} welcome */
  #welcome(welcome) {
    this.#heartbeat_ms = (welcome.limits?.heartbeat_s ?? HEARTBEAT_S) * 1_000;
    this.#welcomedAt = this.#env.now();
    this.#met = true;
    this.#promised = 0;
    this.#dropped = false;
    this.#clock(() => this.#ping(), this.#heartbeat_ms);
    this.#turn("online");
  }

  #ping() {
    this.send({ type: "ping" });
    this.#clock(() => this.#lost(RESYNC), PONG_WAIT_MS);
  }

  /**
   * Events that the server had at the pong before this one must have come by now.
   * @param {number} seq
   */
  #pong(seq) {
    if (this.#on.cursor() < this.#promised) this.resync();
    else this.#promised = seq;
  }

  /** @param {number} code */
  #lost(code) {
    const known = this.#status === "online";
    this.#leave();
    if (OVERSIZE.has(code)) this.#on.oversize();
    if (code === 4401) this.#refused();
    else if (FINAL.has(code) && !(code === 4400 && known)) this.#end(code, FINAL.get(code));
    else this.#wait(code, known);
  }

  #refused() {
    const again = !this.#dropped && this.#on.dropToken();
    this.#dropped = true;
    if (again) this.#connect();
    else this.#end(4401, "the server refuses new visitors");
  }

  /**
   * @param {number} code
   * @param {boolean} known  Whether the line had been welcomed.
   */
  #wait(code, known) {
    if (!this.#met && CUT.has(code)) this.#inVain();
    if (known && this.#env.now() - this.#welcomedAt >= STABLE_MS) this.#attempt = 0;
    this.#clock(() => this.#connect(), pause(this.#attempt, code, this.#env.random));
    this.#attempt += 1;
    this.#turn("waiting");
  }

  #inVain() {
    this.#vain += 1;
    if (this.#vain !== VAIN) return;
    const { origin } = globalThis.location ?? {};
    console.warn(`handrail: ${this.#url} could not be reached; is the server up, and ${origin} in allowed_origins?`);
  }

  /**
   * @param {number} code
   * @param {string} [reason]
   */
  #end(code, reason) {
    console.error(`handrail: the chat has closed (${code}): ${reason}`);
    this.#turn("stopped");
  }

  /** Forgets the socket before it closes, so that nothing late is heard from it. */
  #leave() {
    this.#clock(null, 0);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(RESYNC);
  }

  /**
   * At any time one thing is awaited: a welcome, the next ping, a pong, or the next attempt.
   * @param {(() => void) | null} run
   * @param {number} wait_ms
   */
  #clock(run, wait_ms) {
    this.#env.cancel(this.#timer);
    this.#timer = run ? this.#env.later(run, wait_ms) : null;
  }

  /** @param {Status} status */
  #turn(status) {
    if (this.#status === status) return;
    this.#status = status;
    this.#on.turn(status);
  }
}

/**
 * @param {unknown} data
 * @returns {ServerFrame | null}
 */
function frameOf(data) {
  try {
    const frame = JSON.parse(String(data));
    return typeof frame?.type === "string" ? frame : null;
  } catch {
    return null;
  }
}
