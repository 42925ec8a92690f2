/**
 * One visitor's chat, without any DOM: the connection, the log it fills, and the commands that wait for it.
 *
 * @import {Command, Event, Queue, Refusal, ServerFrame, Welcome} from "./wire.js"
 * @import {Environment, Status} from "./socket.js"
 * @import {Store} from "./store.js"
 * @import {Log} from "./log.js"
 *
 * @typedef {object} Options
 * @property {string} url  Of the visitor socket.
 * @property {string} site
 * @property {string} [locale]
 * @property {{url: string, title: string}} [page]
 * @property {{claims: string, signature: string}} [identity]
 *
 * @typedef {object} Outside  What the chat needs of its page.
 * @property {Store} store
 * @property {() => void} changed  Something to show has changed.
 * @property {Environment} env
 * @property {() => number} today  Milliseconds since 1970.
 * @property {() => string} newId  A new UUID.
 * @property {string} tab  Unique to this page.
 */
import { apply, drafted, emptyLog, isGap, isReached, welcomed } from "./log.js";
import { Outbox } from "./outbox.js";
import { Pass } from "./pass.js";
import { Connection } from "./socket.js";
import { shorten, wellFormed } from "./text.js";
import { PROTOCOL } from "./wire.js";

const TYPING_EVERY_MS = 3_000; // often enough to keep the agent's sign alive
const TYPING_LASTS_MS = 6_000; // two missed signs, and nobody is typing
const PAGE_TITLE_MAX_CHARS = 200; // the server refuses a hello with more
const PAGE_URL_MAX_CHARS = 2_000; // likewise
const MAX_TEXT_CHARS = 4_000; // until a welcome says otherwise

export class Chat {
  #options;
  #outside;
  #line;
  #pass;
  #fresh = false;
  #target = 0;
  #lastTyping = 0;
  /** @type {unknown} */
  #retry = null;
  /** @type {unknown} */
  #typingTimer = null;

  /** @type {Log} */
  log = emptyLog();
  /** @type {Queue | null} */
  queue = null;
  deskOpen = true;
  otherIsTyping = false;
  maxTextChars = MAX_TEXT_CHARS;
  /** The request the server refused last and that nothing has made up for. @type {Command["type"] | null} */
  refused = null;

  /**
   * @param {Options} options
   * @param {Outside} outside
   */
  constructor(options, outside) {
    this.#options = options;
    this.#outside = outside;
    this.#pass = new Pass(outside.store);
    this.outbox = new Outbox(outside.store, outside.tab);
    this.#line = new Connection(options.url, this.#listener(), outside.env);
  }

  /** @returns {Status} */
  get status() {
    return this.#line.status;
  }

  /** Whether the first welcome has come. */
  get met() {
    return this.#line.met;
  }

  /** Whether so many attempts have failed that the next one hardly helps. */
  get unreachable() {
    return this.#line.unreachable;
  }

  /** Whether this visitor has been here before, so that there may be something new. */
  get returning() {
    return this.#pass.kept || this.outbox.waiting;
  }

  /** The last event that was in view. */
  get read() {
    return this.#pass.read(this.log.conversation_id);
  }

  /** Whether all is here that was there at the last welcome. */
  get complete() {
    return this.log.seq >= this.#target;
  }

  start() {
    this.#line.start();
    this.pump();
  }

  stop() {
    this.#line.stop();
    this.#outside.env.cancel(this.#retry);
    this.#outside.env.cancel(this.#typingTimer);
  }

  /** The network or the page has come back. */
  wake() {
    this.#line.wake();
  }

  /** Another page of this browser has become a visitor; if this one has not said anything yet, it is the same one. */
  follow() {
    if (this.#pass.follow() && this.status !== "idle") this.#line.restart();
  }

  /** @param {string} text */
  say(text) {
    const trimmed = wellFormed(text).trim();
    if (trimmed) this.#command({ type: "say", text: trimmed });
  }

  callHuman() {
    if (!this.pending("call_human")) this.#command({ type: "call_human" });
  }

  cancelHuman() {
    if (!this.pending("cancel_human")) this.#command({ type: "cancel_human" });
  }

  /**
   * @param {number} seq  Of the bot's reply.
   * @param {boolean} helpful
   */
  rate(seq, helpful) {
    this.#command({ type: "rate", seq, helpful });
  }

  /** @param {number} score  1 to 5. */
  survey(score) {
    this.#command({ type: "survey", score });
  }

  /**
   * @param {string} email
   * @param {string} name  May be empty.
   */
  contact(email, name) {
    this.#command({ type: "contact", email: wellFormed(email), ...(name ? { name: wellFormed(name) } : {}) });
  }

  /** Begins a new conversation. */
  renew() {
    this.#fresh = true;
    this.#line.restart();
  }

  /**
   * Forgets a message that the server has refused.
   * @param {string} client_id
   */
  discard(client_id) {
    this.outbox.discard(client_id);
    this.#outside.changed();
  }

  /** @param {boolean} on */
  typing(on) {
    const now = this.#outside.env.now();
    if (this.log.state !== "agent" || (on && now - this.#lastTyping < TYPING_EVERY_MS)) return;
    if (!on && !this.#lastTyping) return;
    this.#lastTyping = on ? now : 0;
    this.#line.send({ type: "typing", on });
  }

  /** Everything that has come so far is in view. */
  seen() {
    this.#pass.seen(this.log.conversation_id, this.log.seq);
  }

  /** Sends what waits, if the log is complete: the acknowledgement of it may be among the events still to come. */
  pump() {
    if (this.status !== "online" || !this.complete) return;
    const next = this.outbox.next(this.#outside.env.now());
    if (next === null) return;
    if (typeof next === "number") this.#later(next);
    else this.#dispatch(next);
  }

  /** @param {Omit<Command, "client_id">} command */
  #command(command) {
    this.refused = null;
    this.outbox.add({ ...command, client_id: this.#outside.newId() }, this.#outside.today());
    this.start();
    this.#outside.changed();
  }

  /**
   * Whether a command of this type still waits for its acknowledgement.
   * @param {Command["type"]} type
   */
  pending(type) {
    return this.outbox.entries.some((entry) => entry.command.type === type);
  }

  /** @param {Command} command */
  #dispatch(command) {
    this.#pass.keep();
    this.#fresh = false;
    this.#line.send(command);
  }

  /** @param {number} wait_ms */
  #later(wait_ms) {
    const { cancel, later } = this.#outside.env;
    cancel(this.#retry);
    this.#retry = later(() => this.pump(), wait_ms);
  }

  /** @returns {import("./socket.js").Listener} */
  #listener() {
    return {
      hello: () => this.#hello(),
      dropToken: () => this.#pass.drop(),
      receive: (frame) => this.#receive(frame),
      turn: (status) => this.#turn(status),
      oversize: () => this.#oversize(),
      cursor: () => this.log.seq,
    };
  }

  #hello() {
    const { site, locale, page, identity } = this.#options;
    const { token } = this.#pass;
    const resume = this.log.conversation_id || this.#pass.conversation_id;
    return {
      type: "hello",
      protocol: PROTOCOL,
      site,
      ...(token ? { token } : {}),
      ...(resume ? { conversation_id: resume, after: this.log.seq } : {}),
      ...(this.#fresh ? { fresh: true } : {}),
      ...(locale ? { locale } : {}),
      ...(page ? { page: fitting(page) } : {}),
      ...(identity ? { identity } : {}),
    };
  }

  /** @param {Status} status */
  #turn(status) {
    if (status !== "online") {
      this.outbox.land();
      this.otherIsTyping = false;
    }
    this.#outside.changed();
  }

  /** @param {ServerFrame} frame */
  #receive(frame) {
    switch (frame.type) {
      case "welcome":
        this.#welcome(frame);
        break;
      case "event":
        this.#event(frame);
        break;
      case "draft":
        this.log = drafted(this.log, frame);
        break;
      case "queue":
        this.queue = frame;
        break;
      case "desk":
        this.deskOpen = frame.open;
        break;
      case "typing":
        this.#otherTypes(frame.on);
        break;
      case "error":
        this.#refuse(frame);
        break;
      default:
        return; // a frame of a later version
    }
    this.pump();
    this.#outside.changed();
  }

  /** @param {Welcome} welcome */
  #welcome(welcome) {
    this.log = welcomed(this.log, welcome);
    this.#target = welcome.seq;
    this.queue = welcome.queue ?? null;
    this.deskOpen = welcome.desk_open ?? true;
    this.maxTextChars = welcome.limits?.max_text_chars ?? MAX_TEXT_CHARS;
    this.#pass.admit(welcome);
  }

  /** @param {Event} event */
  #event(event) {
    if (!Number.isSafeInteger(event.seq)) return;
    if (isGap(this.log, event)) {
      this.#line.resync();
      return;
    }
    const { hold } = this.log;
    this.log = apply(this.log, event);
    if (event.client_id) this.outbox.acknowledge(event.client_id);
    if (this.log.hold !== hold) this.#moved();
    if (event.kind === "agent_said") this.#otherTypes(false);
  }

  /** Another holds the chat: what was true of waiting and typing is no more. */
  #moved() {
    this.refused = null;
    this.otherIsTyping = false;
    if (this.log.state !== "queued") this.queue = null;
  }

  /** @param {boolean} on */
  #otherTypes(on) {
    const { cancel, later } = this.#outside.env;
    cancel(this.#typingTimer);
    this.otherIsTyping = on;
    if (on) this.#typingTimer = later(() => this.#stoppedTyping(), TYPING_LASTS_MS);
  }

  #stoppedTyping() {
    this.otherIsTyping = false;
    this.#outside.changed();
  }

  #oversize() {
    const client_id = this.outbox.flying;
    if (client_id) this.#refuse({ code: "text_too_long", client_id, final: true });
  }

  /** @param {Refusal} refusal */
  #refuse(refusal) {
    const { env, newId } = this.#outside;
    const failed = this.outbox.refuse(refusal, { now: env.now(), random: env.random, newId });
    if (failed && failed.type !== "say" && !isReached(this.log, failed.type, refusal.code)) this.refused = failed.type;
    if (refusal.code === "newer_conversation") this.#line.resync();
  }
}

/** @param {{url: string, title: string}} page */
function fitting({ url, title }) {
  return { url: shorten(url, PAGE_URL_MAX_CHARS), title: wellFormed(shorten(title, PAGE_TITLE_MAX_CHARS)) };
}
