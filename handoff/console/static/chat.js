// The chosen conversation: its head, what to know first, its transcript, its composer, and what the agent may do with it.

import { byId, fromMarkdown, link, make } from "./dom.js";
import { drawHandover } from "./handover.js";
import { toPlain } from "./plain.js";
import { Transcript } from "./transcript.js";
import { whereWords } from "./words.js";

const STILL_TYPING_MS = 3_000;
const ACTS = new Set(["agent", "lead", "admin"]);

/** @typedef {{label: string, command: string, primary?: boolean}} Action */

/** What this agent may do with the conversation as it stands. @param {any} item @param {string} me @returns {Action[]} */
export function actionsFor(item, me) {
  if (item.state === "closed") return [{ label: "Reopen", command: "reopen" }];
  if (item.state === "agent" && item.holder.id !== me) return [];
  if (item.state !== "agent") return [{ label: "Take over", command: "claim", primary: true }];
  return [
    { label: "Release to queue", command: "release" },
    { label: "Return to bot", command: "return" },
    { label: "Close", command: "close" },
  ];
}

export class Chat {
  #typingUntil = 0;
  #visitorTyping = 0;

  /**
   * @param {{me: string, role: string, outbox: import("./outbox.js").Outbox, storage: Storage,
   *   act: (command: string) => void, typing: (on: boolean) => void}} parts
   */
  constructor(parts) {
    this.parts = parts;
    this.transcript = new Transcript(byId("transcript"));
    /** @type {any} */ this.item = null;
    /** @type {HTMLTextAreaElement} */ this.text = byId("text");
    byId("composer").addEventListener("submit", (/** @type {Event} */ event) => this.#submit(event, "say"));
    byId("send-note").addEventListener("click", (/** @type {Event} */ event) => this.#submit(event, "note"));
    this.text.addEventListener("keydown", (event) => this.#key(event));
    this.text.addEventListener("input", () => this.#typed());
  }

  /** @param {any} item @param {any[]} events */
  open(item, events) {
    this.item = item;
    byId("nothing").hidden = true;
    byId("chat").hidden = false;
    drawHandover("");
    this.transcript.show(events);
    this.text.value = this.parts.storage.getItem(this.#draftKey) ?? "";
    byId("typing").textContent = "";
    this.update(item);
    if (this.holds) this.text.focus();
    else byId("chat-title").focus();
  }

  get holds() {
    return this.item?.state === "agent" && this.item.holder.id === this.parts.me;
  }

  /** @param {any} item */
  update(item) {
    this.item = item;
    const page = item.page?.title || item.page?.url;
    byId("chat-title").textContent = item.state === "closed" ? "Closed chat" : `Chat ${whereWords(item, this.parts.me)}`;
    const facts = [page && `on ${page}`, item.contact, item.tags.join(", "), item.site !== "default" && item.site];
    byId("chat-facts").textContent = facts.filter(Boolean).join(" · ");
    this.#drawActions();
    this.drawUnsent();
    this.text.placeholder = this.holds ? "" : `${item.state === "closed" ? "Reopen the chat and take it" : "Take the chat"} over to reply; a note is possible any time.`;
    byId("send").disabled = !this.holds;
    byId("composer").hidden = !ACTS.has(this.parts.role);
  }

  /** @param {any} event */
  append(event) {
    this.transcript.append(event);
    if (event.kind === "handoff_requested") this.#showHandover(event.detail ?? "");
    if (event.kind === "returned_to_bot") this.#showHandover("");
    if (event.by.kind === "visitor") this.visitorTyping(false);
  }

  /** Show only what was not erased. @param {any[]} events */
  redact(events) {
    this.transcript.redraw(events);
    this.#showHandover("");
  }

  /** @param {string} detail */
  #showHandover(detail) {
    this.transcript.keepingPlace(() => drawHandover(detail));
  }

  /** @param {boolean} on */
  visitorTyping(on) {
    clearTimeout(this.#visitorTyping);
    byId("typing").textContent = on ? "The visitor is writing" : "";
    if (on) this.#visitorTyping = setTimeout(() => this.visitorTyping(false), 2 * STILL_TYPING_MS);
  }

  #drawActions() {
    const wanted = ACTS.has(this.parts.role) ? actionsFor(this.item, this.parts.me) : [];
    const place = byId("chat-actions");
    const drawn = [...place.children].map((/** @type {any} */ button) => button.value).join();
    if (drawn === wanted.map(({ command }) => command).join()) return; // keeps focus where it is
    const hadFocus = place.contains(document.activeElement);
    place.replaceChildren(
      ...wanted.map(({ label, command, primary }) =>
        make("button", { type: "button", value: command, class: primary ? "primary" : "", onclick: () => this.parts.act(command) }, label),
      ),
    );
    if (hadFocus) (this.holds ? this.text : byId("chat-title")).focus();
  }

  drawUnsent() {
    if (!this.item) return;
    const messages = this.parts.outbox.of(this.item.conversation_id);
    this.transcript.showUnsent(messages);
    const refused = messages.filter(({ problem }) => problem);
    byId("unsent").replaceChildren(
      ...refused.map((message) => {
        const back = make("button", { type: "button", class: "plain", onclick: () => this.#takeBack(message) }, "Put it back into the box");
        return make("p", {}, `“${message.text.slice(0, 60)}” was not sent. ${message.problem} `, back);
      }),
    );
  }

  /** @param {import("./outbox.js").Unsent} message */
  #takeBack(message) {
    this.text.value = [message.text, this.text.value].filter(Boolean).join("\n");
    this.parts.outbox.remove(message.client_id);
    this.#keepDraft();
    this.text.focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.#submit(event, "say");
  }

  /** @param {Event} event @param {"say" | "note"} command */
  #submit(event, command) {
    event.preventDefault();
    const text = this.text.value.trim();
    if (!text || (command === "say" && !this.holds)) return;
    this.text.value = "";
    this.#keepDraft();
    this.#stopTyping();
    this.parts.outbox.add(this.item.conversation_id, command, text);
    this.text.focus();
  }

  #typed() {
    this.#keepDraft();
    if (!this.holds || Date.now() < this.#typingUntil - STILL_TYPING_MS / 2) return;
    this.#typingUntil = Date.now() + STILL_TYPING_MS;
    this.parts.typing(true);
  }

  #stopTyping() {
    if (Date.now() < this.#typingUntil) this.parts.typing(false);
    this.#typingUntil = 0;
  }

  get #draftKey() {
    return `handrail.draft.${this.parts.me}.${this.item.conversation_id}`;
  }

  #keepDraft() {
    if (this.text.value) this.parts.storage.setItem(this.#draftKey, this.text.value);
    else this.parts.storage.removeItem(this.#draftKey);
  }

  /** Put a passage into the box. @param {string} text */
  insert(text) {
    this.text.value = [this.text.value, text].filter(Boolean).join("\n");
    this.#keepDraft();
    this.text.focus();
  }
}

/** @param {any[]} items @param {(text: string) => void} use */
export function drawSuggestions(items, use) {
  const drawn = items.map(({ title, url, text }) => {
    const words = make("div", { class: "words" }, ...fromMarkdown(text));
    const button = make("button", { type: "button", onclick: () => use(toPlain(text)) }, "Use this text");
    return make("article", {}, make("h3", {}, link(url, title)), words, button);
  });
  byId("suggestions").hidden = false;
  byId("suggestions").querySelector("div").replaceChildren(...(drawn.length ? drawn : [make("p", { class: "hint" }, "Nothing found.")]));
}
