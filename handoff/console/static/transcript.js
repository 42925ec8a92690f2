// The middle: what was said and what happened, in order; news are appended, nothing is drawn twice.

import { fromMarkdown, link, make } from "./dom.js";
import { clock, happened, outcomeWords } from "./words.js";

const NEAR_PX = 80; // whoever has scrolled up further is reading, and is not pulled down

/** An article and where in it, as a link. @param {any} citation */
function article({ title, heading, url }) {
  return link(url, heading && heading !== title ? `${title} › ${heading}` : title);
}

/** Where the reply is from; a suggestion only from the first. @param {any} event */
function sources({ outcome, citations = [] }) {
  const from = outcome === "suggest" ? citations.slice(0, 1) : citations;
  const links = from.flatMap((/** @type {any} */ one, /** @type {number} */ at) => [at ? ", " : "Source: ", article(one)]);
  return from.length ? [make("p", { class: "sources" }, ...links)] : [];
}

/** The other articles that the visitor was shown, with a line of each. @param {any} event */
function others({ outcome, citations = [] }) {
  const items = outcome === "suggest" ? citations.slice(1).map((/** @type {any} */ one) => make("li", {}, article(one), ` ${one.quote}`)) : [];
  return items.length ? [make("div", { class: "sources" }, "Other articles shown:", make("ul", {}, ...items))] : [];
}

/** The buttons that the visitor was shown beside those articles. @param {any} event */
function offered({ citations = [], choices = [] }) {
  const cited = new Set(citations.map((/** @type {any} */ { article_id }) => article_id));
  const buttons = choices.filter((/** @type {any} */ { article_id }) => !cited.has(article_id));
  const labels = buttons.map((/** @type {any} */ { label }) => label).join(" · ");
  return labels ? [make("p", { class: "sources" }, `Buttons offered: ${labels}`)] : [];
}

/** @param {string} kind @param {string} by @param {string} at @param {Node[]} words */
function said(kind, by, at, words) {
  return make("li", { class: `said ${kind}` }, make("span", { class: "by" }, `${by} · ${at}`), ...words);
}

/** @param {string} text */
const plain = (text) => make("div", { class: "words plain-words" }, text);

const KINDS = { visitor_said: "visitor", agent_said: "agent", note_added: "note", bot_said: "bot" };
const NAMES = { visitor: "Visitor", agent: "Agent", note: "Note", bot: "Bot" };
// What stays of an event whose texts were erased, as in the store.
const STAYS = ["seq", "event_id", "at", "kind", "conversation_id", "state", "holder", "hold", "to_name", "helpful", "score", "priority"];

/** The events without what `redacted` says was erased. @param {any[]} events @param {number[]} seqs */
export function withoutErased(events, seqs) {
  const gone = new Set(seqs);
  return events.map((event) => (gone.has(event.seq) ? remains(event) : event));
}

/** @param {any} event */
function remains(event) {
  const by = event.by.kind === "visitor" ? { ...event.by, name: null } : event.by;
  const reason = event.kind === "handoff_requested" ? { reason: event.reason } : {};
  const kept = STAYS.filter((name) => name in event).map((name) => [name, event[name]]);
  return { ...Object.fromEntries(kept), ...reason, by, erased: true };
}

/** @param {any} event @returns {HTMLLIElement | null} */
function line(event) {
  const at = clock(event.at);
  if (event.erased && event.kind in KINDS) {
    const kind = KINDS[/** @type {keyof typeof KINDS} */ (event.kind)];
    return said(kind, NAMES[/** @type {keyof typeof NAMES} */ (kind)], at, [make("div", { class: "words erased" }, "Erased")]);
  }
  switch (event.kind) {
    case "visitor_said": return said("visitor", event.by.name ?? "Visitor", at, [plain(event.text)]);
    case "agent_said": return said("agent", event.by.name ?? "Agent", at, [plain(event.text)]);
    case "note_added": return said("note", `Note by ${event.by.name ?? "an agent"}, not shown to the visitor`, at, [plain(event.text)]);
    case "bot_said": {
      const words = make("div", { class: "words" }, ...fromMarkdown(event.text));
      const by = ["Bot", outcomeWords(event.outcome)].filter(Boolean).join(" · ");
      return said("bot", by, at, [words, ...sources(event), ...others(event), ...offered(event)]);
    }
    default: {
      const words = happened(event);
      return words ? make("li", { class: "happened" }, `${words} · ${at}`) : null;
    }
  }
}

export class Transcript {
  /** @param {HTMLElement} place what scrolls; it holds the list */
  constructor(place) {
    this.place = place;
    this.list = /** @type {HTMLOListElement} */ (place.querySelector("ol"));
    /** @type {HTMLElement[]} */ this.unsent = [];
  }

  /** @param {any[]} events */
  show(events) {
    this.unsent = [];
    this.list.replaceChildren(...events.flatMap((event) => line(event) ?? []));
    this.place.scrollTop = this.place.scrollHeight;
  }

  /** Draw anew, without moving whoever reads. @param {any[]} events */
  redraw(events) {
    const waiting = this.unsent;
    this.keepingPlace(() => this.list.replaceChildren(...events.flatMap((event) => line(event) ?? []), ...waiting));
  }

  /** @param {any} event */
  append(event) {
    const drawn = line(event);
    if (drawn) this.keepingPlace(() => this.list.insertBefore(drawn, this.unsent[0] ?? null));
  }

  /** What waits to be sent, below everything that was. @param {import("./outbox.js").Unsent[]} messages */
  showUnsent(messages) {
    this.keepingPlace(() => {
      for (const element of this.unsent) element.remove();
      this.unsent = messages.map(({ command, text, problem }) =>
        said(`${command === "say" ? "agent" : "note"} unsent`, problem ? "Not sent" : "Sending", "you", [plain(text)]),
      );
      this.list.append(...this.unsent);
    });
  }

  /** Draw here, above or beside; whoever reads the end goes on reading the end. @param {() => void} draw */
  keepingPlace(draw) {
    const near = this.place.scrollHeight - this.place.scrollTop - this.place.clientHeight < NEAR_PX;
    draw();
    if (near) this.place.scrollTop = this.place.scrollHeight;
  }
}
