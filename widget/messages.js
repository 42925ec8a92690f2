/**
 * The list of messages: what the log holds, then what still waits to be sent.
 *
 * @import {Chat} from "./chat.js"
 * @import {Citation, Party} from "./wire.js"
 * @import {Entry} from "./outbox.js"
 * @import {Item} from "./log.js"
 * @import {Words} from "./words.js"
 *
 * @typedef {object} Setting  What the drawing of a message depends on beside the message.
 * @property {Words} words
 * @property {string} language  For times of day.
 * @property {string} base  What relative links are relative to.
 *
 * @typedef {object} Row
 * @property {string} key  The same before and after the acknowledgement, so that the node stays.
 * @property {Item | null} item
 * @property {Entry | null} entry
 *
 * @typedef {object} Drawn
 * @property {HTMLElement} node
 * @property {string} state  What the node shows; it is drawn again when this changes.
 */
import { grow, h, link } from "./dom.js";
import { safeUrl } from "./inline.js";
import { parse } from "./markdown.js";

export class Messages {
  #setting;
  #chat;
  /** @type {Map<string, Drawn>} */
  #drawn = new Map();

  /**
   * @param {Chat} chat
   * @param {Setting} setting
   */
  constructor(chat, setting) {
    this.#chat = chat;
    this.#setting = setting;
    this.node = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": setting.words.log });
  }

  render() {
    const rows = rowsOf(this.#chat);
    const keys = new Set(rows.map((row) => row.key));
    for (const key of this.#drawn.keys()) if (!keys.has(key)) this.#forget(key);
    let at = this.node.firstChild;
    for (const row of rows) {
      const node = this.#draw(row);
      if (node === at) at = at.nextSibling;
      else this.node.insertBefore(node, at);
    }
  }

  /** @param {string} key */
  #forget(key) {
    this.#drawn.get(key)?.node.remove();
    this.#drawn.delete(key);
  }

  /** @param {Row} row */
  #draw(row) {
    const drawn = this.#drawn.get(row.key) ?? { node: h("div"), state: "" };
    this.#drawn.set(row.key, drawn);
    const state = this.#state(row);
    if (state !== drawn.state) this.#fill(drawn.node, row, state);
    drawn.state = state;
    return drawn.node;
  }

  /** @param {Row} row */
  #state({ item, entry }) {
    if (item) return item.redacted ? "redacted" : "there";
    if (entry?.failed) return "failed";
    return this.#chat.status === "online" ? "sending" : "unsent";
  }

  /**
   * The text of one's own message is not touched again, so that it is read aloud once.
   * @param {HTMLElement} node
   * @param {Row} row
   * @param {string} state
   */
  #fill(node, { item, entry }, state) {
    const { words } = this.#setting;
    if (item && item.kind !== "visitor_said") {
      node.className = changeText(item, words) === null ? "theirs" : "change";
      node.replaceChildren(...this.#other(item));
      return;
    }
    node.className = "mine";
    const text = item ? item.text : (entry?.command.text ?? "");
    const foot = item ? this.#sent(item) : this.#waiting(/** @type {Entry} */ (entry), state);
    const kept = node.firstElementChild;
    if (kept && state !== "redacted") node.replaceChildren(kept, foot);
    else node.replaceChildren(item?.redacted ? this.#gone() : bubble(words.you, text), foot);
  }

  /** @param {Item} item */
  #other(item) {
    const { words } = this.#setting;
    const change = changeText(item, words);
    if (change !== null) return [h("span", {}, change)];
    const head = h("div", { class: "meta" }, partyName(item.by, words), " · ", this.#time(item.at));
    if (item.redacted) return [head, this.#gone()];
    if (item.kind !== "bot_said") return [head, h("div", { class: "text plain" }, item.text)];
    const body = this.markdown(item.text);
    const { outcome, citations = [] } = item.event;
    body.classList.toggle("hedged", outcome === "suggest");
    return [head, body, ...this.#sources(outcome === "suggest" ? citations.slice(0, 1) : citations, body)];
  }

  /**
   * A bot's text.
   * @param {string} text
   */
  markdown(text) {
    const { base, words } = this.#setting;
    return h("div", { class: "text" }, ...grow(parse(text, base), words.newTab));
  }

  /**
   * The articles that the reply is from and does not link itself.
   * @param {readonly Citation[]} citations
   * @param {HTMLElement} body
   */
  #sources(citations, body) {
    const { base, words } = this.#setting;
    const linked = new Set(Array.from(body.querySelectorAll("a"), (each) => each.href));
    const unlinked = citations.filter(({ url }) => !linked.has(safeUrl(url, base) ?? ""));
    const links = unlinked.map((citation) => this.#source(citation));
    if (!links.length) return [];
    return [h("div", { class: "sources" }, words.sources, h("ul", {}, ...links.map((each) => h("li", {}, each))))];
  }

  /** @param {Citation} citation */
  #source({ title, heading, url, quote }) {
    const { base, words } = this.#setting;
    const label = heading && heading !== title ? `${title} › ${heading}` : title;
    const href = safeUrl(url, base);
    return href ? link(href, words.newTab, quote, label) : h("span", { title: quote }, label);
  }

  /** @param {Item} item */
  #sent(item) {
    return h("div", { class: "meta" }, this.#setting.words.sent, " · ", this.#time(item.at));
  }

  /**
   * @param {Entry} entry
   * @param {string} state
   */
  #waiting(entry, state) {
    const { words } = this.#setting;
    if (state !== "failed") return h("div", { class: "meta" }, state === "sending" ? words.sending : words.unsent);
    const why = entry.failed === "text_too_long" ? words.failedLong : words.failed;
    const remove = () => this.#chat.discard(entry.command.client_id);
    return h("div", { class: "row" }, h("span", { class: "warn" }, why), h("button", { click: remove }, words.remove));
  }

  #gone() {
    return h("div", { class: "text gone" }, this.#setting.words.redacted);
  }

  /** @param {string} at */
  #time(at) {
    const moment = new Date(at);
    if (Number.isNaN(moment.getTime())) return "";
    const today = moment.toDateString() === new Date().toDateString();
    /** @type {Intl.DateTimeFormatOptions} */
    const style = today ? { timeStyle: "short" } : { timeStyle: "short", dateStyle: "medium" };
    return h("time", { datetime: at }, new Intl.DateTimeFormat(this.#setting.language, style).format(moment));
  }
}

/**
 * The name that stands over a message; the bot's always says what it is.
 * @param {Party} party
 * @param {Words} words
 */
export function partyName(party, words) {
  if (party.kind === "bot") return party.name && party.name !== words.bot ? `${party.name} (${words.bot})` : words.bot;
  return party.name || words.someone;
}

/**
 * Where a waiting visitor stands, as far as it is known; who waits longer than they should is not told how long again.
 * @param {Chat} chat
 * @param {Words} words
 */
export function placeText({ queue }, words) {
  const wait_s = queue?.overdue ? null : (queue?.wait_s ?? null);
  return words.queued(queue?.position ?? null, wait_s === null ? null : Math.round(wait_s / 60));
}

/**
 * @param {Chat} chat
 * @returns {Row[]}
 */
function rowsOf(chat) {
  const items = chat.log.items.map((item) => ({ key: item.client_id ?? `#${item.seq}`, item, entry: null }));
  const there = new Set(items.map((row) => row.key));
  const waiting = chat.outbox.entries.filter(({ command }) => command.type === "say" && !there.has(command.client_id));
  return [...items, ...waiting.map((entry) => ({ key: entry.command.client_id, item: null, entry }))];
}

/**
 * The line that tells of a change; null for what was said.
 * @param {Item} item
 * @param {Words} words
 */
function changeText(item, words) {
  const holder = item.event.holder?.name || item.by.name || words.someone;
  /** @type {Record<string, string>} */
  const lines = {
    handoff_requested: words.asked,
    claimed: words.joined(holder),
    transferred: words.joined(holder),
    released: item.by.kind === "system" ? words.lostAgent : words.released,
    returned_to_bot: words.back,
    closed: words.closed,
    reopened: words.reopened,
    contact_left: words.contactLeft(item.event.email ?? ""),
  };
  return lines[item.kind] ?? null;
}

/**
 * @param {string} who
 * @param {string} text
 */
function bubble(who, text) {
  return h("div", { class: "text" }, h("span", { class: "sr" }, `${who}: `), text);
}
