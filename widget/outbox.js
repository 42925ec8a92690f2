/**
 * Commands that the server has not acknowledged yet. They leave in order, one at a time, and each stays, over reloads
 * too, until the event that carries its `client_id` arrives: nothing is lost, and as the server knows every
 * `client_id` for ever, nothing is doubled.
 *
 * @import {Command, Refusal} from "./wire.js"
 * @import {Store} from "./store.js"
 *
 * @typedef {object} Entry
 * @property {number} order  Later commands have higher numbers; milliseconds since 1970, made unique.
 * @property {string} tab  The page that made the command and sends it.
 * @property {Command} command
 * @property {string | null} failed  The error code that ended it; it is not sent again.
 *
 * @typedef {object} Flight  What is known of the first entry's sending, in this page only.
 * @property {boolean} out  Sent on the present connection, not yet acknowledged.
 * @property {number} tries
 * @property {number} notBefore  Milliseconds, on the clock handed to `next`.
 */

const STORED = "out:";
const RETRY_MS = 1_000; // the server's storage is usually back within a second or two
const RETRY_CAP_MS = 30_000; // a visitor who waits longer than this has gone away
const PASSING = new Set(["rate_limited", "storage_unavailable"]); // whatever `final` says: the text itself is fine

export class Outbox {
  #store;
  #tab;
  /** @type {Entry[]} */
  #entries = [];
  /** @type {Flight} */
  #flight = grounded();

  /**
   * @param {Store} store
   * @param {string} tab  Unique to this page.
   */
  constructor(store, tab) {
    this.#store = store;
    this.#tab = tab;
  }

  /** All entries, in the order in which they were made. */
  get entries() {
    return /** @type {readonly Entry[]} */ (this.#entries);
  }

  /** Whether anything still has to reach the server. */
  get waiting() {
    return this.#entries.some((entry) => !entry.failed);
  }

  /** The `client_id` of the command that is on its way; null if none is. */
  get flying() {
    return this.#flight.out ? (this.#head()?.command.client_id ?? null) : null;
  }

  /**
   * Keeps `command` until it is acknowledged.
   * @param {Command} command
   * @param {number} now  Milliseconds since 1970.
   */
  add(command, now) {
    const last = this.#entries.at(-1)?.order ?? 0;
    this.#keep({ order: Math.max(now, last + 1), tab: this.#tab, command, failed: null });
  }

  /**
   * Pages other than this one that have left entries behind, dead or alive.
   */
  strangers() {
    const tabs = this.#stored().map((entry) => entry.tab);
    return [...new Set(tabs)].filter((tab) => tab !== this.#tab);
  }

  /**
   * Takes over what the page `tab`, which is gone, could not send.
   * @param {string} tab
   * @returns {boolean} whether there was anything left of it
   */
  adopt(tab) {
    const left = this.#stored().filter((entry) => entry.tab === tab);
    for (const entry of left) this.#keep({ ...entry, tab: this.#tab });
    return left.length > 0;
  }

  /**
   * The command to send now, or the time to wait for it; null if there is nothing to do before an answer comes.
   * @param {number} now  Milliseconds.
   * @returns {Command | number | null}
   */
  next(now) {
    const head = this.#head();
    if (!head || this.#flight.out) return null;
    if (this.#flight.notBefore > now) return this.#flight.notBefore - now;
    this.#flight = { ...this.#flight, out: true };
    return head.command;
  }

  /** The connection has ended: what was on its way may be lost and will be sent again. */
  land() {
    this.#flight = { ...this.#flight, out: false };
  }

  /**
   * The server has committed the command.
   * @param {string} client_id
   * @returns {Command | null} the command, if it was one of ours
   */
  acknowledge(client_id) {
    return this.#remove(client_id)?.command ?? null;
  }

  /**
   * The server has refused a command, for now or for good. A refusal without a `client_id` may be of any frame, so it
   * only makes the command on its way wait. `client_id_reused` says that this text was never stored under its id, so
   * it goes out under a new one.
   * @param {Refusal} refusal
   * @param {{now: number, random: () => number, newId: () => string}} by
   * @returns {Command | null} the command, if it has failed for good
   */
  refuse(refusal, { now, random, newId }) {
    const entry = this.#entries.find((each) => each.command.client_id === refusal.client_id && !each.failed);
    const passing = refusal.final === false || PASSING.has(refusal.code);
    if (passing && this.#flight.out) this.#postpone(now, random, refusal.retry_after_s);
    if (passing || !entry) return null;
    if (refusal.code === "already_sent") this.#remove(entry.command.client_id);
    else if (refusal.code === "client_id_reused") this.#rename(entry, newId());
    else return this.#fail(entry, refusal.code);
    return null;
  }

  /**
   * Forgets an entry that has failed.
   * @param {string} client_id
   */
  discard(client_id) {
    this.#remove(client_id);
  }

  #head() {
    return this.#entries.find((entry) => !entry.failed);
  }

  /**
   * @param {number} now
   * @param {() => number} random
   * @param {number} [retry_after_s]
   */
  #postpone(now, random, retry_after_s) {
    const { tries } = this.#flight;
    const wait = Math.min(RETRY_CAP_MS, RETRY_MS * 2 ** tries) * (0.5 + random() / 2);
    const notBefore = now + Math.max(wait, (retry_after_s ?? 0) * 1_000);
    this.#flight = { out: false, tries: tries + 1, notBefore };
  }

  /** @param {Entry} entry */
  #keep(entry) {
    this.#store.set(STORED + entry.command.client_id, entry);
    const others = this.#entries.filter((each) => each.command.client_id !== entry.command.client_id);
    this.#entries = [...others, entry].sort((one, other) => one.order - other.order);
  }

  /** @param {string} client_id */
  #remove(client_id) {
    const entry = this.#entries.find((each) => each.command.client_id === client_id);
    this.#store.drop(STORED + client_id);
    if (!entry) return null;
    if (entry === this.#head()) this.#flight = grounded();
    this.#entries = this.#entries.filter((each) => each !== entry);
    return entry;
  }

  /**
   * @param {Entry} entry
   * @param {string} client_id
   */
  #rename(entry, client_id) {
    this.#remove(entry.command.client_id);
    this.#keep({ ...entry, command: { ...entry.command, client_id } });
  }

  /**
   * Only what the visitor has written stays in sight; a verdict or a request is not worth keeping.
   * @param {Entry} entry
   * @param {string} code
   */
  #fail(entry, code) {
    this.#remove(entry.command.client_id);
    if (entry.command.type === "say") this.#keep({ ...entry, failed: code });
    return entry.command;
  }

  /** @returns {Entry[]} */
  #stored() {
    return this.#store.names(STORED).map((name) => this.#store.get(name)).filter(isEntry);
  }
}

/** @returns {Flight} */
function grounded() {
  return { out: false, tries: 0, notBefore: 0 };
}

/**
 * Storage belongs to the host page as well, so its content is checked.
 * @param {unknown} value
 * @returns {value is Entry}
 */
function isEntry(value) {
  const entry = /** @type {Partial<Entry> | null} */ (value);
  const command = entry?.command;
  return typeof entry?.tab === "string" && typeof entry.order === "number" && typeof command?.client_id === "string";
}
